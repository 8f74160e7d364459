/**
 * `npm run continuous -- [--rounds N] [--seed S] [--queries Q] [--seconds T] [--faults] --influxd PATH`: random continuous queries over
 * points that come, in a cluster and in a real influxd that gets the same points at the same time. After each round their targets are
 * compared, window by window, at every node. With `--faults` the node that runs the queries is killed, or stands still for longer than its
 * lease, and a meta node stands still: no window may be missing, or be of half of its points.
 */
import { parseArgs } from 'node:util';
import { LivePoints, aheadMs } from '../test/continuous/live-points.ts';
import { database, fruitlessQueries, randomQuery, wholePolicy, type RandomQuery } from '../test/continuous/random-queries.ts'; // prettier-ignore
import { RandomChoice } from '../test/conformance/fresh/random-choice.ts';
import { DevCluster, eventually } from '../test/support/dev-cluster.ts';
import { ReferenceServer } from '../test/support/reference-server.ts';

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    seed: { type: 'string', default: '1' },
    queries: { type: 'string', default: '30' },
    seconds: { type: 'string', default: '30' },
    faults: { type: 'boolean', default: false },
    influxd: { type: 'string', default: 'influxd' },
    copies: { type: 'string', default: '2' },
    'port-offset': { type: 'string', default: '13000' },
  },
});
const nodes = [1, 2, 3];
const leaseMs = 3_000;
const settledMsMax = 90_000;
const writeMs = 10_000;
const shownMax = 5;

const cluster = new DevCluster(Number(options['port-offset']), '--metas', '3', '--data', `${nodes.length}`); // prettier-ignore
const runInterval = '[continuous_queries]\n  run-interval = "200ms"';
let failedCount = 0;
const reference = await ReferenceServer.start(options.influxd, '', runInterval);
try {
  await cluster.start({
    INFLUXDB_META_LEASE_DURATION: `${leaseMs}ms`,
    INFLUXDB_CONTINUOUS_QUERIES_RUN_INTERVAL: '200ms',
  });
  for (let round = 0; round < Number(options.rounds); round++) await play(Number(options.seed) + round); // prettier-ignore
} finally {
  await Promise.all([cluster.stop(), reference.stop()]);
}
process.exitCode = failedCount > 0 ? 1 : 0;

interface Round {
  readonly madeMs: number;
  readonly endMs: number;
  readonly lateMs: readonly number[];
}

async function play(seed: number): Promise<void> {
  const random = new RandomChoice(seed, 'continuous');
  const shape = { isLate: options.faults };
  const queries = Array.from({ length: Number(options.queries) }, (_, i) => randomQuery(random, i, shape)); // prettier-ignore
  const policy = `DURATION INF REPLICATION ${options.copies} SHARD DURATION 1h`;
  await both(`DROP DATABASE ${database}`);
  await both(`CREATE DATABASE ${database} WITH ${policy} NAME a`);
  for (const name of ['b', wholePolicy]) await both(`CREATE RETENTION POLICY ${name} ON ${database} ${policy}`); // prettier-ignore
  const points = new LivePoints(random, [toCluster(random), (lines) => toReference(lines)]);
  await pause(aheadMs);
  for (const text of [...queries.map((query) => query.text), ...fruitlessQueries]) {
    const [own, theirs] = await both(text);
    if (own !== theirs) fail(seed, `${text}: ${own}, not ${theirs}`);
  }
  const madeMs = Date.now();
  const shown = await both('SHOW CONTINUOUS QUERIES');
  if (new Set(shown).size > 1) fail(seed, `SHOW CONTINUOUS QUERIES: ${shown.join(', not ')}`);
  const faults = options.faults ? strike(random, madeMs + Number(options.seconds) * 1_000) : undefined; // prettier-ignore
  await pause(Number(options.seconds) * 1_000);
  await faults;
  await points.stop();
  const endMs = Date.now() - 1_000;
  await pause(Math.max(...queries.map(({ settlesMs }) => settlesMs)));
  let comparedCount = 0;
  for (const query of queries) comparedCount += await compare(seed, query, { madeMs, endMs, lateMs: points.lateMs }); // prettier-ignore
  const counted = await Promise.all(
    nodes.map((number) => cluster.query(number, "SHOW STATS FOR 'cq'")),
  );
  const theirs = await reference.query({ q: "SHOW STATS FOR 'cq'" });
  process.stdout.write(`seed ${seed}: ${queries.length} queries, ${comparedCount} rows alike, ${points.lateMs.length} late writes; ran ${counted.map(ranOf).join()}, there ${ranOf(theirs)}\n`); // prettier-ignore
}

/** What was written is the same at all nodes as there; answers how many rows. */
async function compare(seed: number, query: RandomQuery, round: Round): Promise<number> {
  const { name, text, settlesMs, written, whole } = query;
  const { madeMs, endMs, lateMs } = round;
  const range = `time >= ${madeMs + settlesMs}ms AND time < ${endMs}ms`;
  const isSure = (timeMs: number): boolean => !lateMs.some((late) => Math.abs(late - timeMs) < settlesMs); // prettier-ignore
  const asked = (from: 'query' | 'whole'): string => `${written(from)} WHERE ${range} GROUP BY *`;
  // There windows are left out on a busy machine, and with faults here runs are of other ranges.
  if (options.faults) await reference.query({ q: whole(`time >= ${madeMs}ms AND time < ${endMs + settlesMs}ms`), db: database }); // prettier-ignore
  const oracle = asked(options.faults ? 'whole' : 'query');
  const wanted = rowsOf(await reference.query({ q: oracle, db: database, epoch: 'ms' }), isSure);
  const look = async (): Promise<void> => {
    for (const number of nodes) {
      const body = new URLSearchParams({ q: asked('query'), db: database, epoch: 'ms' });
      const response = await fetch(`${cluster.url('data', number)}/query`, {
        method: 'POST',
        body,
      });
      const difference = differenceOf(rowsOf(await response.text(), isSure), wanted);
      if (difference !== '') throw new Error(`node ${number}: ${difference}`);
    }
  };
  // What was missed meanwhile is made up for.
  await (options.faults ? eventually(look, settledMsMax) : look()).catch((error: unknown) => {
    fail(seed, `${name} ${text}\n      ${String(error)}`);
  });
  return wanted.size;
}

function rowsOf(answer: string, isSure: (timeMs: number) => boolean): ReadonlyMap<string, string> {
  const { results } = JSON.parse(answer) as { results: { error?: string; series?: { name: string; tags?: object; columns: string[]; values: (number | string | null)[][] }[] }[] }; // prettier-ignore
  if (results[0]?.error !== undefined) throw new Error(results[0].error);
  const rows = new Map<string, string>();
  for (const { name, tags, columns, values } of results[0]?.series ?? [])
    for (const [time, ...rest] of values)
      if (isSure(Number(time)))
        for (const [i, value] of rest.entries())
          if (value !== null && !(options.faults && value === 0)) rows.set(`${name} ${JSON.stringify(tags ?? {})} ${columns[i + 1]} ${time}`, `${value}`); // prettier-ignore
  return rows;
}

function differenceOf(
  own: ReadonlyMap<string, string>,
  wanted: ReadonlyMap<string, string>,
): string {
  const keys = [...new Set([...own.keys(), ...wanted.keys()])].filter((key) => own.get(key) !== wanted.get(key)); // prettier-ignore
  const some = keys.slice(0, shownMax).map((key) => `${key}: ${own.get(key)}, not ${wanted.get(key)}`); // prettier-ignore
  return keys.length === 0
    ? ''
    : `${keys.length} of ${wanted.size} values differ: ${some.join('; ')}`;
}

/** One after the other, until time is over: all is well again at the end. */
async function strike(random: RandomChoice, untilMs: number): Promise<void> {
  while (Date.now() < untilMs - 2 * leaseMs) {
    await pause(random.integer(1_000, 5_000));
    const holder = await holderOf();
    const name = random.of([`data-${holder}`, `data-${holder}`, `data-${random.of(nodes)}`, `meta-${random.of(nodes)}`]); // prettier-ignore
    if (random.chance(0.5)) {
      const pid = cluster.pid(name);
      process.stdout.write(`    ${Date.now()}: ${name} stands still\n`);
      process.kill(pid, 'SIGSTOP');
      await pause(random.of([500, leaseMs, 2 * leaseMs, 3 * leaseMs]));
      process.kill(pid, 'SIGCONT');
    } else {
      process.stdout.write(`    ${Date.now()}: ${name} is killed\n`);
      await cluster.kill(name);
      await pause(random.of([100, leaseMs, 2 * leaseMs]));
      cluster.startByHand(name);
    }
  }
  for (const number of nodes) await eventually(() => cluster.values(number, 'SHOW DATABASES'), settledMsMax); // prettier-ignore
}

/** The node that has run most of late, as each counts since it began. */
async function holderOf(): Promise<number> {
  const ranOn = async (): Promise<readonly number[]> =>
    Promise.all(nodes.map((number) => cluster.query(number, "SHOW STATS FOR 'cq'").then((text) => Number(ranOf(text)) || 0, () => 0))); // prettier-ignore
  const before = await ranOn();
  await pause(1_500);
  const after = await ranOn();
  const ran = after.map((count, i) => count - (before[i] ?? 0));
  return ran.indexOf(Math.max(...ran)) + 1;
}

function ranOf(answer: string): string {
  return /"values":\[\[(\d+,\d+)/.exec(answer)?.[1]?.split(',')[1] ?? '0';
}

async function both(q: string): Promise<readonly [string, string]> {
  const own = await cluster.query(1, q, database);
  const theirs = await reference.query({ q, db: database, epoch: 'ns' });
  return [own.trim(), theirs.trim()];
}

/** To one node after the other until all owners have it: what one alone was told, and dies with, nobody can count. */
function toCluster(random: RandomChoice): (lines: string) => Promise<void> {
  return async (lines) => {
    for (let number = random.integer(0, nodes.length - 1); ; number++) {
      const url = `${cluster.url('data', (number % nodes.length) + 1)}/write?db=${database}&consistency=all`; // prettier-ignore
      const signal = AbortSignal.timeout(writeMs / 5);
      const taken = await fetch(url, { method: 'POST', body: lines, signal }).then(({ status }) => status === 204, () => false); // prettier-ignore
      if (taken) return;
      await pause(50);
    }
  };
}

async function toReference(lines: string): Promise<void> {
  const { status, body } = await reference.write(database, lines);
  if (status !== 204) throw new Error(`${status} ${body}`);
}

function fail(seed: number, text: string): void {
  failedCount++;
  process.stdout.write(`  seed ${seed} FAILED: ${text}\n`);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
