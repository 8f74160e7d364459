/**
 * Owners of shards that come to differ behind their backs, and repairs of them, while clients write and delete and nodes end and are
 * cut off. One node of a run is the one that loses things, so that of each acknowledged write and delete there is another that has
 * it: hints that the others keep for it, single shards of its, its whole disk. Once all is well and a repair has gone over each
 * shard, its owners have the same, and what the load says (point-load.ts): nothing acknowledged is lost, nothing deleted is back.
 */
import { below, fraction, type Random } from '../../../src/env/random.ts';
import type { MetaNode } from '../../../src/meta/server/meta-node.ts';
import type { ShardInfo } from '../../../src/meta/model/catalog.ts';
import { pickNode } from './admin.ts';
import type { ClusterWorld } from './cluster-world.ts';
import { beginLoad, loadDatabase, strikeFor, type LoadRunOptions } from './load-run.ts';
import type { PointLoad } from './point-load.ts';
import { shardRows } from './read-rows.ts';
import { drained } from './run-seed.ts';

export interface RepairsResult {
  readonly acknowledged: number;
  readonly deletes: number;
  /** Things that were lost behind a node's back. */
  readonly losses: number;
  /** Repairs that came to their end, those that were given up, shards that came as files, values and deletes that they brought. */
  readonly repairs: number;
  readonly givenUp: number;
  readonly shardsBrought: number;
  readonly valuesBrought: number;
  readonly deletesBrought: number;
}

/** Of anti-entropy, as configuration. */
export const eagerRepairs = `check-interval = "1s"
repair-hot-shards = true
max-sync = 2
auto-repair-missing = true`;
/** The last repairs: each shard once, and again where an owner was just away. */
const settleMsMax = 180_000;

class Repairing {
  readonly #load: PointLoad;
  readonly #cluster: ClusterWorld;
  /** Loses things. */
  readonly victim: string;
  losses = 0;

  constructor(load: PointLoad, random: Random) {
    this.#load = load;
    this.#cluster = load.cluster;
    this.victim = `d${1 + below(random, 3)}`;
  }

  /** Asks any node for repairs of any shard. */
  async repair(random: Random): Promise<void> {
    const { clock } = this.#cluster.machine('client').env;
    while (!this.#load.isOver) {
      await clock.sleep(below(random, 1_000));
      const { shards } = this;
      const { id } = shards[below(random, shards.length)] ?? {};
      const node = pickNode(this.#cluster, random);
      if (id === undefined) continue;
      await this.#load.orLate(node?.antiEntropy.repairs.queue(id));
      if (fraction(random) > 0.3) continue;
      // Given up while it goes on.
      await clock.sleep(below(random, 40));
      await this.#load.orLate(node?.antiEntropy.repairs.cancel(id, { isLocal: false }));
    }
  }

  async lose(random: Random): Promise<void> {
    const { clock } = this.#cluster.machine('client').env;
    while (!this.#load.isOver) {
      await clock.sleep(500 + below(random, 2_500));
      const dice = fraction(random);
      if (dice < 0.5) this.#loseHints(random);
      else if (dice < 0.85) await this.#loseShard(random);
      else this.#wipe(random);
    }
  }

  get shards(): readonly ShardInfo[] {
    const { databases } = this.#leader?.catalog ?? {};
    return [...(databases?.shards() ?? [])].flatMap(({ database, shard }) => (database === loadDatabase ? [shard] : [])); // prettier-ignore
  }

  get #leader(): MetaNode | undefined {
    return [...this.#cluster.metas.values()].find(({ isLeader }) => isLeader);
  }

  /** What another node keeps for the victim. */
  #loseHints(random: Random): void {
    const victim = this.#cluster.data.get(this.victim);
    const others = [...this.#cluster.data.keys()].filter((name) => name !== this.victim);
    const name = others[below(random, others.length)];
    if (victim === undefined || name === undefined) return;
    const { drive } = this.#cluster.machine(name);
    const folder = `hh/${victim.meta.nodeId}`;
    this.#cluster.crash(name, 300 + below(random, 1_500));
    if (drive.tree.find(folder) === undefined) return;
    drive.lose(folder);
    this.losses++;
  }

  async #loseShard(random: Random): Promise<void> {
    const victim = this.#cluster.data.get(this.victim);
    const own = this.shards.filter(({ owners }) => owners.includes(victim?.meta.nodeId ?? 0));
    const shard = own[below(random, own.length)];
    if (shard === undefined) return;
    if (await this.#load.orLate(victim?.local.deleteShards([shard.id]))) this.losses++;
  }

  #wipe(random: Random): void {
    const { drive } = this.#cluster.machine(this.victim);
    this.#cluster.crash(this.victim, 300 + below(random, 1_500));
    for (const folder of ['data', 'wal'])
      if (drive.tree.find(folder) !== undefined) drive.lose(folder);
    this.losses++;
  }

  /** Repairs each shard until its owners say that they are through. */
  async settle(): Promise<void> {
    const { world } = this.#cluster;
    const untilMs = world.nowMs + settleMsMax;
    await drained(this.#cluster);
    for (const { id } of this.shards) {
      for (let isRepaired = false; !isRepaired; isRepaired = await this.#isRepaired(id)) {
        if (world.nowMs > untilMs) throw new Error(`shard ${id} cannot be repaired`);
        await world.run(world.nowMs + 500);
      }
    }
  }

  /** False where it has to be asked for again. */
  async #isRepaired(shardId: number): Promise<boolean> {
    const { world, data } = this.#cluster;
    const services = [...data.values()].flatMap(({ antiEntropy: { service } }) => service ?? []);
    const sum = (name: string): number =>
      services.reduce((all, one) => all + (one.statistics()[0]?.values[name] ?? 0), 0);
    const isIdle = (): boolean => sum('jobs') === 0;
    const untilIdle = async (): Promise<void> => {
      while (!isIdle()) await world.run(world.nowMs + 100);
    };
    await untilIdle();
    const failedBefore = sum('errors');
    const [node] = data.values();
    if (!(await world.complete(this.#load.orLate(node?.antiEntropy.repairs.queue(shardId))))) return false; // prettier-ignore
    await untilIdle();
    return sum('errors') === failedBefore;
  }

  async check(): Promise<void> {
    const { world, data } = this.#cluster;
    for (const { id, owners } of this.shards) {
      const stored: { readonly name: string; readonly rows: ReadonlyMap<string, string> }[] = [];
      for (const [name, { local, meta }] of data)
        if (owners.includes(meta.nodeId))
          stored.push({ name, rows: await world.complete(shardRows(local, id)) });
      for (const { name, rows } of stored) {
        const isKept = (other: string): boolean => other !== this.victim;
        this.#load.check(name, rows, { shardId: id, isKept });
        checkEqual(stored[0] ?? { name, rows }, { name, rows }, id);
      }
    }
  }
}

interface Stored {
  readonly name: string;
  readonly rows: ReadonlyMap<string, string>;
}

/** What the one has the other has. Their values are the load's to check. */
export function checkEqual(first: Stored, second: Stored, shardId: number): void {
  for (const [one, other] of [[first, second], [second, first]] as const) // prettier-ignore
    for (const key of one.rows.keys())
      if (!other.rows.has(key))
        throw new Error(`${one.name} has ${key} of shard ${shardId}, and ${other.name} has not, after a repair`); // prettier-ignore
}

export async function runRepairs(
  seed: number,
  options: LoadRunOptions & { readonly hasLosses?: boolean } = {},
): Promise<RepairsResult> {
  const done = { repairs: 0, givenUp: 0, shardsBrought: 0, valuesBrought: 0, deletesBrought: 0 };
  const onTrace = (line: string): void => {
    options.onTrace?.(line);
    if (line.includes('A repair was given up')) done.givenUp++;
    if (line.includes('A shard was brought to this node') && !line.includes('bytes=0')) done.shardsBrought++; // prettier-ignore
    const [, own, other, deletes] = /Repaired shard .*ownCount=(\d+) otherCount=(\d+) deleteCount=(\d+)/.exec(line) ?? []; // prettier-ignore
    if (own === undefined) return;
    done.repairs++;
    done.valuesBrought += Number(own) + Number(other);
    done.deletesBrought += Number(deletes);
  };
  const replication = 2 + (seed % 2);
  const load = await beginLoad(seed, {
    ...{ faultsMs: 12_000, ...options, onTrace, antiEntropy: eagerRepairs, replication },
    ...{ weekCount: 2, levels: ['one', 'all'], hasDeletes: true },
  });
  const { world } = load.cluster;
  const random = world.random('repairs');
  const repairing = new Repairing(load, random);
  const machine = load.cluster.machine('client');
  world.spawn(machine, () => repairing.repair(random.fork('repair')));
  world.spawn(machine, () => repairing.lose(random.fork('lose')));
  await strikeFor(load, random, { faultsMs: 12_000, ...options });
  await world.run(world.nowMs + 15_000);
  await repairing.settle();
  await repairing.check();
  return { acknowledged: load.acknowledged.length, deletes: load.deleteCount, losses: repairing.losses, ...done }; // prettier-ignore
}
