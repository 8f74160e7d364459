/** An owner of a shard, as whoever compares and repairs it asks: this node, or another one. */
import { crc32, inflateRawSync } from 'node:zlib';
import { DbError, isDbError } from '../../base/errors.ts';
import { MiB } from '../../base/units.ts';
import {
  digestMethod,
  pickedPointsMethod,
  rangePointsMethod,
  seriesDigestsMethod,
  sketchMethod,
  storedDeletesMethod,
} from '../../meta/client/digest-methods.ts';
import type { Stamp, StampRange } from '../../models/stamp.ts';
import type { StoredDelete } from '../../storage/store/deletes/stored-deletes.ts';
import type { RpcClient } from '../../rpc/rpc-client.ts';
import { DifferenceSketch } from '../engine/digests/difference-sketch.ts';
import { unpackPoints } from '../engine/digests/packed-points.ts';
import type { RangePoints, RangePointsTask } from '../engine/digests/range-points.ts';
import type { SeriesDigest, SeriesDigestTask } from '../engine/digests/series-digests.ts';
import type { DigestTask } from '../engine/digests/shard-digest.ts';
import type { PickedPointsTask, SketchTask } from '../engine/digests/sketch-parts.ts';
import type { ShardDigests } from '../engine/digests/local-digests.ts';
import type { BatchOutcome, NamedShard } from '../engine/shard-access.ts';
import { bringMethod } from '../shards/shard-methods.ts';

export type DigestAnswer =
  | { readonly kind: 'digest'; readonly words: Uint32Array }
  /** The one that the asker has. */
  | { readonly kind: 'equal' }
  | { readonly kind: 'missing' };

/** `movedBytes`: between two nodes. */
export type MovedPoints = RangePoints & { readonly movedBytes: number };

export interface RepairPeer {
  readonly nodeId: number;
  /** `known`: a digest that is not sent again. */
  digest(
    task: DigestTask,
    known: Uint32Array | undefined,
    signal: AbortSignal,
  ): Promise<DigestAnswer>;
  /** Deletes that it remembers. */
  deletes(shardId: number, signal: AbortSignal): Promise<readonly StoredDelete[]>;
  /** In pieces. */
  seriesDigests(
    task: SeriesDigestTask,
    signal: AbortSignal,
  ): AsyncIterable<readonly SeriesDigest[]>;
  rangePoints(task: RangePointsTask, signal: AbortSignal): AsyncIterable<MovedPoints>;
  /** Undefined of one of an earlier release, which has none. */
  sketch(task: SketchTask, signal: AbortSignal): Promise<Uint8Array | undefined>;
  /** In no order: those whose hashes are asked for, and maybe some more. */
  pickedPoints(task: PickedPointsTask, signal: AbortSignal): AsyncIterable<MovedPoints>;
  /** Writes what it lacks; undefined of one that takes no points in this form, and has written nothing. */
  bring?(batch: PackedBatch, signal: AbortSignal): Promise<BatchOutcome | undefined>;
}

/** A batch on its way to an owner that lacks it. */
export interface PackedBatch extends NamedShard {
  readonly packed: Uint8Array;
  readonly stamp: Stamp;
}

/** The longest silence: a worker shows life each second. */
const silenceMs = 60_000;
const writeDeadlineMs = 60_000;
/** Some thousand values, each of 64 KiB at most. */
const batchBytesMax = 512 * MiB;

export class LocalPeer implements RepairPeer {
  readonly nodeId: number;
  readonly #local: ShardDigests;

  constructor(nodeId: number, local: ShardDigests) {
    this.nodeId = nodeId;
    this.#local = local;
  }

  async digest(
    task: DigestTask,
    known: Uint32Array | undefined,
    signal: AbortSignal,
  ): Promise<DigestAnswer> {
    for await (const words of this.#local.digest(task, signal))
      if (words !== undefined) return answerOf(words, known);
    signal.throwIfAborted();
    return { kind: 'missing' };
  }

  deletes(shardId: number): Promise<readonly StoredDelete[]> {
    return this.#local.storedDeletes(shardId);
  }

  async *seriesDigests(
    task: SeriesDigestTask,
    signal: AbortSignal,
  ): AsyncGenerator<readonly SeriesDigest[]> {
    for await (const series of this.#local.seriesDigests(task, signal))
      if (series !== undefined) yield series;
    signal.throwIfAborted();
  }

  async *rangePoints(task: RangePointsTask, signal: AbortSignal): AsyncGenerator<MovedPoints> {
    for await (const points of this.#local.rangePoints(task, signal))
      if (points !== undefined) yield { ...points, movedBytes: 0 };
    signal.throwIfAborted();
  }

  async sketch(task: SketchTask, signal: AbortSignal): Promise<Uint8Array | undefined> {
    for await (const cells of this.#local.sketch(task, signal))
      if (cells !== undefined) return cells;
    signal.throwIfAborted();
    return new DifferenceSketch(task.table, task.cellCount).bytes;
  }

  async *pickedPoints(task: PickedPointsTask, signal: AbortSignal): AsyncGenerator<MovedPoints> {
    for await (const points of this.#local.pickedPoints(task, signal))
      if (points !== undefined) yield { ...points, movedBytes: 0 };
    signal.throwIfAborted();
  }
}

export class RemotePeer implements RepairPeer {
  readonly nodeId: number;
  readonly #address: () => string;
  readonly #rpc: Pick<RpcClient, 'call' | 'stream'>;
  /** Of the catalog by which it is an owner. */
  readonly #catalogIndex: number;

  constructor(
    { nodeId, catalogIndex }: { readonly nodeId: number; readonly catalogIndex: number },
    rpc: Pick<RpcClient, 'call' | 'stream'>,
    address: () => string,
  ) {
    this.nodeId = nodeId;
    this.#rpc = rpc;
    this.#address = address;
    this.#catalogIndex = catalogIndex;
  }

  async digest(
    task: DigestTask,
    known: Uint32Array | undefined,
    signal: AbortSignal,
  ): Promise<DigestAnswer> {
    const request = { ...task, known: known === undefined ? undefined : crcOf(known) };
    for await (const reply of this.#rpc.stream(this.#address(), digestMethod, request, {
      deadlineMs: silenceMs,
      signal,
    })) {
      if (reply.isMissing) return { kind: 'missing' };
      if (reply.digest === undefined) continue;
      if (reply.digest.length === 0) return { kind: 'equal' };
      return answerOf(new Uint32Array(reply.digest.slice().buffer), known);
    }
    throw new DbError('unavailable', `node ${this.nodeId} gave no digest of shard ${task.shardId}`);
  }

  async deletes(shardId: number, signal: AbortSignal): Promise<readonly StoredDelete[]> {
    const options = { deadlineMs: silenceMs, signal };
    return (await this.#rpc.call(this.#address(), storedDeletesMethod, { shardId }, options))
      .deletes;
  }

  async *seriesDigests(
    task: SeriesDigestTask,
    signal: AbortSignal,
  ): AsyncGenerator<readonly SeriesDigest[]> {
    for await (const { series } of this.#rpc.stream(this.#address(), seriesDigestsMethod, task, {
      deadlineMs: silenceMs,
      signal,
    }))
      if (series.length > 0) yield series;
  }

  async *rangePoints(task: RangePointsTask, signal: AbortSignal): AsyncGenerator<MovedPoints> {
    for await (const { payload, least, greatest } of this.#rpc.stream(
      this.#address(),
      rangePointsMethod,
      task,
      { deadlineMs: silenceMs, signal },
    )) {
      if (payload.length === 0) continue;
      const stamps = rangeOf(least, greatest);
      yield { payload: inflated(payload), stamps, movedBytes: payload.length };
    }
  }

  async sketch(task: SketchTask, signal: AbortSignal): Promise<Uint8Array | undefined> {
    const options = { deadlineMs: silenceMs, signal };
    return this.#unlessUnknown(async () => {
      for await (const { cells } of this.#rpc.stream(this.#address(), sketchMethod, task, options))
        if (cells.length > 0) return cells;
      throw new DbError(
        'unavailable',
        `node ${this.nodeId} gave no sketch of shard ${task.shardId}`,
      );
    });
  }

  async *pickedPoints(
    { hashes, ...task }: PickedPointsTask,
    signal: AbortSignal,
  ): AsyncGenerator<MovedPoints> {
    const options = { deadlineMs: silenceMs, signal };
    const request = { ...task, hashes: hashes.bytes };
    for await (const { packed, least, greatest } of this.#rpc.stream(
      this.#address(),
      pickedPointsMethod,
      request,
      options,
    )) {
      if (packed.length === 0) continue;
      const stamps = rangeOf(least, greatest);
      yield { payload: unpackPoints(packed), stamps, movedBytes: packed.length };
    }
  }

  async bring(batch: PackedBatch, signal: AbortSignal): Promise<BatchOutcome | undefined> {
    const options = { deadlineMs: writeDeadlineMs, signal };
    const request = { ...batch, catalogIndex: this.#catalogIndex };
    return this.#unlessUnknown(async () => {
      const { outcome } = await this.#rpc.call(this.#address(), bringMethod, request, options);
      if (outcome.kind === 'written') return outcome;
      return { kind: 'failed', error: new DbError(outcome.code, outcome.text) };
    });
  }

  /** Undefined where it does not know the method. */
  async #unlessUnknown<T>(ask: () => Promise<T>): Promise<T | undefined> {
    try {
      return await ask();
    } catch (error) {
      if (isDbError(error, 'unsupported_version')) return undefined;
      throw error;
    }
  }
}

function rangeOf(least: Stamp | undefined, greatest: Stamp | undefined): StampRange | undefined {
  return least === undefined || greatest === undefined ? undefined : { least, greatest };
}

/** Throws `corrupt` for what is not deflated, or is larger than any batch. */
function inflated(payload: Uint8Array): Uint8Array {
  try {
    return new Uint8Array(inflateRawSync(payload, { maxOutputLength: batchBytesMax }));
  } catch (error) {
    throw new DbError('corrupt', 'points of another owner are damaged', { cause: error });
  }
}

function answerOf(words: Uint32Array, known: Uint32Array | undefined): DigestAnswer {
  const isEqual = known?.every((word, i) => word === words[i]) === true;
  return isEqual ? { kind: 'equal' } : { kind: 'digest', words };
}

function crcOf(words: Uint32Array): number {
  return crc32(new Uint8Array(words.buffer, words.byteOffset, words.byteLength));
}
