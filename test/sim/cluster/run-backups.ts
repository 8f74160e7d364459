/**
 * Backups and restores of a cluster under load, by a client that ends and is cut off as the nodes are. What is promised:
 * - what was acknowledged before a backup began is in what is restored from it, unless a delete means it; what was deleted before is
 *   not, and nothing is there that nobody wrote;
 * - a database that is being restored is answered from as a whole, or with an error, whatever node is asked;
 * - a restore that is asked for again, until it says that it is done, ends with every owner having all of it;
 * - a backup that has a manifest can be restored, however its client ended.
 */
import { FolderStore } from '../../../src/backup/folder-store.ts';
import { readBackupSet } from '../../../src/backup/backup-set.ts';
import { restoreBackup } from '../../../src/backup/restore-backup.ts';
import { takeBackup } from '../../../src/backup/take-backup.ts';
import { errorText, isDbError } from '../../../src/base/errors.ts';
import { ClusterShards } from '../../../src/ctl/cluster-shards.ts';
import type { Env } from '../../../src/env/env.ts';
import { below, fraction, type Random } from '../../../src/env/random.ts';
import type { Catalog } from '../../../src/meta/model/catalog.ts';
import type { SimNode } from '../world/world.ts';
import { pickNode } from './admin.ts';
import type { ClusterWorld } from './cluster-world.ts';
import { registerMeasurement } from './last-writes.ts';
import { beginLoad, loadDatabase, strikeFor, type LoadRunOptions } from './load-run.ts';
import { plantedPlace, plantedTarget } from './plants-backup.ts';
import type { Plant } from './plants.ts';
import type { Mark, PointLoad } from './point-load.ts';
import { answeredRows, ask, shardRows } from './read-rows.ts';
import { compressNow, decompressNow, SimCtl } from './sim-ctl.ts';

export interface BackupsResult {
  readonly acknowledged: number;
  readonly backups: number;
  readonly restored: number;
  /** Backups that failed, and attempts of a restore. */
  readonly failed: number;
  /** Restores that went on where they, or their client, had ended. */
  readonly resumed: number;
  /** Answers of databases that were restored, or being restored, that were no errors. */
  readonly answers: number;
}

/** A backup, and the database that it is restored to. */
interface Restore {
  readonly database: string;
  /** When the backup began. */
  readonly mark: Mark;
}

const place = 'backups';
const clientMachine = 'ctl';
const patienceMs = 10_000;
/** For the restore that is under way when all is well again. */
const settleMsMax = 120_000;
/** Owners that lack something get it soon, once all is well. */
const ownerWithinMs = 5_000;
const gzip = { level: 'stored', blockBytes: 4_096, blockCount: 2 } as const;
const everything = { database: '', retentionPolicy: '', shardId: 0 };

class BackingUp {
  readonly cluster: ClusterWorld;
  readonly load: PointLoad;
  readonly machine: SimNode;
  readonly #random: Random;
  readonly #plant: Plant | undefined;
  /** Over the ends of its client. */
  #pending: Restore | undefined;
  readonly #restored: Restore[] = [];
  readonly counts = { backups: 0, failed: 0, resumed: 0, answers: 0 };

  constructor(load: PointLoad, random: Random, plant: Plant | undefined) {
    this.cluster = load.cluster;
    this.load = load;
    this.machine = load.cluster.world.addNode(clientMachine, { zeroTailRate: 0.2 });
    this.#random = random;
    this.#plant = plant;
  }

  get restoredCount(): number {
    return this.#restored.length;
  }

  get isIdle(): boolean {
    return this.#pending === undefined;
  }

  /** One backup after the other, each restored under another name, until the load is over. */
  async operate(env: Env): Promise<void> {
    const disk = plantedPlace(env.disk, this.#plant);
    const store = new FolderStore(disk, place, { bufferBytes: 2_048, host: 'ctl' });
    while (!this.load.isOver || this.#pending !== undefined) {
      await env.clock.sleep(
        this.isIdle ? 500 + below(this.#random, 2_000) : below(this.#random, 300),
      );
      try {
        const ctl = new SimCtl(this.cluster, env);
        if (this.#pending === undefined) await this.#backUp(ctl, store);
        else await this.#restore(ctl, store, this.#pending);
      } catch (error) {
        this.counts.failed++;
        if (isCorrupt(error) || errorText(error).includes('is not there, which has the points'))
          throw new Error(`a backup that has a manifest cannot be restored: ${errorText(error)}`);
        if (!isDbError(error)) throw error;
        await env.clock.sleep(below(this.#random, 1_000));
      }
    }
  }

  async #backUp(ctl: SimCtl, store: FolderStore): Promise<void> {
    const mark = this.load.mark();
    const source = new ClusterShards(ctl, ctl);
    const strategy = fraction(this.#random) < 0.7 ? 'incremental' : 'full';
    const ports = { clock: ctl.clock, source, store, compress: compressNow, out: () => undefined, ownerWithinMs }; // prettier-ignore
    const filter = { ...everything, database: loadDatabase };
    await takeBackup(ports, { strategy, filter, from: '', gzip, isEstimate: false });
    this.#pending = { database: `r${++this.counts.backups}`, mark };
  }

  async #restore(ctl: SimCtl, store: FolderStore, pending: Restore): Promise<void> {
    const { database: newDatabase } = pending;
    const target = plantedTarget(new ClusterShards(ctl, ctl), this.#plant);
    const out = (text: string): void => {
      if (text.includes('was interrupted')) this.counts.resumed++;
    };
    // Nobody is waited for: each break is one that has to be gone on from.
    const ports = {
      clock: ctl.clock,
      store,
      target,
      decompress: decompressNow,
      out,
      ownerWithinMs: 0,
    };
    const set = await readBackupSet(store);
    // It has said that it was over, and who heard it has ended.
    if (!isOver(await ctl.catalog(), newDatabase))
      await restoreBackup(ports, set, {
        filter: { ...everything, database: loadDatabase },
        changes: { newDatabase, newPolicy: '' },
        newShardId: 0,
        place,
      });
    this.#restored.push(pending);
    this.#pending = undefined;
  }

  /** Asks any node for all of a database that is being restored, or was. */
  async read(random: Random): Promise<void> {
    const { clock } = this.cluster.machine('client').env;
    while (!this.load.isOver) {
      await clock.sleep(below(random, 200));
      const all = [...this.#restored, ...(this.#pending === undefined ? [] : [this.#pending])];
      // The last ones are of interest more often.
      const one = all[all.length - 1 - Math.min(below(random, 3), below(random, all.length + 1))];
      const node = pickNode(this.cluster, random);
      if (one === undefined || node === undefined) continue;
      const text = `SELECT v FROM ${registerMeasurement} GROUP BY *`;
      const late = clock.sleep(patienceMs).then(() => 'late');
      const answer = await Promise.race([ask(node, text, one.database).catch(errorText), late]);
      if (typeof answer === 'string') continue;
      this.counts.answers++;
      this.load.checkSince(`an answer from ${one.database}`, answeredRows(answer), one.mark);
    }
  }

  /** Every owner of what was restored has it. */
  async check(): Promise<void> {
    const { data, metas, world } = this.cluster;
    const [leader] = [...metas.values()].filter(({ isLeader }) => isLeader);
    if (leader === undefined) throw new Error('nobody leads');
    for (const { database, mark } of this.#restored) {
      const rowsOf = new Map<number, Map<string, string>>();
      const shards = [...leader.catalog.databases.shards()].filter((one) => one.database === database); // prettier-ignore
      for (const { shard } of shards)
        for (const [at, owner] of shard.owners.entries()) {
          const node = [...data.values()].find(({ meta }) => meta.nodeId === owner);
          if (node === undefined) throw new Error(`node ${owner} is down`);
          // Of each shard the first owner's rows make one whole, and so do the others'.
          const rows = rowsOf.get(at) ?? new Map<string, string>();
          rowsOf.set(at, rows);
          for (const [key, text] of await world.complete(shardRows(node.local, shard.id))) rows.set(key, text); // prettier-ignore
        }
      for (const [at, rows] of rowsOf)
        this.load.checkSince(`owners ${at + 1} of ${database}`, rows, mark);
    }
  }
}

function isCorrupt(error: unknown): boolean {
  if (isDbError(error, 'corrupt')) return true;
  return error instanceof Error && error.cause !== undefined && isCorrupt(error.cause);
}

function isOver({ databases }: Catalog, name: string): boolean {
  if (databases.get(name) === undefined) return false;
  return ![...databases.shards()].some(({ database, shard }) => database === name && shard.restoreIndex !== undefined); // prettier-ignore
}

/** Ends the client at once or at a coming call of its disk, or cuts it off from a node for a while. */
function strikeClient(backing: BackingUp, random: Random): void {
  const { machine, cluster } = backing;
  const { world, names } = cluster;
  const crash = (): void => {
    if (!machine.isAlive) return;
    machine.crash();
    world.schedule(100 + below(random, 1_000), () => {
      machine.restart();
      world.spawn(machine, (env) => backing.operate(env));
    });
  };
  const dice = fraction(random);
  if (dice < 0.2) crash();
  else if (dice < 0.6) machine.drive.afterCalls(1 + below(random, 120), crash);
  else if (dice < 0.8) {
    const name = names[below(random, names.length)] ?? 'd1';
    world.network.partition([clientMachine], [name], { oneWay: fraction(random) < 0.4 });
    world.schedule(300 + below(random, 2_000), () => {
      world.network.heal();
    });
  }
}

export async function runBackups(
  seed: number,
  options: LoadRunOptions = {},
): Promise<BackupsResult> {
  const load = await beginLoad(seed, {
    weekCount: 2,
    hasDeletes: true,
    levels: ['all', 'quorum', 'one'],
    ...options,
  });
  const { world } = load.cluster;
  const random = world.random('backups');
  const backing = new BackingUp(load, random.fork('operate'), options.plant);
  world.spawn(backing.machine, (env) => backing.operate(env));
  world.spawn(load.cluster.machine('client'), () => backing.read(random.fork('read')));
  const strikes = random.fork('client');
  const look = (): void => {
    if (options.hasFaults !== false) strikeClient(backing, strikes);
  };
  await strikeFor(load, random, { faultsMs: 10_000, ...options, look });
  const untilMs = world.nowMs + settleMsMax;
  while (!backing.isIdle) {
    if (world.nowMs > untilMs) throw new Error('a restore does not end');
    await world.run(world.nowMs + 500);
  }
  await backing.check();
  const { counts, restoredCount: restored } = backing;
  return { acknowledged: load.acknowledged.length, restored, ...counts };
}
