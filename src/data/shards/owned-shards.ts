/** The shards of this node for everybody who asks, itself included: its engine, with the types of new fields decided first. */
import type { Fragment } from '../../query/fragment.ts';
import type { LocalShards } from '../engine/local-shards.ts';
import type { ListPiece, ListRequest } from '../engine/schema-list.ts';
import type {
  AccessOptions,
  BatchOutcome,
  DeletePointsRequest,
  DescribeOptions,
  FieldsOfShard,
  FragmentBlock,
  ShardAccess,
  ShardBatch,
  ShardsDescription,
  TypedField,
} from '../engine/shard-access.ts';
import type { FieldTypes } from './field-types.ts';
import type { LeaseFences } from './lease-fences.ts';

export class OwnedShards implements ShardAccess {
  readonly #local: LocalShards;
  readonly #fieldTypes: FieldTypes;
  readonly #fences: LeaseFences;

  constructor(local: LocalShards, fieldTypes: FieldTypes, fences: LeaseFences) {
    this.#local = local;
    this.#fieldTypes = fieldTypes;
    this.#fences = fences;
  }

  writeMany(batches: readonly ShardBatch[]): Promise<readonly BatchOutcome[]> {
    return Promise.all(batches.map((batch) => this.#write(batch)));
  }

  async #write({ fence, ...batch }: ShardBatch): Promise<BatchOutcome> {
    try {
      this.#fences.check(fence);
    } catch (error) {
      return { kind: 'failed', error };
    }
    return this.#fieldTypes.write(batch);
  }

  describe(shardIds: readonly number[], options: DescribeOptions): Promise<ShardsDescription> {
    return this.#local.describe(shardIds, options);
  }

  described(
    shardIds: readonly number[],
    only: readonly string[] | undefined,
  ): ShardsDescription | undefined {
    return this.#local.described(shardIds, only);
  }

  list(request: ListRequest, options: AccessOptions): AsyncIterable<readonly ListPiece[]> {
    return this.#local.list(request, options);
  }

  fragment(fragment: Fragment, options: AccessOptions): AsyncIterable<readonly FragmentBlock[]> {
    return this.#local.fragment(fragment, options);
  }

  deletePoints(request: DeletePointsRequest): Promise<void> {
    return this.#local.deletePoints(request);
  }

  decideFieldTypes(request: FieldsOfShard): Promise<readonly TypedField[]> {
    return this.#local.decideFieldTypes(request);
  }
}
