import type {
  DeliverOptions,
  DeliveryOutcome,
  HintTarget,
  Standing,
} from '../../hh/hint-target.ts';
import { ingressUsers } from '../engine/ingress-users.ts';
import type { MetaAccess } from '../../meta/client/meta-access.ts';
import { DbError, isDbError } from '../../base/errors.ts';
import type { DeletePointsRequest, ShardAccess, ShardBatch } from '../engine/shard-access.ts';
import type { ClusterShards } from '../shards/cluster-shards.ts';
import type { LaggingOwners } from '../shards/lagging-owners.ts';
import { takesWrites } from '../../meta/model/shard-copies.ts';
import { findShard, isShardGone, type CatalogShard } from '../shards/shard-places.ts';
import { deleteOfHint } from './delete-hint.ts';
import { batchOfHint } from './fenced-hint.ts';
import { isRetryable } from './hint-sink.ts';
import { RoutedHints } from './routed-hints.ts';

export interface HintDeliveriesPorts {
  readonly meta: Pick<MetaAccess, 'catalog'>;
  readonly shards: Pick<ClusterShards, 'of'>;
  /** Monotonic. */
  readonly nowMs: () => number;
  /** Left out when owners are read whatever waits for them. */
  readonly lagging?: Pick<LaggingOwners, 'addLost' | 'addQueued' | 'drained'> | undefined;
  /** Something waits for an owner for which nothing did, or nothing any more. */
  readonly onChange: () => void;
}

/**
 * A queue of an earlier run whose node this run has never seen as an owner is for the owners after so long, as of a copy of a
 * shard that was given up: by then whoever tells the catalog tells no older one than the run before had.
 */
const unknownMsMax = 3_600_000;

interface HintQueueName {
  readonly nodeId: number;
  readonly shardId: number;
}

/** Brings what hinted handoff keeps to owners, where the catalog says that they are. */
export class HintDeliveries implements HintTarget {
  readonly #ports: HintDeliveriesPorts;
  /** Owners, as `node shard`, that a catalog of this run had; as many as there are queues. */
  readonly #owners = new Set<string>();
  readonly #waiting = new Set<string>();
  /** Queues of nodes that are no owners as far as is known: since when, and by which catalog. As many as there are queues. */
  readonly #unknown = new Map<string, { readonly sinceMs: number; readonly index: number }>();
  /** Of the catalogs that the batches of a queue were routed by, no later than the oldest; none is older than any. */
  readonly #oldestIndex = new Map<string, number>();
  readonly #routed = new RoutedHints();
  /** The latest that named the node as an owner to this run. */
  readonly #newestIndex = new Map<string, number>();

  constructor(ports: HintDeliveriesPorts) {
    this.#ports = ports;
  }

  /** A catalog read from the disk may be of before an owner came to be: one never seen is not known to be gone. */
  standing(nodeId: number, shardId: number): Standing {
    const { catalog } = this.#ports.meta;
    // The node is about to leave its cluster, or has: a catalog of nothing says of nobody that he is gone.
    if (catalog.index === 0) return 'unknown';
    const key = `${nodeId} ${shardId}`;
    const isNodeThere = catalog.dataNodes.some(({ id }) => id === nodeId);
    const shard = findShard(catalog, shardId);
    if (isNodeThere && shard !== undefined && takesWrites(catalog, shardId, nodeId)) {
      this.#owners.add(key);
      this.#unknown.delete(key);
      return 'owner';
    }
    if (isShardGone(catalog, shardId)) return 'gone';
    const isNodeGone = !isNodeThere && nodeId <= catalog.maxNodeId;
    // Routed by a catalog that this one has come behind: the owner may have gone before anybody asked for it here.
    const wasOwner = this.#owners.has(key) || (this.#newestIndex.get(key) ?? Infinity) <= catalog.index; // prettier-ignore
    const isOwnerNoMore = isNodeGone || wasOwner || this.#isUnknownForLong(key);
    if (!isOwnerNoMore) return 'unknown';
    // A shard that moved, or was copied in vain: it may be that nobody else has what was acknowledged at `any`.
    return shard !== undefined && shard.owners.length > 0 ? 'owner' : 'gone';
  }

  /** Time alone says nothing while no meta node is heard: the catalog has to have gone on. */
  #isUnknownForLong(key: string): boolean {
    const { meta, nowMs } = this.#ports;
    const begun = { sinceMs: nowMs(), index: meta.catalog.index };
    const { sinceMs, index } = this.#unknown.get(key) ?? begun;
    this.#unknown.set(key, { sinceMs, index });
    return meta.catalog.index > index && begun.sinceMs - sinceMs >= unknownMsMax;
  }

  /** What waits for a node that owns the shard no more goes to all who do: brought twice it is stored once. */
  async deliver(
    queue: HintQueueName,
    payloads: readonly Uint8Array[],
    options: DeliverOptions,
  ): Promise<readonly DeliveryOutcome[]> {
    const { catalog } = this.#ports.meta;
    const { nodeId, shardId } = queue;
    const place = findShard(catalog, shardId);
    if (place === undefined) return [];
    if (takesWrites(catalog, shardId, nodeId))
      return this.#deliverTo(nodeId, { ...queue, ...place }, payloads, options);
    const outcomes: (readonly DeliveryOutcome[])[] = [];
    for (const owner of place.owners)
      outcomes.push(await this.#deliverTo(owner, { ...queue, ...place }, payloads, options));
    return payloads.map((_, i) => leastOf(outcomes.map((of) => of[i])));
  }

  async #deliverTo(
    target: number,
    { nodeId, shardId, database, retentionPolicy }: HintQueueName & CatalogShard,
    payloads: readonly Uint8Array[],
    options: DeliverOptions,
  ): Promise<readonly DeliveryOutcome[]> {
    const key = `${nodeId} ${shardId}`;
    const oldestIndex = this.#oldestIndex.get(key);
    const access = this.#ports.shards.of(target);
    const outcomes: DeliveryOutcome[] = [];
    const writes: { readonly at: number; readonly batch: ShardBatch }[] = [];
    for (const [at, hint] of payloads.entries()) {
      const read = readHint(hint);
      if ('error' in read) outcomes[at] = { kind: 'refused', error: read.error };
      else if ('request' in read) outcomes[at] = await deliverDelete(access, read.request, options);
      else {
        const catalogIndex = this.#routed.indexOf(key, read.batch.payload) ?? oldestIndex;
        writes.push({ at, batch: { shardId, database, retentionPolicy, catalogIndex, login: ingressUsers.hintedHandoff, ...read.batch } }); // prettier-ignore
      }
    }
    if (writes.length === 0) return outcomes;
    const results = await access.writeMany(writes.map(({ batch }) => batch), options); // prettier-ignore
    for (const [i, { at }] of writes.entries()) {
      const result = results[i];
      if (result?.kind === 'written') outcomes[at] = { kind: 'written' };
      else outcomes[at] = failed(result?.error ?? new DbError('outcome_unknown', 'a batch has no outcome')); // prettier-ignore
    }
    return outcomes;
  }

  /** Something is about to be queued that was routed by the catalog of `index`, or none of `batches` by an earlier one. */
  noteIndex(
    nodeId: number,
    shardId: number,
    index: number,
    batches: readonly ShardBatch[] = [],
  ): void {
    const key = `${nodeId} ${shardId}`;
    const known = this.#waiting.has(key) ? (this.#oldestIndex.get(key) ?? 0) : index;
    const oldest = Math.min(known, index);
    this.#oldestIndex.set(key, oldest);
    for (const batch of batches) this.#routed.note(key, oldest, batch);
    if (index > 0) this.#newestIndex.set(key, Math.max(this.#newestIndex.get(key) ?? 0, index));
  }

  onQueued(nodeId: number, shardId: number): void {
    this.standing(nodeId, shardId);
    this.#ports.lagging?.addQueued(shardId, nodeId);
    const key = `${nodeId} ${shardId}`;
    if (!this.#waiting.has(key)) this.#ports.onChange();
    this.#waiting.add(key);
  }

  onDropped(nodeId: number, shardId: number): void {
    this.#ports.lagging?.addLost(shardId, nodeId);
  }

  onDrained(nodeId: number, shardId: number): void {
    const key = `${nodeId} ${shardId}`;
    this.#owners.delete(key);
    this.#unknown.delete(key);
    this.#oldestIndex.delete(key);
    this.#routed.forget(key);
    this.#newestIndex.delete(key);
    this.#ports.lagging?.drained(shardId, nodeId);
    if (this.#waiting.delete(key)) this.#ports.onChange();
  }
}

/** Of several owners: what one has not taken is not delivered, and what one will never take is refused. */
function leastOf(outcomes: readonly (DeliveryOutcome | undefined)[]): DeliveryOutcome {
  const missing = { kind: 'failed', error: new DbError('outcome_unknown', 'a batch has no outcome') } as const; // prettier-ignore
  const all = outcomes.map((one) => one ?? missing);
  const ofKind = (kind: DeliveryOutcome['kind']) => all.find((one) => one.kind === kind);
  return ofKind('failed') ?? ofKind('refused') ?? { kind: 'written' };
}

type HintContent =
  | { readonly request: DeletePointsRequest }
  | { readonly batch: ReturnType<typeof batchOfHint> }
  | { readonly error: unknown };

/** One that does not read never will: it must not hold up what waits for other shards of its node. */
function readHint(hint: Uint8Array): HintContent {
  try {
    const request = deleteOfHint(hint);
    return request === undefined ? { batch: batchOfHint(hint) } : { request };
  } catch (error) {
    return { error };
  }
}

/** Rejects when the node does not answer. */
async function deliverDelete(
  access: Pick<ShardAccess, 'deletePoints'>,
  request: DeletePointsRequest,
  options: { readonly deadlineMs: number; readonly signal: AbortSignal },
): Promise<DeliveryOutcome> {
  try {
    await access.deletePoints(request, options);
    return { kind: 'written' };
  } catch (error) {
    if (isDbError(error, 'unavailable')) throw error;
    return failed(error);
  }
}

function failed(error: unknown): DeliveryOutcome {
  // From here on its owner looks for it at the others (data/shards/owned-shards.ts).
  if (isDbError(error, 'lease_lost')) return { kind: 'written' };
  return { kind: isRetryable(error) ? 'failed' : 'refused', error };
}
