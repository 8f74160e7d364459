/**
 * A node whose disk is wiped again and again, while clients write, nodes end and are cut off, and repairs are asked for and given up: whoever
 * reads one of its shards there is refused, or gets all that was acknowledged by all owners when the disk went (decision 85), never what
 * has come so far. At the end it has all of it.
 */
import { below, fraction, type Random } from '../../../src/env/random.ts';
import { pickNode } from './admin.ts';
import { beginLoad, loadDatabase, strikeFor, type LoadRunOptions } from './load-run.ts';
import type { PointLoad } from './point-load.ts';
import { shardRows } from './read-rows.ts';
import { eagerRepairs as antiEntropy } from './run-repairs.ts';
import { drained } from './run-seed.ts';

export interface WipedResult {
  readonly acknowledged: number;
  readonly wipes: number;
  /** Those after which the node was added again. */
  readonly attached: number;
  /** Reads of a shard of that node that were answered once its disk had gone, and that were refused. */
  readonly reads: number;
  readonly refusals: number;
  /** Shards that came as files. */
  readonly shardsBrought: number;
}

const settleMsMax = 120_000;

class Wiping {
  readonly #load: PointLoad;
  readonly #victim: string;
  /** Of each shard what every owner had when the disk went for the last time. */
  readonly #owed = new Map<number, ReadonlySet<string>>();
  wipes = 0;
  attached = 0;
  reads = 0;
  refusals = 0;
  fault: Error | undefined;

  constructor(load: PointLoad, random: Random) {
    this.#load = load;
    this.#victim = `d${1 + below(random, 3)}`;
  }

  async wipe(random: Random): Promise<void> {
    const { cluster } = this.#load;
    const { clock } = cluster.machine('client').env;
    const { drive } = cluster.machine(this.#victim);
    while (!this.#load.isOver) {
      await clock.sleep(1_000 + below(random, 3_000));
      if (cluster.data.get(this.#victim) === undefined) continue;
      const acknowledged = this.#load.acknowledged;
      for (const shardId of this.#shardIds) {
        const keys = acknowledged.filter((key) => cluster.lastWrites.shardOf(key) === shardId);
        this.#owed.set(shardId, new Set(keys));
      }
      cluster.crash(this.#victim, 300 + below(random, 1_500));
      // With what says which node it is and which shards it had: then it is added again (decision 140).
      const isWhole = below(random, 2) === 0;
      for (const folder of isWhole ? ['data', 'wal', 'meta', 'hh'] : ['data', 'wal'])
        if (drive.tree.find(folder) !== undefined) drive.lose(folder);
      this.wipes++;
      if (isWhole) await this.#attach();
    }
  }

  /** Whoever leads is asked until the node is of the cluster again. */
  async #attach(): Promise<void> {
    const { cluster } = this.#load;
    const { clock } = cluster.machine('client').env;
    while (cluster.data.get(this.#victim)?.meta.isJoined !== true) {
      await clock.sleep(200);
      await this.#load.orLate(cluster.add(this.#victim));
    }
    this.attached++;
  }

  /** Reads shards of the node that is wiped, by itself alone. */
  async read(random: Random): Promise<void> {
    const { clock } = this.#load.cluster.machine('client').env;
    while (!this.#load.isOver) {
      await clock.sleep(below(random, 80));
      for (const shardId of this.#shardIds) await this.#readOnce(shardId);
    }
  }

  /** Asks any node for repairs of any shard, and has some of them given up. */
  async repair(random: Random): Promise<void> {
    const { cluster } = this.#load;
    const { clock } = cluster.machine('client').env;
    while (!this.#load.isOver) {
      await clock.sleep(below(random, 1_000));
      const shardIds = this.#shardIds;
      const shardId = shardIds[below(random, shardIds.length)];
      if (shardId === undefined) continue;
      const repairs = pickNode(cluster, random)?.antiEntropy.repairs;
      await this.#load.orLate(repairs?.queue(shardId));
      if (fraction(random) > 0.2) continue;
      await clock.sleep(below(random, 40));
      await this.#load.orLate(repairs?.cancel(shardId, { isLocal: false }));
    }
  }

  /** Once all is well the node has all shards again. */
  async settle(): Promise<void> {
    const { cluster } = this.#load;
    const { world } = cluster;
    const untilMs = world.nowMs + settleMsMax;
    await drained(cluster);
    for (const shardId of this.#shardIds)
      while (!(await world.complete(this.#readOnce(shardId)))) {
        if (world.nowMs > untilMs) throw new Error(`shard ${shardId} does not come back to ${this.#victim}`); // prettier-ignore
        await world.run(world.nowMs + 500);
      }
    if (this.fault !== undefined) throw this.fault;
  }

  /** False where it was refused. */
  async #readOnce(shardId: number): Promise<boolean> {
    // The disk may go once more before the answer is here.
    const owed = this.#owed.get(shardId);
    const node = this.#load.cluster.data.get(this.#victim);
    if (node?.meta.isJoined !== true || owed === undefined) return false;
    const rows = await this.#orRefused(shardRows(node.local, shardId));
    if (rows === undefined) {
      this.refusals++;
      return false;
    }
    this.reads++;
    const lacking = [...owed].find((key) => !rows.has(key));
    if (lacking === undefined) return true;
    this.fault ??= new Error(`${this.#victim} answers of shard ${shardId} with ${rows.size} points and without ${lacking}, one of ${owed.size} that all owners had when its disk went`); // prettier-ignore
    return true;
  }

  async #orRefused<T>(work: Promise<T>): Promise<T | undefined> {
    const { clock } = this.#load.cluster.machine('client').env;
    const late = clock.sleep(10_000).then(() => undefined);
    return Promise.race([work.catch(() => undefined), late]);
  }

  /** Those of this node. */
  get #shardIds(): readonly number[] {
    const { data, metas } = this.#load.cluster;
    const nodeId = data.get(this.#victim)?.meta.nodeId;
    const leader = [...metas.values()].find(({ isLeader }) => isLeader);
    const shards = leader?.catalog.databases.shards() ?? [];
    return [...shards].flatMap(({ database, shard: { id, owners } }) =>
      database === loadDatabase && nodeId !== undefined && owners.includes(nodeId) ? [id] : [],
    );
  }
}

export async function runWiped(seed: number, options: LoadRunOptions = {}): Promise<WipedResult> {
  let shardsBrought = 0;
  const onTrace = (line: string): void => {
    options.onTrace?.(line);
    if (line.includes('A shard was brought to this node') && !line.includes('bytes=0')) shardsBrought++; // prettier-ignore
  };
  const load = await beginLoad(seed, {
    ...{ faultsMs: 12_000, ...options, onTrace, antiEntropy, replication: 2 + (seed % 2) },
    ...{ weekCount: 2, levels: ['all'] },
  });
  const { world } = load.cluster;
  const random = world.random('wiped');
  const wiping = new Wiping(load, random);
  const machine = load.cluster.machine('client');
  world.spawn(machine, () => wiping.wipe(random.fork('wipe')));
  world.spawn(machine, () => wiping.read(random.fork('read')));
  world.spawn(machine, () => wiping.repair(random.fork('repair')));
  await strikeFor(load, random, { faultsMs: 12_000, ...options });
  await world.run(world.nowMs + 15_000);
  await wiping.settle();
  const { wipes, attached, reads, refusals } = wiping;
  return {
    acknowledged: load.acknowledged.length,
    wipes,
    attached,
    reads,
    refusals,
    shardsBrought,
  };
}
