/**
 * `npm run bench:series`: questions over many series of few points each, some of them in files and some in memory, asked of this
 * server and of InfluxDB in turns. Prints the median of both in ms of the clock and of processor, and whether the answers are equal.
 */
import { parseArgs } from 'node:util';
import { must } from '../src/base/assert.ts';
import { ingest } from './support/cluster-load.ts';
import { Asker } from './support/asker.ts';
import { startInfluxd, startVarve, usageOf, type BenchServer } from './support/servers.ts';
import { workloads } from './workloads.ts';

const { values } = parseArgs({
  options: {
    series: { type: 'string', default: '100000' },
    /** Values of each series. */
    points: { type: 'string', default: '60' },
    rounds: { type: 'string', default: '5' },
    influxd: { type: 'string', default: 'influxd' },
    'port-offset': { type: 'string', default: '13000' },
  },
});

const rows = 5_000;
const startSeconds = 1_704_067_200;
const endSeconds = startSeconds + Number(values.points) * 10;
const statements = [
  'SELECT count(value) FROM m',
  'SELECT mean(value) FROM m',
  'SELECT last(value) FROM m GROUP BY host',
  `SELECT count(value) FROM m WHERE time >= ${startSeconds}s AND time < ${endSeconds}s GROUP BY time(1m)`,
  'SELECT mean(value) FROM m WHERE host =~ /7$/',
  'SELECT mean(value) FROM m GROUP BY host',
];

const servers: BenchServer[] = [];
try {
  const offset = Number(values['port-offset']);
  servers.push(await startVarve(offset));
  const peer = await startInfluxd(offset, values.influxd, 'tsi1');
  if (peer !== undefined) servers.push(peer);
  for (const server of servers) await load(server);
  const asker = new Asker(1);
  for (const statement of statements) await compare(statement, asker);
  asker.close();
} finally {
  for (const server of servers) await server.stop();
}

async function load({ url }: BenchServer): Promise<void> {
  const series = Number(values.series);
  const bodies = Math.ceil((series * Number(values.points)) / rows);
  const workload = must(workloads['narrow'], 'a kind of load')({ bodies, rows, series, passes: 1 });
  await ingest({ urls: [url], consistency: 'one', clients: 4 }, workload, 0, bodies);
}

interface Times {
  readonly wallMs: number[];
  readonly cpuMs: number[];
  answer: Buffer;
}

/** The first round does not count. */
async function compare(statement: string, asker: Asker): Promise<void> {
  const all = servers.map((): Times => ({ wallMs: [], cpuMs: [], answer: Buffer.alloc(0) }));
  for (let round = 0; round <= Number(values.rounds); round++)
    for (const [i, server] of servers.entries()) {
      const times = must(all[i], 'a server has times');
      const [startMs, startSeconds] = [performance.now(), usageOf(server).cpuSeconds];
      times.answer = await asker.get(`${server.url}/query?db=d&epoch=ns&q=${encodeURIComponent(statement)}`); // prettier-ignore
      if (round === 0) continue;
      times.wallMs.push(performance.now() - startMs);
      times.cpuMs.push((usageOf(server).cpuSeconds - startSeconds) * 1_000);
    }
  const [ours, ...others] = all;
  const shown = all.map(({ wallMs, cpuMs }) => `${median(wallMs).toFixed(0)} ms (CPU ${median(cpuMs).toFixed(0)})`); // prettier-ignore
  const ratios = others.map(({ wallMs }) => `${(median(wallMs) / median(ours?.wallMs ?? [])).toFixed(1)}x`); // prettier-ignore
  const isSame = others.every(({ answer }) => ours !== undefined && rounded(ours.answer) === rounded(answer)); // prettier-ignore
  process.stdout.write(`${statement.padEnd(48)} ${[...shown, ...ratios].join(' / ')}; ${ours?.answer.length ?? 0} bytes, ${isSame ? 'equal' : 'DIFFERENT'}\n`); // prettier-ignore
}

/** Sums of many series differ in their last digits by the order in which a server adds them. */
function rounded(answer: Buffer): string {
  return answer.toString().replace(/\d+\.\d{9,}/g, (text) => Number(text).toPrecision(10));
}

function median(list: readonly number[]): number {
  return [...list].sort((a, b) => a - b)[list.length >> 1] ?? 0;
}
