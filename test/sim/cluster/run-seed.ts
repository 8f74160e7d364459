import { below, type Random } from '../../../src/env/random.ts';
import type { FaultCounts } from '../world/faults.ts';
import { Admin, patienceMs } from './admin.ts';
import { MetaChecker } from './check-metas.ts';
import { checkCalm } from './check-calm.ts';
import { FinishedRuns } from './check-queries.ts';
import { runClient } from './client.ts';
import { ClusterWorld, joiners } from './cluster-world.ts';
import type { DamageOptions } from './damage.ts';
import type { EventCounts } from './events.ts';
import type { Plant } from './plants.ts';
import { ask } from './read-rows.ts';
import { calm, strike } from './strike.ts';
import { Subscribers, subscriptionStatements } from './subscribers.ts';
import { checkMarks, writeNow } from './window-load.ts';
import { windowMeasurements, windowQueries } from './window-queries.ts';

/** What a seed has to have been through to count. */
export const acknowledgedMin = 200;
export const faultsMsMin = 60_000;
/** What can be brought to a damaged node was, when nothing but what waits for it has been left for so long: five attempts. */
const victimMsMax = 10_000;
/** A seed that has not been through that by then never will. */
const longestFactor = 4;

export interface SeedResult {
  readonly acknowledged: number;
  readonly refused: number;
  readonly queries: number;
  /** Writes read back through the node that had acknowledged them. */
  readonly ownReads: number;
  /** Deletes of registers that owners were told of. */
  readonly deletes: number;
  /** Statements of the administrator that were acknowledged. */
  readonly statements: number;
  /** Runs of continuous queries that ended well. */
  readonly windows: number;
  /** Lines that subscribers got. */
  readonly delivered: number;
  /** Hints that were brought behind others of their queue. */
  readonly inOrder: number;
  /** Shards whose owners were equal at the end. */
  readonly equal: number;
  /** How long faults went on, in simulated time. */
  readonly faultsMs: number;
  readonly faults: FaultCounts;
  readonly events: EventCounts;
  readonly traceHash: string;
}

export interface SeedOptions {
  readonly plant?: Plant | undefined;
  readonly damage?: DamageOptions | undefined;
  /** How long faults go on. */
  readonly faultsMs?: number;
  /** Three data nodes that store and answer, and no more: for what is planted there, as it costs half. */
  readonly isPlain?: boolean;
  readonly onTrace?: (line: string) => void;
}

/**
 * One run: three metas and four data nodes, one of them passive, form a cluster; clients write and read, continuous queries
 * compute windows and subscribers get points while things break and nodes join; all heals, and the promises are checked.
 */
export async function runSeed(seed: number, options: SeedOptions = {}): Promise<SeedResult> {
  const { plant, damage, onTrace, faultsMs = 60_000, isPlain = false } = options;
  const runs = new FinishedRuns();
  const cluster = new ClusterWorld(seed, {
    plant,
    damage,
    hasPassive: !isPlain,
    onTrace: (line) => {
      runs.note(line);
      onTrace?.(line);
    },
  });
  try {
    return await runThrough(cluster, runs, { faultsMs, isPlain });
  } finally {
    cluster.end();
  }
}

async function runThrough(
  cluster: ClusterWorld,
  runs: FinishedRuns,
  { faultsMs, isPlain }: { readonly faultsMs: number; readonly isPlain: boolean },
): Promise<SeedResult> {
  const { world, history } = cluster;
  const subscribers = new Subscribers(world);
  await cluster.form();
  if (!isPlain)
    for (const text of [...windowQueries, ...subscriptionStatements]) await say(cluster, text);
  const random = world.random('run');
  const load = {
    runningCount: 0,
    startMs: world.nowMs,
    isOver: false,
    nextId: 1,
    queryCount: 0,
    ownReadCount: 0,
    admin: new Admin(),
  };
  startLoad(cluster, random, load);
  if (!isPlain) spawn(cluster, load, () => writeNow(cluster, random.fork('now'), load, 1_000));
  const checker = new MetaChecker();
  const startMs = world.nowMs;
  // Under heavy faults a minute may not be enough of writes: it then goes on with faults.
  const isPoor = () => faultsMs >= faultsMsMin && history.acknowledged.size < acknowledgedMin;
  while (
    world.nowMs < startMs + faultsMs ||
    (isPoor() && world.nowMs < startMs + faultsMs * longestFactor)
  ) {
    strike(cluster, random);
    cluster.victim.maybeDamage(cluster);
    const untilMs = world.nowMs + 300 + below(random, 1_500);
    while (world.nowMs < untilMs) {
      await world.run(world.nowMs + 100);
      checker.check(cluster.metas);
    }
  }
  const struckMs = world.nowMs - startMs;
  calm(cluster);
  await world.run(world.nowMs + 8_000);
  load.isOver = true;
  await ended(cluster, load);
  checker.check(cluster.metas);
  await drained(cluster);
  subscribers.check();
  checkMarks(cluster, runs);
  const equal = await checkCalm(cluster, load.admin, { repairs: !isPlain });
  return {
    acknowledged: history.acknowledged.size,
    refused: history.refusedCount,
    queries: load.queryCount,
    ownReads: load.ownReadCount,
    deletes: cluster.lastWrites.deleteCount,
    statements: load.admin.acknowledgedCount,
    windows: windowMeasurements.reduce((sum, name) => sum + runs.count(name), 0),
    delivered: subscribers.lineCount,
    inOrder: cluster.hintOrder.inOrderCount,
    equal,
    faultsMs: struckMs,
    faults: world.faultCounts,
    events: cluster.events.counts,
    traceHash: world.traceHash(),
  };
}

async function say(cluster: ClusterWorld, text: string): Promise<void> {
  const first = cluster.data.get('d1');
  if (first === undefined) throw new Error('d1 is down');
  const answer = await cluster.world.complete(ask(first, text, 'd'));
  if (typeof answer === 'string') throw new Error(`${text}: ${answer}`);
}

/** Clients end, the last ones when they lose patience; what they asked for and did not wait for ends within its time. */
async function ended({ world }: ClusterWorld, load: Running): Promise<void> {
  const limitMs = world.nowMs + patienceMs;
  while (load.runningCount > 0 && world.nowMs < limitMs) await world.run(world.nowMs + 100);
  await world.run(world.nowMs + 3_000);
}

/** What waits in hinted handoff gets to its owners once they are all well. */
export async function drained(cluster: ClusterWorld): Promise<void> {
  const { world, data } = cluster;
  const limitMs = world.nowMs + 60_000;
  // A node that is in the catalog and was never told so takes nothing.
  const nameOf = (nodeId: number) =>
    [...data].find(([, { meta }]) => meta.isJoined && meta.nodeId === nodeId)?.[0];
  const targets = () =>
    [...data.values()].flatMap(({ hints }) =>
      hints.statistics().flatMap(({ name, tags, values }) => {
        const isWaiting = name === 'hh_processor' && (values['queueDepth'] ?? 0) > 0;
        return (isWaiting && nameOf(Number(tags['node']))) || [];
      }),
    );
  const { victim } = cluster;
  let victimMs = 0;
  for (let waiting = targets(); waiting.length > 0; waiting = targets()) {
    // A shard that is damaged takes nothing; what waits for it waits until it is mended.
    const isVictims = victim.isDamaged && waiting.every((name) => name === victim.name);
    if (isVictims && victimMs >= victimMsMax) return;
    if (world.nowMs > limitMs) throw new Error('hinted handoff does not empty');
    await world.run(world.nowMs + 500);
    victimMs = isVictims ? victimMs + 500 : 0;
  }
}

interface Running {
  /** Programs of clients that have not ended. */
  runningCount: number;
}

function startLoad(
  cluster: ClusterWorld,
  random: Random,
  load: Parameters<typeof runClient>[2] & Running,
): void {
  const { knobs } = cluster;
  for (let i = 0; i < knobs.clientCount; i++)
    spawn(cluster, load, () => runClient(cluster, random.fork(`client/${i}`), load));
  spawn(cluster, load, () => load.admin.work(cluster, random.fork('admin'), () => load.isOver));
  for (const name of joiners)
    spawn(cluster, load, () => join(cluster, name, random.fork(`join/${name}`)));
}

function spawn(cluster: ClusterWorld, load: Running, program: () => Promise<void>): void {
  load.runningCount++;
  cluster.world.spawn(cluster.machine('client'), async () => {
    await program();
    load.runningCount--;
  });
}

/** A node more for the cluster, sooner or later. Faults may make it fail; then it is tried again. */
async function join(
  cluster: ClusterWorld,
  name: (typeof joiners)[number],
  random: Random,
): Promise<void> {
  const { clock } = cluster.machine('client').env;
  await clock.sleep(below(random, 40_000));
  cluster.boot(name);
  for (let attempt = 0; attempt < 10; attempt++) {
    await clock.sleep(500 + below(random, 3_000));
    const patience = clock.sleep(patienceMs).then(() => false);
    const added = cluster.add(name).then(() => true, () => false); // prettier-ignore
    if (await Promise.race([added, patience])) return;
  }
}
