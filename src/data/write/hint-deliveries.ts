import type { DeliveryOutcome, HintTarget, Standing } from '../../hh/hint-target.ts';
import type { MetaAccess } from '../../meta/client/meta-access.ts';
import { DbError, isDbError } from '../../base/errors.ts';
import type { DeletePointsRequest, ShardAccess, ShardBatch } from '../engine/shard-access.ts';
import type { ClusterShards } from '../shards/cluster-shards.ts';
import type { LaggingOwners } from '../shards/lagging-owners.ts';
import { takesWrites } from '../../meta/model/shard-copies.ts';
import { findShard, isShardGone } from '../shards/shard-places.ts';
import { deleteOfHint } from './delete-hint.ts';
import { batchOfHint } from './fenced-hint.ts';
import { isRetryable } from './hint-sink.ts';

export interface HintDeliveriesPorts {
  readonly meta: Pick<MetaAccess, 'catalog'>;
  readonly shards: Pick<ClusterShards, 'of'>;
  /** Monotonic. */
  readonly nowMs: () => number;
  /** Left out when owners are read whatever waits for them. */
  readonly lagging?: Pick<LaggingOwners, 'addQueued' | 'drained'> | undefined;
  /** Something waits for an owner for which nothing did, or nothing any more. */
  readonly onChange: () => void;
}

/**
 * A queue of an earlier run whose node this run has never seen as an owner goes after so long, as of a copy of a shard that was
 * given up: by then whoever tells the catalog tells no older one than the run before had.
 */
const unknownMsMax = 3_600_000;

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

  constructor(ports: HintDeliveriesPorts) {
    this.#ports = ports;
  }

  /** A catalog read from the disk may be of before an owner came to be: one never seen is not known to be gone. */
  standing(nodeId: number, shardId: number): Standing {
    const { catalog } = this.#ports.meta;
    const key = `${nodeId} ${shardId}`;
    const isNodeThere = catalog.dataNodes.some(({ id }) => id === nodeId);
    const shard = findShard(catalog, shardId);
    if (isNodeThere && shard !== undefined && takesWrites(catalog, shardId, nodeId)) {
      this.#owners.add(key);
      this.#unknown.delete(key);
      return 'owner';
    }
    const isNodeGone = !isNodeThere && nodeId <= catalog.maxNodeId;
    const isGone = isNodeGone || isShardGone(catalog, shardId) || this.#owners.has(key);
    return isGone || this.#isUnknownForLong(key) ? 'gone' : 'unknown';
  }

  /** Time alone says nothing while no meta node is heard: the catalog has to have gone on. */
  #isUnknownForLong(key: string): boolean {
    const { meta, nowMs } = this.#ports;
    const begun = { sinceMs: nowMs(), index: meta.catalog.index };
    const { sinceMs, index } = this.#unknown.get(key) ?? begun;
    this.#unknown.set(key, { sinceMs, index });
    return meta.catalog.index > index && begun.sinceMs - sinceMs >= unknownMsMax;
  }

  async deliver(
    { nodeId, shardId }: { readonly nodeId: number; readonly shardId: number },
    payloads: readonly Uint8Array[],
    options: { readonly deadlineMs: number; readonly signal: AbortSignal },
  ): Promise<readonly DeliveryOutcome[]> {
    const { meta, shards } = this.#ports;
    const place = findShard(meta.catalog, shardId);
    if (place === undefined) return [];
    const { database, retentionPolicy } = place;
    const catalogIndex = this.#oldestIndex.get(`${nodeId} ${shardId}`);
    const access = shards.of(nodeId);
    const outcomes: DeliveryOutcome[] = [];
    const writes: { readonly at: number; readonly batch: ShardBatch }[] = [];
    for (const [at, hint] of payloads.entries()) {
      const request = deleteOfHint(hint);
      if (request !== undefined) outcomes[at] = await deliverDelete(access, request, options);
      else writes.push({ at, batch: { shardId, database, retentionPolicy, catalogIndex, ...batchOfHint(hint) } }); // prettier-ignore
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

  /** Something is about to be queued that was routed by the catalog of `index`. */
  noteIndex(nodeId: number, shardId: number, index: number): void {
    const key = `${nodeId} ${shardId}`;
    const known = this.#waiting.has(key) ? (this.#oldestIndex.get(key) ?? 0) : index;
    this.#oldestIndex.set(key, Math.min(known, index));
  }

  onQueued(nodeId: number, shardId: number): void {
    // It was an owner when the write was routed, and a later catalog may say that it is none any more.
    this.standing(nodeId, shardId);
    this.#ports.lagging?.addQueued(shardId, nodeId);
    const key = `${nodeId} ${shardId}`;
    if (!this.#waiting.has(key)) this.#ports.onChange();
    this.#waiting.add(key);
  }

  onDrained(nodeId: number, shardId: number): void {
    const key = `${nodeId} ${shardId}`;
    this.#owners.delete(key);
    this.#unknown.delete(key);
    this.#oldestIndex.delete(key);
    this.#ports.lagging?.drained(shardId, nodeId);
    if (this.#waiting.delete(key)) this.#ports.onChange();
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
  return { kind: isRetryable(error) ? 'failed' : 'refused', error };
}
