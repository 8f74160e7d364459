/**
 * What a node had in hand that ended without being told to: batches that it had acknowledged, or taken for a coordinator that died with it,
 * and that may not have got to their other owners. Once it runs again it brings these what its shards took last (decision 137).
 *
 * Invariants:
 * - A node that is told to stop leaves a mark once nothing is in hand any more; one that finds it when it starts brings nothing. The mark is
 *   gone, durably, before the node takes anything.
 * - No segment of the log goes before that has been read, however much is written from the start on; then it is let go of.
 * - A catalog without shards that are here is older than they are: nothing is brought by it, nor let go of, for ten minutes, as the log grows.
 * - What is brought is what the end of the log has of the last `windowNs` (decision 126); what is brought twice is stored once.
 */
import { Tasks } from '../../base/async/tasks.ts';
import { errorText } from '../../base/errors.ts';
import type { Clock, Timer } from '../../env/clock.ts';
import type { Disk } from '../../env/disk.ts';
import type { Log } from '../../env/log.ts';
import type { MetaAccess } from '../../meta/client/meta-access.ts';
import type { LoggedBatch } from '../../storage/wal/lately-logged.ts';
import type { LocalFacts } from '../engine/local-facts.ts';
import type { LocalShards } from '../engine/local-shards.ts';
import { findShard } from '../shards/shard-places.ts';
import { passOnAll, type PassOn, type PassOnPorts } from '../shards/pass-on.ts';

export interface LastMomentsPorts {
  readonly clock: Pick<Clock, 'after'>;
  readonly disk: Pick<Disk, 'size' | 'replaceFile' | 'remove' | 'syncDir'>;
  readonly log: Log;
  readonly meta: Pick<MetaAccess, 'catalog' | 'nodeId'> & { readonly clusterId: bigint };
  readonly local: Pick<LocalShards, 'latelyLogged' | 'letRunsBeforeGo'> & {
    readonly facts: Pick<LocalFacts, 'holdings'>;
  };
  readonly passOn: PassOn;
  readonly storedDeletes: PassOnPorts['storedDeletes'];
  /** Whether nothing of other coordinators is in hand either. */
  readonly isSettled: () => boolean;
}

const markName = 'ended';
/** What the first requests want goes first; and the catalog is looked at again after it. */
const delayMs = 1_000;
/** One of metas that were put back to an older state may never have them. */
const looksMax = 600;

export class LastMoments {
  readonly #ports: LastMomentsPorts;
  readonly #options: { readonly folder: string; readonly windowNs: bigint };
  readonly #tasks: Tasks;
  #timer: Timer | undefined;
  #isBrought: boolean;
  #lookCount = 0;
  #isClosed = false;

  private constructor(
    ports: LastMomentsPorts,
    options: { readonly folder: string; readonly windowNs: bigint },
    { hasEnded }: { readonly hasEnded: boolean },
  ) {
    this.#ports = ports;
    this.#options = options;
    this.#isBrought = hasEnded;
    this.#tasks = new Tasks((name, error) => {
      ports.log.warn('What was taken last could not be brought to the other owners', { name, error: errorText(error) }); // prettier-ignore
    });
    if (hasEnded) this.#tasks.spawn('let go', ports.local.letRunsBeforeGo());
    else this.#bringLater();
  }

  /** Takes the mark away; throws what the disk says. */
  static async open(
    ports: LastMomentsPorts,
    options: { readonly folder: string; readonly windowNs: bigint },
  ): Promise<LastMoments> {
    const hasEnded = await takeMark(ports.disk, options.folder);
    return new LastMoments(ports, options, { hasEnded });
  }

  /** Nothing is brought any more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    await this.#tasks.settled();
  }

  /** Leaves the mark, unless something is in hand; to be called once all else has ended. Never rejects. */
  async end(): Promise<void> {
    const { disk, log, isSettled } = this.#ports;
    if (!this.#isBrought || !isSettled()) return;
    const path = `${this.#options.folder}/${markName}`;
    try {
      await disk.replaceFile(path, new Uint8Array());
    } catch (error) {
      log.warn('That the node has ended could not be noted', { path, error: errorText(error) });
    }
  }

  #bringLater(): void {
    this.#timer = this.#ports.clock.after(delayMs, () => {
      this.#tasks.spawn('bring', this.#bring());
    });
  }

  async #bring(): Promise<void> {
    const { meta } = this.#ports;
    const isEarly = ++this.#lookCount < looksMax && (await this.#isCatalogOlder());
    if (isEarly) {
      if (!this.#isClosed) this.#bringLater();
      return;
    }
    const isShared = (owners: readonly number[]): boolean => owners.length > 1 && owners.includes(meta.nodeId); // prettier-ignore
    const shards = [...meta.catalog.databases.shards()].map(({ shard }) => shard);
    const shared = shards.filter(({ owners }) => isShared(owners)).map(({ id }) => id);
    await this.#passOn(await this.#logged(shared));
    if (!this.#isClosed) this.#isBrought = true;
  }

  /** As long as no meta node is heard it is what this node's disk has of it, which may be nothing. */
  async #isCatalogOlder(): Promise<boolean> {
    const { meta, local } = this.#ports;
    const held = await local.facts.holdings();
    const { maxShardId } = meta.catalog;
    return held.some(({ shardId, clusterId }) => clusterId === meta.clusterId && shardId > maxShardId); // prettier-ignore
  }

  async #logged(shardIds: readonly number[]): Promise<readonly LoggedBatch[]> {
    const { local } = this.#ports;
    try {
      // A node of its own has nobody to bring it to: its log is not read for that.
      return shardIds.length === 0 ? [] : await local.latelyLogged({ shardIds, windowNs: this.#options.windowNs }); // prettier-ignore
    } finally {
      await local.letRunsBeforeGo();
    }
  }

  async #passOn(logged: readonly LoggedBatch[]): Promise<void> {
    const { log, meta, passOn, storedDeletes } = this.#ports;
    const { catalog } = meta;
    if (logged.length > 0)
      log.info('What was taken last before the node died is brought to the other owners', { batches: logged.length }); // prettier-ignore
    const all = logged.flatMap(({ shardId, payload }) => {
      const place = findShard(catalog, shardId);
      if (place === undefined) return [];
      const { database, retentionPolicy } = place;
      const owners = place.owners.filter((id) => id !== meta.nodeId);
      // An owner that has gone by the time it is asked is known by it to have been one: what waits for it is for those of then.
      const batch = { shardId, database, retentionPolicy, payload, catalogIndex: catalog.index };
      return [{ batch, owners }];
    });
    const nodeId = (): number => meta.nodeId;
    await passOnAll(all, { passOn, nodeId, storedDeletes, isOver: () => this.#isClosed });
  }
}

/** Whether the run before has left it. */
async function takeMark(disk: LastMomentsPorts['disk'], folder: string): Promise<boolean> {
  const path = `${folder}/${markName}`;
  if ((await disk.size(path)) === undefined) return false;
  await disk.remove(path);
  await disk.syncDir(folder);
  return true;
}
