/** Turns a memtable into a TSM file. The memtable does not change meanwhile; other work goes on between slices. */
import { compareUtf8 } from '../../base/compare-utf8.ts';
import { encodeBlock } from '../../codec/block.ts';
import { encodeTimes } from '../../codec/times.ts';
import type { Clock } from '../../env/clock.ts';
import type { Disk } from '../../env/disk.ts';
import type { ShardIndex } from '../index/shard-index.ts';
import { blockRowsMax, tsmKey } from '../tsm/tsm-format.ts';
import { TsmFile } from '../tsm/tsm-file.ts';
import { TsmWriter } from '../tsm/tsm-writer.ts';
import { sliceRun } from './column-run.ts';
import type { Memtable } from './memtable.ts';

export interface FlushPorts {
  readonly disk: Disk;
  readonly clock: Clock;
  /** Lets other messages run. */
  readonly turn: () => Promise<void>;
}

interface FlushColumn {
  readonly key: string;
  readonly measurement: string;
  readonly seriesId: number;
  readonly field: string;
}

interface SharedTimes {
  readonly timesNs: BigInt64Array;
  /** By number of the block. */
  readonly encoded: Uint8Array[];
}

const sliceMs = 5;

/** Writes `memtable` to `path`, under a name of its own until it is whole and durable. */
export async function flushMemtable(
  memtable: Memtable,
  index: ShardIndex,
  path: string,
  { disk, clock, turn }: FlushPorts,
): Promise<TsmFile> {
  const temporary = `${path}.tmp`;
  const writer = new TsmWriter(await disk.open(temporary, 'create'));
  const view = memtable.pin();
  let sliceStartMs = clock.monotonicMs();
  // Fields of a series mostly share their times: these are encoded once.
  let shared: SharedTimes = { timesNs: new BigInt64Array(), encoded: [] };
  for (const { key, measurement, seriesId, field } of columnsOf(memtable, index)) {
    const run = view.read(measurement, seriesId, field);
    if (run === undefined) continue;
    const count = run.timesNs.length;
    if (run.timesNs !== shared.timesNs) shared = { timesNs: run.timesNs, encoded: [] };
    for (let start = 0; start < count; start += blockRowsMax) {
      const part = sliceRun(run, start, Math.min(count, start + blockRowsMax));
      const times = (shared.encoded[start / blockRowsMax] ??= encodeTimes(part.timesNs));
      const minTimeNs = part.timesNs[0] ?? 0n;
      const maxTimeNs = part.timesNs.at(-1) ?? 0n;
      await writer.add({
        key,
        type: part.type,
        minTimeNs,
        maxTimeNs,
        bytes: encodeBlock(part, times),
      });
    }
    if (clock.monotonicMs() - sliceStartMs < sliceMs) continue;
    await turn();
    sliceStartMs = clock.monotonicMs();
  }
  await writer.finish();
  await disk.rename(temporary, path);
  await disk.syncDir(path.slice(0, path.lastIndexOf('/')));
  return TsmFile.open(disk, path);
}

function columnsOf(memtable: Memtable, index: ShardIndex): readonly FlushColumn[] {
  const columns = new Map<string, FlushColumn>();
  for (const measurement of memtable.measurements()) {
    for (const table of memtable.tables(measurement)) {
      for (const seriesId of table.seriesIds()) {
        const { key: seriesKey } = index.series(seriesId);
        for (const { name: field } of table.fields) {
          const key = tsmKey(seriesKey, field);
          columns.set(key, { key, measurement, seriesId, field });
        }
      }
    }
  }
  return [...columns.values()].sort((a, b) => compareUtf8(a.key, b.key));
}
