import type { SourceFieldType } from '../../query/source.ts';
import type { Fragment, RowsBlock, WindowsBlock } from '../../query/fragment.ts';
import type { Stamp } from '../../models/stamp.ts';
import type { AnswerPart, AnswerRequest, AskedAnswer } from './answers/answer-task.ts';
import type { PackedBody } from './lists/pack-lists.ts';
import type { PackedList } from './lists/packed-list.ts';
import type { ListedMeasurement, ListPiece, ListRequest } from './lists/schema-list.ts';

/**
 * What a coordinator asks of a node that owns shards: LocalShards answers for this node, RemoteShards for another one.
 * A shard that has had no points is there and empty. Failures are DbErrors; those of RpcTransport when the node is away.
 */
export interface ShardAccess {
  /**
   * Writes batches, those of a shard in their order; resolves with an outcome for each once all are durable or refused.
   * Rejects when the node could not be asked, or did not answer: then any of them may have been written.
   */
  writeMany(
    batches: readonly ShardBatch[],
    options: WriteOptions,
  ): Promise<readonly BatchOutcome[]>;
  /** Measurements of the shards: all, or those of `options.only` that are there. */
  describe(shardIds: readonly number[], options: DescribeOptions): Promise<ShardsDescription>;
  /** The same as far as it is known without asking; the same object as long as nothing has changed. */
  described?(
    shardIds: readonly number[],
    only: readonly string[] | undefined,
  ): ShardsDescription | undefined;
  /** Another number whenever series, fields or tag keys came or went; left out where nobody is told. */
  readonly listVersion?: number;
  /** What stands for what another node has now; left out for this one. */
  marks?(options: AccessOptions): Promise<ShardMarks>;
  /** Of that what stands for its lists, as long as it has given its word (data/shards/pledges); undefined where it has not. */
  readonly pledgedLists?: string | undefined;
  /** What the index of shards of one lane says, as schema-list.ts has it, some pieces at a time. */
  list(request: ListRequest, options: ListOptions): AsyncIterable<readonly ListPiece[]>;
  /** The same as bytes, of shards of one lane that the request names; left out where no worker makes them. */
  packedList?(
    lane: readonly number[],
    body: PackedBody,
    options: AccessOptions,
  ): AsyncIterable<PackedList>;
  /** Runs a fragment over shards of one lane; blocks as fragment.ts says, some at a time. */
  fragment(fragment: Fragment, options: FragmentOptions): AsyncIterable<readonly FragmentBlock[]>;
  /** The same in the form in which it goes to other nodes; left out where no worker makes it. */
  sentFragment?(fragment: Fragment, options: AccessOptions): AsyncIterable<SentBlocks>;
  /**
   * Runs fragments over the same lane one after the other, in one stream: all, or as many from the first on as are asked of a node at
   * once. Left out where each has to be asked for by itself. A node of an earlier release answers the first alone, and no ends.
   */
  fragmentRun?(fragments: readonly Fragment[], options: FragmentOptions): AsyncIterable<RunBatch>;
  sentFragmentRun?(
    fragments: readonly Fragment[],
    options: AccessOptions,
  ): AsyncIterable<SentBlocks>;
  /**
   * The JSON document of a SELECT that reads these shards and no others, in parts; undefined unless one worker has them all.
   * Left out where no worker answers by itself.
   */
  answer?(
    shardIds: readonly number[],
    request: AnswerRequest,
    signal: AbortSignal,
  ): AsyncIterable<AnswerPart> | undefined;
  /** The same of another node, which fails with `unavailable` where it is not one worker that has them all. */
  answerFor?(asked: AskedAnswer, options: AnswerOptions): AsyncIterable<AnswerPart>;
  /**
   * The document of a SELECT made by the worker that has these shards of its own and merges what `others` have of it;
   * undefined unless one worker has them all. Left out where no worker answers by itself.
   */
  gather?(
    shardIds: readonly number[],
    request: AnswerRequest,
    others: GatheredOthers,
  ): AsyncIterableIterator<AnswerPart> | undefined;
  /** What runs of a SELECT where the shards are, as their worker plans it; fails as `answerFor` does. */
  blocksFor?(asked: AskedAnswer, options: AccessOptions): AsyncIterable<PlannedBlocks>;
  /** The same of this node; undefined unless one worker has them all. */
  plannedBlocks?(
    shardIds: readonly number[],
    request: AnswerRequest,
    signal: AbortSignal,
  ): AsyncIterable<PlannedBlocks> | undefined;
  /** Decides the types of new fields of a shard; resolves with those of all of them once that is durable. */
  decideFieldTypes(request: FieldsOfShard, options: AccessOptions): Promise<readonly TypedField[]>;
  /** Deletes points that were acknowledged before, of shards of any lane; resolves once that is durable. */
  deletePoints(request: DeletePointsRequest, options: AccessOptions): Promise<void>;
}

/** Points of the series that pass, within inclusive bounds of time. */
export interface DeletePointsRequest {
  readonly shardIds: readonly number[];
  readonly measurements: readonly ListedMeasurement[];
  readonly minTimeNs: bigint;
  readonly maxTimeNs: bigint;
  /** When it was said: what was written later stays. Absent, as of a node of an earlier release: nobody knows. */
  readonly stamp?: Stamp | undefined;
  /** Of the catalog that named the owners; absent is older than any. */
  readonly catalogIndex?: number | undefined;
}

/** What an owner says of a batch that it has made durable: some points may have been refused, and why. */
export interface OwnerReceipt {
  readonly droppedCount: number;
  /** The reference's reason for the first refused point; '' when none was. */
  readonly reason: string;
  /** Of the latest stamp that it has, of another coordinator, at times of the batch: points of it may have lost to that. */
  readonly newerNs?: bigint | undefined;
  /** Of this node's: it took values of it as the latest of which it can not tell; left out of what other nodes say. */
  readonly isUnclear?: boolean | undefined;
}

export interface AccessOptions {
  readonly deadlineMs: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * A call with batches of which other owners are due copies too: which one it is of a run of its coordinator, and below which number the
 * copies of all that earlier calls carried are settled (decision 137).
 */
export interface WriteCall {
  readonly nodeId: number;
  readonly run: number;
  readonly number: number;
  readonly settledBelow: number;
}

export interface WriteOptions extends AccessOptions {
  /** Told to another node, which passes on what its coordinator may not have brought to the others. */
  readonly call?: WriteCall | undefined;
  /** Told by another node how many writes clients have given it so far. */
  readonly heardFresh?: ((freshCount: number) => void) | undefined;
}

export interface AnswerOptions extends AccessOptions {
  /** Stands for what is asked, whatever the time: the same object each time. */
  readonly kept?: object | undefined;
}

export interface DescribeOptions extends AccessOptions {
  readonly only?: readonly string[] | undefined;
  /** Also of the latest stamp that the shards have, of whichever clock. */
  readonly tellsStamp?: boolean | undefined;
}

export interface ListOptions extends AccessOptions {
  /** As of a fragment. */
  readonly describedAt?: string | undefined;
  /** Told by another node what stands for its lists as they were when this one began. */
  readonly heard?: ((mark: string) => void) | undefined;
}

/** What stands for what a node has, so that whoever remembers it knows whether it is the same. */
export interface ShardMarks {
  /** Of measurements, fields and tag keys: the mark of a description. */
  readonly schemas: string;
  /** Of series, too. */
  readonly lists: string;
}

export interface FragmentOptions extends AccessOptions {
  /** The mark of the description that it was planned by: throws `schema_changed` where it is not that of the node any more. */
  readonly describedAt?: string | undefined;
}

export type FragmentBlock = RowsBlock | WindowsBlock;

/** Blocks of fragments that follow each other. */
export interface RunBatch {
  readonly blocks: readonly FragmentBlock[];
  /** How many of the blocks stand before the end of each fragment that ends here. */
  readonly ends: readonly number[];
}

/** Blocks as a worker writes them for another node (sent-blocks.ts). */
export interface SentBlocks {
  readonly bytes: Uint8Array;
  /** As of a RunBatch; absent where one fragment alone is answered. */
  readonly ends?: readonly number[];
  /** Nothing comes behind it. */
  readonly isLast: boolean;
}

/** Blocks of what a worker has planned by itself. */
export interface PlannedBlocks {
  /** With the first of them: what stands for the schemas that it was planned by (answers/answer-share.ts); '' for none. */
  readonly planned: string;
  /** As sent-blocks.ts has them; none where there is nothing. */
  readonly packed: Uint8Array;
  readonly isLast: boolean;
}

/** Where the blocks of other nodes stand among those of this one: sums of floats are added up in that order. */
export interface GatheredOthers {
  readonly before: readonly AsyncIterable<PlannedBlocks>[];
  readonly after: readonly AsyncIterable<PlannedBlocks>[];
  /** Of the whole: aborts when nobody waits for the answer any more; what has yet to come from them is not waited for once it is stopped. */
  readonly ending: { readonly signal: AbortSignal; readonly stop: () => void; readonly release: () => void }; // prettier-ignore
}

export interface DescribeRequest {
  readonly shardIds: readonly number[];
  readonly only?: readonly string[] | undefined;
}

/** A field and its one type in a shard. */
export interface TypedField {
  readonly measurement: string;
  readonly name: string;
  readonly type: SourceFieldType;
}

/** A shard as a message names it. */
export interface NamedShard {
  readonly shardId: number;
  readonly database: string;
  readonly retentionPolicy: string;
}

export interface FieldsOfShard extends NamedShard {
  readonly fields: readonly TypedField[];
}

/** One shard's part of a write; `payload` is a point batch (docs/internals/format/point-batch.md). */
export interface ShardBatch {
  readonly shardId: number;
  readonly database: string;
  readonly retentionPolicy: string;
  readonly payload: Uint8Array;
  readonly fence?: LeaseFence | undefined;
  /** Of the catalog that named the owners; absent is older than any. */
  readonly catalogIndex?: number | undefined;
  /** Who writes, where that is counted. */
  readonly login?: string | undefined;
}

/** What a write shows that only the holder of a lease may make: its owners refuse it from one who lost it. */
export interface LeaseFence {
  readonly lease: string;
  /** Of the catalog's lease; it grows with each new holder. */
  readonly token: number;
}

/** With the types of its fields that the lead of the shard has told. */
export interface TypedBatch extends ShardBatch {
  readonly fields?: readonly TypedField[] | undefined;
  /** Names the copy that brings the shard here; absent for one that this node owns. */
  readonly copyIndex?: number | undefined;
}

export type BatchOutcome =
  | ({ readonly kind: 'written' } & OwnerReceipt)
  | { readonly kind: 'failed'; readonly error: unknown };

export interface ShardsDescription {
  readonly measurements: readonly MeasurementDescription[];
  /** The shards asked for, parted by the workers that hold them: a fragment runs over one lane. */
  readonly lanes: readonly (readonly number[])[];
  /** By the clock of the node's stamps, not before what it had written then, or what the shards have; absent when it was not asked. */
  readonly stampNs?: bigint | undefined;
  /** Of the schemas of the node as it was asked; absent of one of an earlier release. */
  readonly mark?: string | undefined;
}

/** A measurement as plain data; fields and tag keys of all shards together. */
export interface MeasurementDescription {
  readonly name: string;
  readonly fields: readonly (readonly [name: string, type: SourceFieldType])[];
  readonly tagKeys: readonly string[];
}
