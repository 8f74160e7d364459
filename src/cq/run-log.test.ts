import { expect, test } from 'vitest';
import type { Clock } from '../env/clock.ts';
import type { Log, LogFields } from '../env/log.ts';
import { formatLine } from '../env/node/log/log-format.ts';
import { RunLog } from './run-log.ts';

const startNs = 1_795_767_250_000_000_000n;

/** The lines of one run that takes so long; without how many it wrote it fails. */
function linesOf(tookNs: bigint, writtenCount: bigint | undefined): readonly string[] {
  let nowNs = startNs;
  const lines: string[] = [];
  const info = (msg: string, fields: LogFields): void => {
    lines.push(formatLine('logfmt', { ts: 'T', lvl: 'info', msg, fields }));
  };
  const log = new RunLog({ wallNs: () => nowNs } as Clock, { info } as Log);
  const end = log.start({ database: 'd', name: 'c' }, { startNs, endNs: startNs + 2_000_000_000n });
  nowNs += tookNs;
  end(writtenCount === undefined ? undefined : { writtenCount, durationNs: tookNs });
  return lines;
}

/** As a 1.12.4 wrote them, but for its ids. */
test('run log: lines of a run are those of a real 1.12.4', () => {
  expect(linesOf(1_515_000n, 3n)).toEqual([
    'ts=T lvl=info msg="Continuous query execution (start)" trace_id=cq-1 op_name=continuous_querier_execute op_event=start',
    'ts=T lvl=info msg="Executing continuous query" trace_id=cq-1 op_name=continuous_querier_execute name=c db_instance=d start=2026-11-27T08:14:10.000000Z end=2026-11-27T08:14:12.000000Z',
    'ts=T lvl=info msg="Finished continuous query" trace_id=cq-1 op_name=continuous_querier_execute name=c db_instance=d written=3 start=2026-11-27T08:14:10.000000Z end=2026-11-27T08:14:12.000000Z duration=1ms',
    'ts=T lvl=info msg="Continuous query execution (end)" trace_id=cq-1 op_name=continuous_querier_execute op_event=end op_elapsed=1.515ms',
  ]);
  expect(linesOf(394_000n, 0n).slice(2).map((line) => line.split(' ').at(-1))).toEqual(['duration=0ms', 'op_elapsed=0.394ms']); // prettier-ignore
});

test('run log: one that failed has no line of what it wrote', () => {
  expect(linesOf(0n, undefined).map((line) => /msg="([^"]*)"/.exec(line)?.[1])).toEqual([
    'Continuous query execution (start)',
    'Executing continuous query',
    'Continuous query execution (end)',
  ]);
});
