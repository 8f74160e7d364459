/**
 * `npm run moves -- [--kills N] [--seed S]`: three meta and four data nodes as real processes, replication two, eight shards, written
 * to through each node at every level, while plans empty nodes and fill them, and nodes are killed (-9) at random moments: data
 * nodes and the meta leader. Then owners that differ are repaired, each node is asked for all that was acknowledged, owners are compared by digest, and disks are
 * looked at. `--kills 0 [--runs N] [--rate N]` measures writes, so many a second, before and during a rebalance of eight shards over a
 * node that owns nothing.
 */
import { parseArgs } from 'node:util';
import { Prng } from '../src/base/prng.ts';
import { below } from '../src/env/random.ts';
import { eventually } from '../test/support/dev-cluster.ts';
import { MovingCluster, ownedBy, waitMs } from '../test/support/moving-cluster.ts';

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '20' },
    seed: { type: 'string', default: '1' },
    runs: { type: 'string', default: '1' },
    rate: { type: 'string', default: '20' },
    'port-offset': { type: 'string', default: '10300' },
  },
});
const killCount = Number(values.kills);
const levels = ['any', 'one', 'quorum', 'all'];
/** What a phase of a measurement takes at least. */
const phaseMs = 10_000;
/** Of 1,000 points: shards that are to move while writes are measured have some megabytes. */
const bodyCount = killCount === 0 ? 320 : 40;
const moving = new MovingCluster({ offset: Number(values['port-offset']), dataCount: 4, dayCount: 8 }); // prettier-ignore
const random = Prng.fromSeed(Number(values.seed));

try {
  await moving.start({
    INFLUXDB_HINTED_HANDOFF_RETRY_MAX_INTERVAL: '2s',
    // A coordinator that dies has copies in hand that nobody else knows of: these are brought by repairs.
    INFLUXDB_ANTI_ENTROPY_ENABLED: 'true',
    ...(killCount > 0 && { INFLUXDB_CLUSTER_SHARD_COPY_THROUGHPUT: '1m' }),
  });
  for (let i = 0; i < bodyCount; i++) await moving.write(1 + (i % 3), 1_000);
  if (killCount === 0) await measure();
  else await kill();
} finally {
  await moving.cluster.stop();
}

async function kill(): Promise<void> {
  const loads = moving.nodes.map((node) => moving.load([node], levels));
  const killed = { data: 0, meta: 0 };
  for (let i = 0; i < killCount; i++) {
    await keepMoving();
    await pause(500 + below(random, 4_000));
    const isMeta = i % 4 === 3;
    const name = isMeta ? `meta-${await moving.metaLeader()}` : `data-${1 + below(random, 4)}`;
    await moving.cluster.kill(name);
    killed[isMeta ? 'meta' : 'data']++;
    await pause(500 + below(random, 4_000));
    moving.cluster.startByHand(name);
    await eventually(async () => {
      const url = moving.cluster.url(isMeta ? 'meta' : 'data', Number(name.at(-1)));
      await fetch(`${url}/ping`);
    }, waitMs);
  }
  const counts = await Promise.all(loads.map((end) => end()));
  await eventually(async () => {
    const said = await moving.ctl('rebalance', 'status');
    if (said.includes(', paused, ')) await moving.ctl('rebalance', 'resume');
    if (!said.includes(', ended, ')) throw new Error(said);
  }, 2 * waitMs);
  const writes = counts.reduce((sum, count) => sum + count, 0);
  print(`killed ${killed.data} data nodes and ${killed.meta} leaders; ${writes} writes, ${moving.acknowledged.size} points acknowledged`); // prettier-ignore
  const lacking = await Promise.all(moving.nodes.map((node) => moving.missing(node)));
  print(`before repairs nodes answer without ${lacking.map((some) => some.length).join(', ')} of them`); // prettier-ignore
  // What one owner alone has acknowledged others may lack, when its coordinator dies with their copies in hand; no other points.
  const owed = lacking.map((some) => some.filter((time) => moving.acknowledgedByAll.has(time)));
  print(`and without ${owed.map((some) => some.length).join(', ')} of the ${moving.acknowledgedByAll.size} that all owners acknowledged`); // prettier-ignore
  if (owed.some((some) => some.length > 0)) throw new Error(`lost: ${owed.flat().slice(0, 10).join()}`); // prettier-ignore
  await moving.repairAll();
  await moving.check(moving.nodes);
  print(
    'held    every node answers with all of them; owners are equal; nobody keeps what is not its own',
  );
}

/** A plan is always under way: a node that is emptied, or all that are filled. */
async function keepMoving(): Promise<void> {
  const said = await moving.ctl('rebalance', 'status').catch(() => '');
  const isActive = said.includes(', running, ');
  if (isActive || said === '') return;
  const node = moving.address(1 + below(random, 4));
  const args = said.includes(', paused, ') ? ['rebalance', 'resume'] : said.includes('Goal: decommission') ? ['rebalance', 'run'] : ['decommission', '-keep', node]; // prettier-ignore
  // The leader may just have died.
  await moving.ctl(...args).catch(() => undefined);
}

/** Over and over: writes at a rate that is below what the machine can, for a while alone and then beside eight moves. */
async function measure(): Promise<void> {
  const all = { before: [] as number[], during: [] as number[] };
  const endLoad = moving.steadyLoad([1, 2, 3], 1_000 / Number(values.rate));
  for (let run = 1; run <= Number(values.runs); run++) {
    await moving.ctl('decommission', '-keep', moving.address(4));
    await moving.ended();
    await pause(3_000);
    moving.tookMs.length = 0;
    await pause(phaseMs);
    const before = moving.tookMs.splice(0);
    const startMs = performance.now();
    await moving.rebalance();
    await moving.settled();
    const during = moving.tookMs.splice(0);
    const seconds = (performance.now() - startMs) / 1_000;
    const share = ownedBy(await moving.owners(), 4).length;
    print(`before ${summary(before)}; during ${seconds.toFixed(1)} s of moves ${summary(during)}; node 4 owns ${share} shards`); // prettier-ignore
    print(`p99 ${(p99Ms(during) / p99Ms(before)).toFixed(2)} times that of before`);
    all.before.push(...before);
    all.during.push(...during);
  }
  await endLoad();
  print(`all runs: before ${summary(all.before)}; during ${summary(all.during)}; p99 ${(p99Ms(all.during) / p99Ms(all.before)).toFixed(2)} times`); // prettier-ignore
  await moving.check(moving.nodes);
}

function quantileMs(tookMs: readonly number[], share: number): number {
  const sorted = [...tookMs].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length * share)] ?? 0;
}

function p99Ms(tookMs: readonly number[]): number {
  return quantileMs(tookMs, 0.99);
}

function summary(tookMs: readonly number[]): string {
  return `p50 ${quantileMs(tookMs, 0.5).toFixed(1)} ms, p99 ${p99Ms(tookMs).toFixed(1)} ms of ${tookMs.length} writes`;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
