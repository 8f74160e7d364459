/**
 * The shards of this node for everybody who asks, itself included: its engine, with the types of new fields decided first.
 *
 * While a shard is copied from here, what is written to it is passed on to the destination, and later what was routed by a
 * catalog that did not know of the new owner yet (decision 24). Whether there is one is looked at after the write: a snapshot
 * is made once this node's catalog knows of the copy, so that a write is in the snapshot, or is passed on.
 */
import { DbError, isDbError } from '../../base/errors.ts';
import { markBrought } from '../../models/stamp.ts';
import type { Fragment } from '../../query/fragment.ts';
import type { MetaAccess } from '../../meta/client/meta-access.ts';
import { ownsShard } from '../../meta/model/shard-fate.ts';
import { copyTo, newcomersSince, takesWrites } from '../../meta/model/shard-copies.ts';
import type { AnswerPart, AnswerRequest } from '../engine/answers/answer-task.ts';
import type { LocalShards } from '../engine/local-shards.ts';
import type { PackedBody } from '../engine/lists/pack-lists.ts';
import type { PackedList } from '../engine/lists/packed-list.ts';
import type { ListPiece, ListRequest } from '../engine/lists/schema-list.ts';
import type {
  AccessOptions,
  BatchOutcome,
  DeletePointsRequest,
  DescribeOptions,
  FieldsOfShard,
  FragmentBlock,
  GatheredOthers,
  NamedShard,
  PlannedBlocks,
  ShardAccess,
  ShardBatch,
  ShardsDescription,
  TypedField,
  RunBatch,
  SentBlocks,
} from '../engine/shard-access.ts';
import type { FieldTypes } from './field-types.ts';
import type { IncomingDeletes } from './incoming-deletes.ts';
import type { LeaseFences } from './lease-fences.ts';
import { findShard, isShardGone } from './shard-places.ts';

export interface OwnedShardsPorts {
  readonly meta: Pick<MetaAccess, 'catalog' | 'nodeId'>;
  readonly local: LocalShards;
  readonly fieldTypes: Pick<FieldTypes, 'write'>;
  readonly fences: LeaseFences;
  readonly deletes: IncomingDeletes;
  /** Resolves once the node has the batch, or hinted handoff keeps it for the node, or it is lost, which is logged. */
  readonly passOn: (nodeId: number, batch: ShardBatch) => Promise<unknown>;
  readonly passOnDelete: (nodeId: number, request: DeletePointsRequest) => Promise<void>;
  /** Told of a batch of which values were taken as the latest that may not be, or refused though other owners may have them; its payload is its writer's again once this returns. */
  readonly onUnclear: (batch: ShardBatch) => void;
}

export class OwnedShards implements ShardAccess {
  readonly #ports: OwnedShardsPorts;

  constructor(ports: OwnedShardsPorts) {
    this.#ports = ports;
  }

  /** Never rejects: payloads are their writer's again once it resolves, and others are written meanwhile. */
  writeMany(batches: readonly ShardBatch[]): Promise<readonly BatchOutcome[]> {
    return Promise.all(
      batches.map((batch) =>
        this.#write(batch).catch((error: unknown): BatchOutcome => ({ kind: 'failed', error })),
      ),
    );
  }

  async #write(batch: ShardBatch): Promise<BatchOutcome> {
    const { meta, fences, fieldTypes } = this.#ports;
    const { shardId, fence, ...rest } = batch;
    try {
      this.#refuseForeign(shardId);
      fences.check(fence);
    } catch (error) {
      if (isDbError(error, 'lease_lost')) this.#noteRefused(batch);
      return { kind: 'failed', error };
    }
    const copyIndex = copyTo(meta.catalog, shardId, meta.nodeId)?.beganIndex;
    const outcome = await fieldTypes.write({ ...rest, shardId, ...(copyIndex !== undefined && { copyIndex }) }); // prettier-ignore
    if (outcome.kind !== 'written') return outcome;
    if (outcome.isUnclear === true) this.#ports.onUnclear(batch);
    await this.#passOn(batch);
    return outcome;
  }

  /**
   * Another owner may have taken it while its writer had the lease, and nobody writes it again then: it is looked for there, as what is
   * brought again and left.
   */
  #noteRefused(batch: ShardBatch): void {
    const payload = batch.payload.slice();
    markBrought(payload);
    this.#ports.onUnclear({ ...batch, payload });
  }

  /** One that is dropped or given up was this node's to be a moment ago: it must not come to be again. */
  #refuseForeign(shardId: number): void {
    const { catalog, nodeId } = this.#ports.meta;
    const isKnown = catalog.databases.shard(shardId) !== undefined || isShardGone(catalog, shardId);
    if (!isKnown || takesWrites(catalog, shardId, nodeId)) return;
    throw new DbError('shard_not_found', `shard ${shardId} is not on this node`);
  }

  async #passOn(batch: ShardBatch): Promise<void> {
    const { meta, passOn } = this.#ports;
    const { catalogIndex: index = 0, shardId } = batch;
    const { catalog, nodeId } = meta;
    const lacking = newcomersSince(catalog, shardId, { index, nodeId });
    const sent = { ...batch, catalogIndex: catalog.index };
    await Promise.all(lacking.map((id) => passOn(id, sent)));
  }

  describe(shardIds: readonly number[], options: DescribeOptions): Promise<ShardsDescription> {
    return this.#ports.local.describe(shardIds, options);
  }

  described(
    shardIds: readonly number[],
    only: readonly string[] | undefined,
  ): ShardsDescription | undefined {
    return this.#ports.local.described(shardIds, only);
  }

  get listVersion(): number {
    return this.#ports.local.listVersion;
  }

  list(request: ListRequest, options: AccessOptions): AsyncIterable<readonly ListPiece[]> {
    return this.#ports.local.list(request, options);
  }

  packedList(
    lane: readonly number[],
    body: PackedBody,
    options: AccessOptions,
  ): AsyncIterable<PackedList> {
    return this.#ports.local.packedList(lane, body, options);
  }

  fragment(fragment: Fragment, options: AccessOptions): AsyncIterable<readonly FragmentBlock[]> {
    return this.#ports.local.fragment(fragment, options);
  }

  sentFragment(fragment: Fragment, options: AccessOptions): AsyncIterable<SentBlocks> {
    return this.#ports.local.sentFragment(fragment, options);
  }

  fragmentRun(fragments: readonly Fragment[], options: AccessOptions): AsyncIterable<RunBatch> {
    return this.#ports.local.fragmentRun(fragments, options);
  }

  sentFragmentRun(
    fragments: readonly Fragment[],
    options: AccessOptions,
  ): AsyncIterable<SentBlocks> {
    return this.#ports.local.sentFragmentRun(fragments, options);
  }

  answer(
    shardIds: readonly number[],
    request: AnswerRequest,
    signal: AbortSignal,
  ): AsyncIterable<AnswerPart> | undefined {
    return this.#ports.local.answer(shardIds, request, signal);
  }

  gather(
    shardIds: readonly number[],
    request: AnswerRequest,
    others: GatheredOthers,
  ): AsyncIterableIterator<AnswerPart> | undefined {
    return this.#ports.local.gather(shardIds, request, others);
  }

  plannedBlocks(
    shardIds: readonly number[],
    request: AnswerRequest,
    signal: AbortSignal,
  ): AsyncIterable<PlannedBlocks> | undefined {
    return this.#ports.local.plannedBlocks(shardIds, request, signal);
  }

  async deletePoints(request: DeletePointsRequest): Promise<void> {
    const { deletes, local, meta, passOnDelete } = this.#ports;
    await deletes.delete(request, (one) => local.deletePoints(one, undefined, this.#placesOf(one)));
    const { catalog, nodeId } = meta;
    const { catalogIndex: index = 0 } = request;
    const lacking = new Map<number, number[]>();
    for (const shardId of request.shardIds)
      for (const id of newcomersSince(catalog, shardId, { index, nodeId }))
        lacking.set(id, [...(lacking.get(id) ?? []), shardId]);
    const sent = { ...request, catalogIndex: catalog.index };
    await Promise.all(
      [...lacking].map(([id, shardIds]) => passOnDelete(id, { ...sent, shardIds })),
    );
  }

  /** Of shards of this node that remember a delete though they have had no points yet: these may be on their way. */
  #placesOf({ shardIds, stamp }: DeletePointsRequest): readonly NamedShard[] {
    const { catalog, nodeId } = this.#ports.meta;
    if (stamp === undefined) return [];
    return shardIds.flatMap((shardId) => {
      const place = ownsShard(catalog, shardId, nodeId) ? findShard(catalog, shardId) : undefined;
      if (place === undefined) return [];
      return [{ shardId, database: place.database, retentionPolicy: place.retentionPolicy }];
    });
  }

  decideFieldTypes(request: FieldsOfShard): Promise<readonly TypedField[]> {
    return this.#ports.local.decideFieldTypes(request);
  }
}
