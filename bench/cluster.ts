/**
 * `npm run bench:cluster`: what a cluster costs. Each part is a minute at most, and starts servers of its own:
 * `--part ingest` two data nodes with two copies, consistency one and all, beside one influxd with the same bodies, and by thread
 * with `--threads`;
 * `--part query` the same questions to a cluster of two nodes with half of the series each, and to one of one node;
 * `--part hints` writes while one of two owners is dead, and how fast it is given what it missed beside fresh writes.
 */
import { parseArgs } from 'node:util';
import { DevCluster, eventually } from '../test/support/dev-cluster.ts';
import { Asker } from './support/asker.ts';
import { FreshWrites, hintedBytes, ingest, type TimedWrite } from './support/cluster-load.ts';
import { waitsText } from './support/paced-calls.ts';
import { quantile } from './support/quantile.ts';
import { startInfluxd } from './support/servers.ts';
import { threadTimes, threadTurns, type ThreadTurns } from './support/thread-times.ts';
import { cpuQueries } from './tsbs/cpu-queries.ts';
import { workloads, type Workload } from './workloads.ts';

const { values } = parseArgs({
  options: {
    part: { type: 'string', default: 'ingest,query,hints' },
    kind: { type: 'string', default: 'cpu' },
    bodies: { type: 'string', default: '100' },
    rows: { type: 'string', default: '5000' },
    series: { type: 'string', default: '1000' },
    clients: { type: 'string', default: '4' },
    /** A query is asked for so long of each cluster. */
    'budget-ms': { type: 'string', default: '500' },
    /** A pattern of the names of queries that are asked. */
    only: { type: 'string', default: '' },
    /** Of hints: consistency of the fresh writes, and whether they are of the shard that is drained or of another. */
    'fresh-level': { type: 'string', default: 'one' },
    'fresh-shard': { type: 'string', default: 'other' },
    /** Of hints: how long fresh writes are timed of an owner that was started again with nothing waiting for it. */
    'idle-ms': { type: 'string', default: '6000' },
    /** Of hints: prints the slowest fresh writes, and when they were due. */
    slowest: { type: 'boolean', default: false },
    /** Of ingest: those that are measured. */
    levels: { type: 'string', default: 'one,all' },
    /** Measures no influxd beside it. */
    alone: { type: 'boolean', default: false },
    /** Prints processor time of nodes by thread. */
    threads: { type: 'boolean', default: false },
    'port-offset': { type: 'string', default: '8000' },
  },
});
const offset = Number(values['port-offset']);
const only = new RegExp(values.only);
const clients = Number(values.clients);
const bodyCount = Number(values.bodies);
const warmUpCount = Math.ceil(bodyCount / 5);
const restartLimitMs = 60_000;
const drainLimitMs = 120_000;
const pollMs = 100;
/** Threads that ran less while hints drained are not shown. */
const turnsShownMsMin = 20;
const calmMs = 5_000;
/** What ingest left behind, files to be written and garbage, is not what a fresh write waits for on a calm day. */
const settleMs = 4_000;
const startedMs = 1_000;
const slowestShown = 20;
/** Both sides keep as many series as come. */
const unlimited = {
  INFLUXDB_DATA_MAX_SERIES_PER_DATABASE: '0',
  INFLUXDB_DATA_MAX_VALUES_PER_TAG: '0',
};
const make = workloads[values.kind];
if (make === undefined) throw new Error(`--kind is one of ${Object.keys(workloads).join(', ')}`);
const parts: Readonly<Record<string, (workload: Workload) => Promise<void>>> = {
  ingest: ingestPart,
  query: queryPart,
  hints: hintsPart,
};
for (const name of values.part.split(',')) {
  const part = parts[name];
  if (part === undefined) throw new Error(`--part is some of ${Object.keys(parts).join(', ')}`);
  await part(
    make({
      bodies: bodyCount + warmUpCount,
      rows: Number(values.rows),
      series: Number(values.series),
      passes: 1,
    }),
  );
}

async function ingestPart(workload: Workload): Promise<void> {
  const single = values.alone ? undefined : await influxdRate(workload);
  for (const consistency of values.levels.split(',')) {
    const cluster = await clusterOf(2, 2);
    try {
      const target = {
        urls: [cluster.url('data', 1), cluster.url('data', 2)],
        consistency,
        clients,
      };
      await ingest(target, workload, 0, warmUpCount);
      const pids = [1, 2].map((number) => cluster.pid(`data-${number}`));
      const before = pids.map(threadTimes);
      const rate = await ingest(target, workload, warmUpCount, workload.bodies.length);
      const after = pids.map(threadTimes);
      for (const number of [1, 2]) await storedAt(cluster, number, workload);
      const times = single === undefined ? '' : `, ${(rate / single).toFixed(2)} times influxd's`;
      print(`two nodes, two copies, ${consistency}: ${thousands(rate)} k lines/s${times}`);
      if (values.threads) printThreads(before, after);
    } finally {
      await cluster.stop();
    }
  }
}

/** Of both nodes together. */
function printThreads(
  before: readonly ReadonlyMap<string, number>[],
  after: readonly ReadonlyMap<string, number>[],
): void {
  const spent = new Map<string, number>();
  for (const [at, times] of after.entries()) {
    for (const [name, seconds] of times) {
      const own = seconds - (before[at]?.get(name) ?? 0);
      spent.set(name, (spent.get(name) ?? 0) + own);
    }
  }
  const millions = (bodyCount * Number(values.rows)) / 1e6;
  const total = [...spent.values()].reduce((sum, seconds) => sum + seconds, 0);
  print(`  ${'all'.padEnd(16)} ${(total / millions).toFixed(3)} CPU s a million lines`);
  for (const [name, seconds] of [...spent].sort(([, a], [, b]) => b - a))
    print(`  ${name.padEnd(16)} ${(seconds / millions).toFixed(3)}`);
}

/** Of each node: how much its threads ran while hints drained, and how long they waited for a processor each time. */
function printTurns(
  before: readonly ReadonlyMap<string, ThreadTurns>[],
  after: readonly ReadonlyMap<string, ThreadTurns>[],
): void {
  for (const [at, turns] of after.entries()) {
    for (const [name, { ranMs, waitedMs, turnCount }] of turns) {
      const was = before[at]?.get(name) ?? { ranMs: 0, waitedMs: 0, turnCount: 0 };
      const count = turnCount - was.turnCount;
      if (ranMs - was.ranMs < turnsShownMsMin) continue;
      const [ran, waited] = [ranMs - was.ranMs, waitedMs - was.waitedMs];
      print(`  data-${at + 1} ${name.padEnd(16)} ran ${ran.toFixed(0)} ms in ${count} turns, ${(ran / count).toFixed(2)} ms each; waited ${waited.toFixed(0)} ms for a processor, ${(waited / count).toFixed(2)} ms each`); // prettier-ignore
    }
  }
}

async function influxdRate(workload: Workload): Promise<number> {
  const server = await startInfluxd(offset);
  if (server === undefined) throw new Error('no influxd is installed');
  try {
    const target = { urls: [server.url], consistency: 'one', clients };
    await ingest(target, workload, 0, warmUpCount);
    const rate = await ingest(target, workload, warmUpCount, workload.bodies.length);
    print(`${server.name}: ${thousands(rate)} k lines/s`);
    return rate;
  } finally {
    await server.stop();
  }
}

/** Both clusters are up at once and take turns, so that the hour's speed of the machine is that of both. */
async function queryPart(workload: Workload): Promise<void> {
  const one = await clusterOf(1, 1);
  const two = await clusterOf(2, 1, offset + 400);
  const asker = new Asker(1);
  try {
    for (const cluster of [one, two]) {
      const target = { urls: [cluster.url('data', 1)], consistency: 'all', clients };
      await ingest(target, workload, 0, workload.bodies.length);
      await storedAt(cluster, 1, workload);
    }
    const seconds = (workload.lineCount / Number(values.series)) * 10;
    const place = { startSeconds: 1_704_067_200, hours: Math.max(1, Math.ceil(seconds / 3_600)) };
    const ratios: number[] = [];
    for (const { name, influx } of cpuQueries(place)) {
      if (!only.test(name)) continue;
      const [alone = 0, shared = 0] = await medians(asker, [one, two], influx);
      ratios.push(shared / alone);
      print(`${name.padEnd(24)} one node ${alone.toFixed(2)} ms, two ${shared.toFixed(2)}: ${(shared / alone).toFixed(2)}`); // prettier-ignore
      if (values.threads) for (const [i, cluster] of [one, two].entries()) print(await threadsOf(asker, { cluster, dataCount: i + 1 }, influx)); // prettier-ignore
    }
    const mean = Math.exp(ratios.reduce((sum, one) => sum + Math.log(one), 0) / ratios.length);
    print(`geometric mean of ${ratios.length} ratios: ${mean.toFixed(2)}, most ${Math.max(...ratios).toFixed(2)}`); // prettier-ignore
  } finally {
    asker.close();
    await one.stop();
    await two.stop();
  }
}

/** Microseconds of processor of one question, by thread of each node; those of less than ten are left out. */
async function threadsOf(
  asker: Asker,
  { cluster, dataCount }: { readonly cluster: DevCluster; readonly dataCount: number },
  q: string,
): Promise<string> {
  const path = `/query?db=d&epoch=ns&q=${encodeURIComponent(q)}`;
  const pids = Array.from({ length: dataCount }, (_, i) => cluster.pid(`data-${i + 1}`));
  const before = pids.map(threadTimes);
  const startMs = performance.now();
  let askedCount = 0;
  for (; performance.now() - startMs < Number(values['budget-ms']); askedCount++)
    await asker.get(`${cluster.url('data', 1)}${path}`);
  const spent = pids.map(threadTimes).map((times, i) => {
    const parts = [...times].map(([name, seconds]) => [name, ((seconds - (before[i]?.get(name) ?? 0)) / askedCount) * 1e6] as const); // prettier-ignore
    return parts.filter(([, each]) => each >= 10).map(([name, each]) => `${name} ${each.toFixed(0)}`).join(', '); // prettier-ignore
  });
  return `  us of processor: ${spent.join(' | ')}`;
}

/** In milliseconds, of one question to each; half of the budget is spent before the clock runs. */
async function medians(
  asker: Asker,
  clusters: readonly DevCluster[],
  q: string,
): Promise<readonly number[]> {
  const path = `/query?db=d&epoch=ns&q=${encodeURIComponent(q)}`;
  const times = clusters.map((): number[] => []);
  const budgetMs = Number(values['budget-ms']) * clusters.length;
  const startMs = performance.now();
  for (let round = 0; round < 3 || performance.now() - startMs < budgetMs; round++) {
    if (round > 0 && performance.now() - startMs < budgetMs / 2) for (const list of times) list.length = 0; // prettier-ignore
    for (const [at, cluster] of clusters.entries()) {
      const askedMs = performance.now();
      const answer = await asker.get(`${cluster.url('data', 1)}${path}`);
      times[at]?.push(performance.now() - askedMs);
      if (answer.includes('"error"')) throw new Error(`${q}: ${answer.toString('utf8', 0, 500)}`);
    }
  }
  return times.map((list) => quantile(list, 0.5));
}

/**
 * What fresh writes wait for, told of three spans: an owner that was up all along, one just started again for which nothing waits, and
 * one just started again that is brought its hints. The same writes and the same questions about what is left in each; what is due
 * from the moment the owner answers pings counts, so that the start itself is in the last two.
 */
async function hintsPart(workload: Workload): Promise<void> {
  const single = values.alone ? undefined : await influxdRate(workload);
  const half = Math.ceil((workload.bodies.length - warmUpCount) / 2) + warmUpCount;
  const cluster = await clusterOf(2, 2);
  try {
    const url = cluster.url('data', 1);
    const target = { urls: [url], consistency: 'one', clients };
    await ingest(target, workload, 0, warmUpCount);
    const whole = await ingest(target, workload, warmUpCount, half);
    const fresh = new FreshWrites(url, {
      firstNs: values['fresh-shard'] === 'same' ? 1_704_067_200_000_000_000n : 1n,
      consistency: values['fresh-level'],
    });
    const calm = await fresh.until(askedFor(url, settleMs + calmMs));
    const settledMs = (calm[0]?.dueMs ?? 0) + settleMs;
    await cluster.kill('data-2');
    await started(cluster);
    const idle = await fresh.until(askedFor(url, Number(values['idle-ms'])));
    await cluster.kill('data-2');
    const degraded = await ingest(target, workload, half, workload.bodies.length);
    const bytes = await hintedBytes(url);
    print(`one of two owners dead: ${thousands(degraded)} k lines/s, ${((degraded / whole) * 100).toFixed(0)} % of the ${thousands(whole)} before; ${(bytes / 1e6).toFixed(0)} MB of hints`); // prettier-ignore
    const pids = [cluster.pid('data-1'), await started(cluster)];
    const drained = drain(url, bytes);
    const turnsBefore = pids.map(threadTurns);
    const beside = await fresh.until(drained);
    const { startMs, endMs } = await drained;
    const turnsAfter = pids.map(threadTurns);
    const lines = (workload.lineCount / workload.bodies.length) * (workload.bodies.length - half);
    const rate = (lines / (endMs - startMs)) * 1_000;
    await storedAt(cluster, 2, workload);
    const times = single === undefined ? '' : `, ${(rate / single).toFixed(2)} times influxd's ingest`; // prettier-ignore
    print(`hints drained in ${((endMs - startMs) / 1_000).toFixed(1)} s, ${thousands(rate)} k lines/s${times}`); // prettier-ignore
    const during = beside.filter(({ dueMs }) => dueMs < endMs);
    printWaits('before', calm.filter(({ dueMs }) => dueMs >= settledMs)); // prettier-ignore
    // As long as the drain was.
    printWaits('owner started again, nothing waits for it', fromFirst(idle, spanMs(during)));
    printWaits('owner started again, beside its hints', during);
    printWaits('the same but for the second after the start', during.filter(({ dueMs }) => dueMs >= (during[0]?.dueMs ?? 0) + startedMs)); // prettier-ignore
    if (values.threads) printTurns(turnsBefore, turnsAfter);
  } finally {
    await cluster.stop();
  }
}

/** Starts the second data node anew; resolves with its process once it answers. */
async function started(cluster: DevCluster): Promise<number> {
  const { pid = 0 } = cluster.startByHand('data-2');
  await eventually(() => fetch(`${cluster.url('data', 2)}/ping`), restartLimitMs);
  return pid;
}

function spanMs(writes: readonly TimedWrite[]): number {
  return (writes.at(-1)?.dueMs ?? 0) - (writes[0]?.dueMs ?? 0);
}

function fromFirst(writes: readonly TimedWrite[], lengthMs: number): readonly TimedWrite[] {
  const endMs = (writes[0]?.dueMs ?? 0) + lengthMs;
  return writes.filter(({ dueMs }) => dueMs <= endMs);
}

function printWaits(span: string, writes: readonly TimedWrite[]): void {
  print(`fresh writes (${values['fresh-level']}, ${values['fresh-shard']} shard), ${span}: ${waitsText(writes)}`); // prettier-ignore
  if (!values.slowest) return;
  const slowest = [...writes].sort((a, b) => b.waitMs - a.waitMs).slice(0, slowestShown);
  print(`  ${slowest.map(({ dueMs, waitMs }) => `${waitMs.toFixed(0)} at ${(dueMs - (writes[0]?.dueMs ?? 0)).toFixed(0)}`).join(', ')}`); // prettier-ignore
}

/** Asks for hints as `drain` does. */
async function askedFor(url: string, lengthMs: number): Promise<void> {
  const endMs = performance.now() + lengthMs;
  while (performance.now() < endMs) {
    await new Promise((wake) => setTimeout(wake, pollMs));
    await hintedBytes(url);
  }
}

/** From when there is less than `bytes` until there is nothing, by performance.now(). */
async function drain(
  url: string,
  bytes: number,
): Promise<{ readonly startMs: number; readonly endMs: number }> {
  const limitMs = performance.now() + drainLimitMs;
  let startMs: number | undefined;
  for (let left = bytes; left > 0;) {
    if (performance.now() > limitMs) throw new Error(`${left} bytes of hints are left`);
    await new Promise((wake) => setTimeout(wake, pollMs));
    const askedMs = performance.now();
    const now = await hintedBytes(url);
    // What went before it was seen has gone since it was looked at last.
    if (now < bytes) startMs ??= askedMs - pollMs;
    left = now;
  }
  return { startMs: startMs ?? 0, endMs: performance.now() };
}

async function clusterOf(data: number, copies: number, at = offset): Promise<DevCluster> {
  const cluster = new DevCluster(at, '--metas', '1', '--data', `${data}`);
  await cluster.start(unlimited);
  await cluster.query(1, `CREATE DATABASE d WITH REPLICATION ${copies}`);
  return cluster;
}

/** Throws unless a node counts all points that were written: with a copy of its own, they are those of its copy. */
async function storedAt(cluster: DevCluster, number: number, workload: Workload): Promise<void> {
  const { field, measurement, wanted } = workload;
  await eventually(async () => {
    const [row] = await cluster.values(number, `SELECT count(${field}) FROM ${measurement}`);
    if (row?.[1] !== wanted) throw new Error(`node ${number} has ${String(row?.[1])} of ${wanted}`);
  }, restartLimitMs);
}

function thousands(rate: number): string {
  return (rate / 1e3).toFixed(0);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
