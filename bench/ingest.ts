/**
 * `npm run bench:ingest -- --kind narrow`: posts the same distinct bodies to our data node and, where installed, to influxd
 * and victoria-metrics, in rounds: each round starts each server anew, one after the other. The first bodies warm it up and
 * are not timed; what is stored is counted afterwards; rates, processor time and ratios are medians of the rounds. The load
 * generator shares the machine with the server.
 */
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { RawClient } from './support/raw-client.ts';
import {
  startInfluxd,
  startVarve,
  startVictoriaMetrics,
  usageOf,
  type BenchServer,
} from './support/servers.ts';
import { threadTimes } from './support/thread-times.ts';
import { workloads, type Workload } from './workloads.ts';

const { values } = parseArgs({
  options: {
    kind: { type: 'string', default: 'cpu' },
    bodies: { type: 'string', default: '200' },
    rows: { type: 'string', default: '5000' },
    /** How often the bodies are sent, each time at later times of their points. */
    passes: { type: 'string', default: '1' },
    /** Bodies before the clock runs. */
    'warm-up': { type: 'string' },
    series: { type: 'string' },
    clients: { type: 'string', default: '4' },
    rounds: { type: 'string', default: '1' },
    servers: { type: 'string', default: 'varve,influxd,victoria-metrics' },
    /** Another release of influxd. */
    influxd: { type: 'string', default: 'influxd' },
    /** Nothing is flushed; afterwards the server is killed and started again: how fast its log is read. */
    recover: { type: 'boolean', default: false },
    /** Prints processor time by thread. */
    threads: { type: 'boolean', default: false },
    'port-offset': { type: 'string', default: '13000' },
  },
});
const seriesOf: Readonly<Record<string, number>> = {
  cpu: 1_000,
  narrow: 100_000,
  metrics: 5_000,
  mixed: 1_000,
};
const make = workloads[values.kind];
if (make === undefined) throw new Error(`--kind is one of ${Object.keys(workloads).join(', ')}`);
const bodyCount = Number(values.bodies);
const warmUpCount = Number(values['warm-up'] ?? Math.ceil(bodyCount / 10));
const workload: Workload = make({
  bodies: bodyCount + warmUpCount,
  rows: Number(values.rows),
  series: Number(values.series ?? seriesOf[values.kind] ?? 0),
  passes: Number(values.passes),
});
const clientCount = Number(values.clients);
const megabytes = workload.bodies.reduce((sum, body) => sum + body.length, 0) / 1e6;
process.stdout.write(`${values.kind}: ${bodyCount} bodies of ${values.rows} lines and ${warmUpCount} before them, ${values.passes} times, ${workload.fieldCount} values a line, ${megabytes.toFixed(0)} MB, ${values.clients} clients\n`); // prettier-ignore

interface Figures {
  readonly linesPerSecond: number;
  readonly cpuPerMillion: number;
  readonly peakBytes: number;
}

if (values.recover) {
  process.env['INFLUXDB_DATA_CACHE_SNAPSHOT_MEMORY_SIZE'] = '4g';
  process.env['INFLUXDB_DATA_CACHE_MAX_MEMORY_SIZE'] = '0';
  process.env['INFLUXDB_DATA_CACHE_SNAPSHOT_WRITE_COLD_DURATION'] = '1h';
}
const offset = Number(values['port-offset']);
const starts: Readonly<Record<string, () => Promise<BenchServer | undefined>>> = {
  varve: () => startVarve(offset),
  influxd: () => startInfluxd(offset, values.influxd),
  'victoria-metrics': () => startVictoriaMetrics(offset),
};
const figures = new Map<string, Figures[]>();
for (let round = 0; round < Number(values.rounds); round++) {
  for (const [name, start] of Object.entries(starts)) {
    if (!values.servers.split(',').includes(name)) continue;
    const server = await start();
    if (server === undefined) continue;
    try {
      const measured = await measure(server);
      figures.set(server.name, [...(figures.get(server.name) ?? []), measured]);
    } finally {
      await server.stop();
    }
  }
}
const medians = new Map([...figures].map(([name, all]) => [name, medianOf(all)]));
const ours = medians.get('varve');
for (const [name, { linesPerSecond, cpuPerMillion, peakBytes }] of medians) {
  process.stdout.write(`${name}: median ${(linesPerSecond / 1e3).toFixed(0)} k lines/s, ${cpuPerMillion.toFixed(2)} CPU s a million lines, peak ${(peakBytes / 1e6).toFixed(0)} MB\n`); // prettier-ignore
  if (ours === undefined || name === 'varve') continue;
  const rate = (ours.linesPerSecond / linesPerSecond).toFixed(2);
  const cpu = (cpuPerMillion / ours.cpuPerMillion).toFixed(2);
  const peak = (ours.peakBytes / peakBytes).toFixed(2);
  process.stdout.write(`varve / ${name}: ${rate} times the lines/s; per processor second ${cpu} times; ${peak} of its memory\n`); // prettier-ignore
}

async function measure(server: BenchServer): Promise<Figures> {
  const { lineCount, fieldCount, wanted, bodies, passes } = workload;
  const url = new URL(`${server.url}/write?db=d`);
  const clients = await Promise.all(Array.from({ length: clientCount }, () => RawClient.connect(url))); // prettier-ignore
  const sendAll = async (from: number, to: number): Promise<void> => {
    let next = from;
    const send = async (client: RawClient): Promise<void> => {
      for (let at = next++; at < to; at = next++) await client.post(workload.bodyAt(at));
    };
    await Promise.all(clients.map(send));
  };
  await sendAll(0, warmUpCount);
  const before = usageOf(server).cpuSeconds;
  const threadsBefore = threadTimes(server.pid);
  const ownBefore = process.cpuUsage();
  const startMs = performance.now();
  await sendAll(warmUpCount, bodies.length * passes);
  const seconds = (performance.now() - startMs) / 1_000;
  const own = process.cpuUsage(ownBefore);
  for (const client of clients) client.close();
  const { cpuSeconds, peakBytes, diskBytes } = usageOf(server);
  const timedCount = lineCount - (warmUpCount * lineCount) / (bodies.length * passes);
  const cpuPerMillion = ((cpuSeconds - before) / timedCount) * 1e6;
  const generatorPerMillion = (own.user + own.system) / timedCount;
  process.stdout.write(`generator ${generatorPerMillion.toFixed(3)} CPU s a million lines\n`);
  if (values.threads) printThreads(threadsBefore, threadTimes(server.pid), timedCount);
  let stored = await server.countPoints(workload);
  if (server.name === 'victoria-metrics') stored /= fieldCount;
  process.stdout.write(`${server.name}: ${(timedCount / seconds / 1e3).toFixed(0)} k lines/s, ${((timedCount * fieldCount) / seconds / 1e6).toFixed(2)} M values/s, ${seconds.toFixed(1)} s; ${cpuPerMillion.toFixed(2)} CPU s a million lines; peak ${(peakBytes / 1e6).toFixed(0)} MB, disk ${(diskBytes / 1e6).toFixed(0)} MB; stored ${stored} of ${wanted}\n`); // prettier-ignore
  if (values.recover) await recover(server);
  const mayDiffer = workload.hasRepeats && server.name === 'victoria-metrics';
  if (stored !== wanted && !mayDiffer) process.exitCode = 1;
  return { linesPerSecond: timedCount / seconds, cpuPerMillion, peakBytes };
}

/** From kill -9 until all points are counted again, less what it takes to count them. */
async function recover(server: BenchServer): Promise<void> {
  const { lineCount, wanted } = workload;
  const logBytes = Number(spawnSync('du', ['-sb', `${server.folder}/wal`], { encoding: 'utf8' }).stdout.split('\t')[0]); // prettier-ignore
  const startMs = performance.now();
  await server.restart?.();
  let stored = 0;
  let countMs = 0;
  while (stored !== wanted) {
    const askedMs = performance.now();
    stored = await server.countPoints(workload).catch(() => 0);
    countMs = performance.now() - askedMs;
    if (stored !== wanted) await new Promise((wake) => setTimeout(wake, 5));
  }
  const seconds = (performance.now() - startMs - countMs) / 1_000;
  process.stdout.write(`${server.name}: a log of ${(logBytes / 1e6).toFixed(0)} MB read in ${seconds.toFixed(2)} s from kill -9 on: ${(logBytes / seconds / 1e6).toFixed(0)} MB/s, ${(lineCount / seconds / 1e3).toFixed(0)} k lines/s\n`); // prettier-ignore
}

function printThreads(
  before: ReadonlyMap<string, number>,
  after: ReadonlyMap<string, number>,
  lineCount: number,
): void {
  const spent = [...after].map(([name, seconds]) => [name, seconds - (before.get(name) ?? 0)] as const); // prettier-ignore
  for (const [name, seconds] of spent.sort(([, a], [, b]) => b - a))
    process.stdout.write(`  ${name.padEnd(16)} ${((seconds / lineCount) * 1e6).toFixed(3)} s a million lines\n`); // prettier-ignore
}

/** Of each figure by itself. */
function medianOf(all: readonly Figures[]): Figures {
  const median = (of: (one: Figures) => number): number => {
    const sorted = all.map(of).sort((a, b) => a - b);
    const middle = (sorted.length - 1) / 2;
    return ((sorted[Math.floor(middle)] ?? 0) + (sorted[Math.ceil(middle)] ?? 0)) / 2;
  };
  return {
    linesPerSecond: median(({ linesPerSecond }) => linesPerSecond),
    cpuPerMillion: median(({ cpuPerMillion }) => cpuPerMillion),
    peakBytes: median(({ peakBytes }) => peakBytes),
  };
}
