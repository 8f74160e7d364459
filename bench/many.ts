/**
 * `npm run bench:many`: questions over thousands of measurements of a value each (`--of measurements`), or lists of a million
 * series (`--of series`), asked of this server and of InfluxDB in turns. Prints the medians in ms of the clock and of processor,
 * ours by thread as well, the most memory that came with each statement, and whether the answers are equal.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { must } from '../src/base/assert.ts';
import { Asker } from './support/asker.ts';
import { ingest } from './support/cluster-load.ts';
import { startInfluxd, startVarve, type BenchServer } from './support/servers.ts';
import { threadTimes } from './support/thread-times.ts';
import { workloads } from './workloads.ts';

const { values } = parseArgs({
  options: {
    of: { type: 'string', default: 'measurements' },
    /** Measurements, or series. */
    count: { type: 'string' },
    /** Values of each measurement; each series has one. */
    points: { type: 'string', default: '1' },
    /** Between values of a measurement: with 604800 each has a shard of its own, every other one on another worker. */
    'step-seconds': { type: 'string', default: '10' },
    rounds: { type: 'string', default: '5' },
    /** Only statements that match. */
    only: { type: 'string', default: '' },
    /** A series more before each question: no list is given again as it was. */
    fresh: { type: 'boolean', default: false },
    influxd: { type: 'string', default: 'influxd' },
    'port-offset': { type: 'string', default: '13000' },
  },
});

const isOfSeries = values.of === 'series';
const count = Number(values.count ?? (isOfSeries ? 1_000_000 : 5_000));
const rows = 5_000;
const stepSeconds = Number(values['step-seconds']);
const range = `time >= 1704067200s AND time < ${1_704_067_200 + Math.max(60, Number(values.points) * stepSeconds)}s`;
const intervalSeconds = Math.max(60, stepSeconds);
const statements = {
  measurements: [
    'SELECT mean(value) FROM /.*/',
    `SELECT mean(value) FROM /^node_metric_1/ WHERE ${range} GROUP BY time(${intervalSeconds}s)`,
    'SELECT last(value) FROM /.*/',
    'SELECT value FROM /.*/ LIMIT 1',
    'SHOW MEASUREMENTS',
    'SHOW SERIES',
    'SHOW TAG KEYS',
    'SHOW TAG VALUES WITH KEY = host',
    `SHOW TAG VALUES WITH KEY = host WHERE host =~ /^h1/`,
    'SHOW FIELD KEYS',
    'SHOW FIELD KEYS FROM node_metric_17',
  ],
  series: [
    'SHOW TAG VALUES WITH KEY = service',
    'SHOW TAG VALUES WITH KEY = id',
    'SHOW TAG VALUES WITH KEY = id LIMIT 10',
    'SHOW TAG VALUES WITH KEY = id WHERE id =~ /^req-99/',
    'SHOW SERIES',
    'SHOW SERIES LIMIT 10',
    'SHOW SERIES EXACT CARDINALITY',
    'SHOW TAG VALUES EXACT CARDINALITY WITH KEY = id',
  ],
};

let freshCount = 0;
const servers: BenchServer[] = [];
try {
  const offset = Number(values['port-offset']);
  servers.push(await startVarve(offset));
  const peer = await startInfluxd(offset, values.influxd, 'tsi1');
  if (peer !== undefined) servers.push(peer);
  for (const server of servers) await load(server);
  const asker = new Asker(1);
  for (const statement of isOfSeries ? statements.series : statements.measurements)
    if (new RegExp(values.only).test(statement)) await compare(statement, asker);
  asker.close();
} finally {
  for (const server of servers) await server.stop();
}

async function load({ url }: BenchServer): Promise<void> {
  const bodies = Math.ceil((count * (isOfSeries ? 1 : Number(values.points))) / rows);
  const kind = isOfSeries ? 'fresh' : 'metrics';
  const workload = must(workloads[kind], 'a kind of load')({ bodies, rows, series: count, passes: 1, stepSeconds }); // prettier-ignore
  await ingest({ urls: [url], consistency: 'one', clients: 4 }, workload, 0, bodies);
}

interface Rounds {
  readonly wallMs: number[];
  readonly cpuMs: number[];
  readonly byThread: ReadonlyMap<string, number>[];
  grownBytes: number;
  answer: Buffer;
}

/** The first round does not count. */
async function compare(statement: string, asker: Asker): Promise<void> {
  const all = servers.map((): Rounds => ({ wallMs: [], cpuMs: [], byThread: [], grownBytes: 0, answer: Buffer.alloc(0) })); // prettier-ignore
  for (let round = 0; round <= Number(values.rounds); round++) {
    freshCount++;
    for (const [i, server] of servers.entries()) {
      const rounds = must(all[i], 'a server has rounds');
      if (values.fresh) await asker.write(`${server.url}/write?db=d`, freshSeries());
      const before = threadTimes(server.pid);
      const heldBytes = residentBytes(server);
      const startMs = performance.now();
      rounds.answer = await asker.get(`${server.url}/query?db=d&epoch=ns&q=${encodeURIComponent(statement)}`); // prettier-ignore
      const wallMs = performance.now() - startMs;
      rounds.grownBytes = Math.max(rounds.grownBytes, residentBytes(server) - heldBytes);
      if (round === 0) continue;
      const byThread = spent(before, threadTimes(server.pid));
      rounds.wallMs.push(wallMs);
      rounds.cpuMs.push([...byThread.values()].reduce((sum, ms) => sum + ms, 0));
      rounds.byThread.push(byThread);
    }
  }
  tell(statement, all);
}

function freshSeries(): Buffer {
  const name = isOfSeries ? 'requests' : 'node_metric_1';
  return Buffer.from(`${name},host=f${freshCount},id=f${freshCount} value=1 1704067200000000000\n`);
}

function tell(statement: string, all: readonly Rounds[]): void {
  const [ours, ...others] = all;
  if (ours === undefined) return;
  const shown = all.map(
    ({ wallMs, cpuMs, grownBytes }) =>
      `${shortMs(median(wallMs))} ms (CPU ${shortMs(median(cpuMs))}, +${(grownBytes / 1_048_576).toFixed(0)} MiB)`,
  );
  const ratios = others.map(({ cpuMs }) => `${(median(cpuMs) / median(ours.cpuMs)).toFixed(1)}x of processor`); // prettier-ignore
  const isSame = others.every(({ answer }) => rounded(ours.answer) === rounded(answer));
  const names = new Set(ours.byThread.flatMap((times) => [...times.keys()]));
  const threads = [...names]
    .map((name) => [name, median(ours.byThread.map((times) => times.get(name) ?? 0))] as const)
    .filter(([, ms]) => ms >= 0.05)
    .sort(([, a], [, b]) => b - a)
    .map(([name, ms]) => `${name} ${shortMs(ms)}`);
  process.stdout.write(`${statement.padEnd(52)} ${[...shown, ...ratios].join(' / ')}; ${ours.answer.length} bytes, ${isSame ? 'equal' : 'DIFFERENT'}\n    ${threads.join(', ')}\n`); // prettier-ignore
}

/** Milliseconds of each kind of thread between two readings. */
function spent(
  before: ReadonlyMap<string, number>,
  after: ReadonlyMap<string, number>,
): ReadonlyMap<string, number> {
  return new Map([...after].map(([name, seconds]) => [name, (seconds - (before.get(name) ?? 0)) * 1_000])); // prettier-ignore
}

function residentBytes({ pid }: BenchServer): number {
  return Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * 4_096;
}

function shortMs(ms: number): string {
  return ms < 10 ? ms.toFixed(2) : ms.toFixed(0);
}

/** Means differ in their last digits by the order in which a server adds. */
function rounded(answer: Buffer): string {
  return answer.toString().replace(/\d+\.\d{9,}/g, (text) => Number(text).toPrecision(10));
}

function median(list: readonly number[]): number {
  return [...list].sort((a, b) => a - b)[list.length >> 1] ?? 0;
}
