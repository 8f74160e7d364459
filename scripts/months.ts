/**
 * `npm run months -- [--minutes N] [--speed S] [--calm]`: a cluster of three data nodes on a clock that goes S times as fast, so that
 * months pass in minutes: shards begin and go by retention, a continuous query sums each day, series come and go, and nodes are killed
 * in turn. Ends with `N passed, N failed`, a line for each promise: nothing refused, each day whole in both policies through every
 * node, what is past its retention gone from the disks, memory and descriptors flat.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { rssMiBOf } from '../test/hostile/watch.ts';
import { fastEnvironment } from '../test/months/fast-time.ts';
import { dayMs, MonthsLoad, type DaySums } from '../test/months/months-load.ts';
import { DevCluster, eventually } from '../test/support/dev-cluster.ts';

const portOffset = 16_000;
const database = 'months';
const nodes = [1, 2, 3];
const keptDays = 14;
/** A group goes once all of it is past its retention; services look every ten seconds of ours. */
const goneDaysMax = 3;
const killEveryMs = 25_000;
const downMs = [2_000, 20_000];
const lookEveryMs = 5_000;
const settleMsMax = 60_000;
const rssGrowthMiBMax = 100;
const descriptorGrowthMax = 30;

const { values: options } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    speed: { type: 'string', default: '8000' },
    calm: { type: 'boolean', default: false },
  },
});
process.exitCode = await months(Number(options.minutes) * 60_000, Number(options.speed));

async function months(durationMs: number, speed: number): Promise<number> {
  const cluster = new DevCluster(portOffset, '--metas', '3', '--data', '3');
  const time = { beginMs: Date.now(), speed };
  const killing = new AbortController();
  const faults: string[][] = [];
  try {
    await cluster.start({
      ...fastEnvironment(time),
      INFLUXDB_RETENTION_CHECK_INTERVAL: '10s',
      INFLUXDB_DATA_CACHE_SNAPSHOT_WRITE_COLD_DURATION: '30s',
      INFLUXDB_DATA_COMPACT_FULL_WRITE_COLD_DURATION: '60s',
    });
    await makeDatabase(cluster);
    const urls = nodes.map((number) => cluster.url('data', number));
    const load = new MonthsLoad({ urls, database, time });
    const firstDay = Math.floor(load.nowMs / dayMs);
    const running = Promise.all([load.run(), options.calm ? undefined : killInTurn(cluster, killing.signal)]); // prettier-ignore
    const early = await watched(cluster, load, durationMs / 2);
    const late = await watched(cluster, load, durationMs / 2);
    killing.abort();
    load.stop();
    await running;
    report(faults, `${load.bodyCount} bodies acknowledged, ${load.retryCount} tried again, of ${load.days.size} days`, load.refusals.slice(0, 5)); // prettier-ignore
    report(faults, 'each day that retention keeps is whole', await whole(cluster, load, 'raw', () => Math.floor(load.nowMs / dayMs) - keptDays + goneDaysMax)); // prettier-ignore
    report(faults, 'each day has its sums', await whole(cluster, load, 'long', () => firstDay + 1));
    report(faults, 'what is past its retention is gone', await gone(cluster));
    report(faults, 'memory and descriptors are flat', growth(early, late));
  } finally {
    killing.abort();
    await cluster.stop();
  }
  const failedCount = faults.filter((some) => some.length > 0).length;
  print(`${faults.length - failedCount} passed, ${failedCount} failed`);
  return failedCount === 0 ? 0 : 1;
}

async function makeDatabase(cluster: DevCluster): Promise<void> {
  const statements = [
    `CREATE DATABASE ${database} WITH DURATION ${keptDays}d REPLICATION 2 SHARD DURATION 1d NAME raw`,
    `CREATE RETENTION POLICY long ON ${database} DURATION INF REPLICATION 2 SHARD DURATION 30d`,
    `CREATE CONTINUOUS QUERY daily ON ${database} RESAMPLE EVERY 6h FOR 3d BEGIN SELECT count(v) AS c, sum(v) AS s INTO ${database}.long.daily FROM ${database}.raw.cpu GROUP BY time(1d), host END`,
  ];
  for (const statement of statements) {
    const text = await cluster.query(1, statement);
    if (text.includes('error')) throw new Error(`${statement}: ${text}`);
  }
}

/** Each node in turn, the metas too; every fifth stays away for longer. */
async function killInTurn(cluster: DevCluster, signal: AbortSignal): Promise<void> {
  const names = nodes.flatMap((number) => [`data-${number}`, `meta-${number}`]);
  for (let i = 0; ; i++) {
    if (await pause(killEveryMs, signal)) return;
    const name = names[i % names.length] ?? '';
    await cluster.kill(name);
    await pause(downMs[i % 5 === 4 ? 1 : 0] ?? 0, signal);
    cluster.startByHand(name);
  }
}

/** Answers the most that each node took: one that has just started takes less. */
async function watched(
  cluster: DevCluster,
  load: MonthsLoad,
  durationMs: number,
): Promise<ReadonlyMap<string, Usage>> {
  const most = new Map<string, Usage>();
  const endMs = performance.now() + durationMs;
  while (performance.now() < endMs) {
    await pause(Math.min(lookEveryMs, endMs - performance.now()));
    for (const [name, { rssMiB, descriptors }] of usageOf(cluster)) {
      const before = most.get(name) ?? { rssMiB: 0, descriptors: 0 };
      most.set(name, { rssMiB: Math.max(rssMiB, before.rssMiB), descriptors: Math.max(descriptors, before.descriptors) }); // prettier-ignore
    }
  }
  const text = Array.from(most, ([name, { rssMiB, descriptors }]) => `${name} ${rssMiB.toFixed(0)} MiB, ${descriptors} descriptors`); // prettier-ignore
  print(`  until ${new Date(load.nowMs).toISOString().slice(0, 10)}: ${load.bodyCount} bodies; at most ${text.join('; ')}`); // prettier-ignore
  return most;
}

/** Which days are not as they were written, of those from `firstDay` that are over; looked at until none is left, as hints and sums are under way. */
async function whole(
  cluster: DevCluster,
  load: MonthsLoad,
  policy: 'raw' | 'long',
  firstDay: () => number,
): Promise<readonly string[]> {
  const lastDay = Math.max(...load.days.keys());
  let wrong: readonly string[] = [];
  const look = async (): Promise<void> => {
    const found = await Promise.all(nodes.map((number) => daysOf(cluster, number, policy)));
    const from = firstDay();
    wrong = found.flatMap((days, i) =>
      [...load.days]
        .filter(([day]) => day > from && day < lastDay)
        .flatMap(([day, { count, sum }]) => {
          const got = days.get(day);
          const isSame = got?.count === count && got.sum === sum;
          return isSame ? [] : [`node ${i + 1}, ${new Date(day * dayMs).toISOString().slice(0, 10)}: ${JSON.stringify(got)}, not ${JSON.stringify({ count, sum })}`]; // prettier-ignore
        }),
    );
    if (wrong.length > 0) throw new Error('some days are not as they were written');
  };
  await eventually(look, settleMsMax).catch(() => undefined);
  return wrong.slice(0, 5);
}

async function daysOf(
  cluster: DevCluster,
  number: number,
  policy: 'raw' | 'long',
): Promise<ReadonlyMap<number, DaySums>> {
  const of = policy === 'raw' ? `SELECT count(v), sum(v) FROM ${database}.raw.cpu WHERE host = 'h7' AND time >= 0 GROUP BY time(1d) fill(none)` : `SELECT c, s FROM ${database}.long.daily WHERE host = 'h7'`; // prettier-ignore
  const rows = await cluster.values(number, of);
  return new Map(
    rows.map(([timeNs, count, sum]) => [
      Math.round(Number(timeNs) / 1e6 / dayMs),
      { count: Number(count), sum: Number(sum) },
    ]),
  );
}

/** A node has at most one folder a shard of the days that are kept, and each day has three shards of two owners. */
async function gone(cluster: DevCluster): Promise<readonly string[]> {
  const foldersMax = (keptDays + goneDaysMax + 1) * 2;
  let many: readonly string[] = [];
  const look = (): Promise<void> => {
    const counts = nodes.map((number) => folderCount(join(cluster.dir, `data-${number}`, 'data', database, 'raw'))); // prettier-ignore
    many = counts.flatMap((count, i) => (count > foldersMax ? [`node ${i + 1}: ${count} folders of shards, ${foldersMax} at most`] : [])); // prettier-ignore
    return many.length > 0 ? Promise.reject(new Error('too many')) : Promise.resolve();
  };
  await eventually(look, settleMsMax).catch(() => undefined);
  return many;
}

function folderCount(folder: string): number {
  try {
    return readdirSync(folder).length;
  } catch {
    return 0;
  }
}

interface Usage {
  readonly rssMiB: number;
  readonly descriptors: number;
}

/** Of those that are up. */
function usageOf(cluster: DevCluster): ReadonlyMap<string, Usage> {
  const usages = nodes.flatMap((number): [string, Usage][] => {
    const name = `data-${number}`;
    const folder = `/proc/${cluster.pid(name)}/fd`;
    if (!existsSync(folder)) return [];
    return [[name, { rssMiB: rssMiBOf(cluster.pid(name)), descriptors: folderCount(folder) }]];
  });
  return new Map(usages);
}

function growth(
  early: ReadonlyMap<string, Usage>,
  late: ReadonlyMap<string, Usage>,
): readonly string[] {
  return Array.from(late).flatMap(([name, { rssMiB, descriptors }]) => {
    const before = early.get(name) ?? { rssMiB: 0, descriptors: 0 };
    const isFlat = rssMiB - before.rssMiB <= rssGrowthMiBMax && descriptors - before.descriptors <= descriptorGrowthMax; // prettier-ignore
    return isFlat ? [] : [`${name}: ${before.rssMiB.toFixed(0)} to ${rssMiB.toFixed(0)} MiB, ${before.descriptors} to ${descriptors} descriptors`]; // prettier-ignore
  });
}

function report(faults: string[][], text: string, own: readonly string[]): void {
  faults.push([...own]);
  print(`${own.length === 0 ? 'held  ' : 'FAILED'}  ${text}`);
  for (const fault of own) print(`        ${fault}`);
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Whether it was broken off. */
function pause(ms: number, signal?: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      resolve(signal?.aborted === true);
    };
    const timer = setTimeout(end, ms);
    signal?.addEventListener('abort', end, { once: true });
    if (signal?.aborted === true) end();
  });
}
