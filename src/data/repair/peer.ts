/** An owner of a shard, as whoever compares and repairs it asks: this node, or another one. */
import { crc32 } from 'node:zlib';
import { DbError } from '../../base/errors.ts';
import {
  digestMethod,
  rangePointsMethod,
  seriesDigestsMethod,
} from '../../meta/client/digest-methods.ts';
import type { StampRange } from '../../models/stamp.ts';
import type { RpcClient } from '../../rpc/rpc-client.ts';
import type { RangePoints } from '../engine/digests/digest-streams.ts';
import type { RangePointsTask } from '../engine/digests/range-points.ts';
import type { SeriesDigest, SeriesDigestTask } from '../engine/digests/series-digests.ts';
import type { DigestTask } from '../engine/digests/shard-digest.ts';
import type { LocalShards } from '../engine/local-shards.ts';

export type DigestAnswer =
  | { readonly kind: 'digest'; readonly words: Uint32Array }
  /** The one that the asker has. */
  | { readonly kind: 'equal' }
  | { readonly kind: 'missing' };

export interface RepairPeer {
  readonly nodeId: number;
  /** `known`: a digest that is not sent again. */
  digest(
    task: DigestTask,
    known: Uint32Array | undefined,
    signal: AbortSignal,
  ): Promise<DigestAnswer>;
  /** In pieces. */
  seriesDigests(
    task: SeriesDigestTask,
    signal: AbortSignal,
  ): AsyncIterable<readonly SeriesDigest[]>;
  rangePoints(task: RangePointsTask, signal: AbortSignal): AsyncIterable<RangePoints>;
}

/** The longest silence: a worker shows life each second. */
const silenceMs = 60_000;

export class LocalPeer implements RepairPeer {
  readonly nodeId: number;
  readonly #local: Pick<LocalShards, 'digest' | 'seriesDigests' | 'rangePoints'>;

  constructor(
    nodeId: number,
    local: Pick<LocalShards, 'digest' | 'seriesDigests' | 'rangePoints'>,
  ) {
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

  async *seriesDigests(
    task: SeriesDigestTask,
    signal: AbortSignal,
  ): AsyncGenerator<readonly SeriesDigest[]> {
    for await (const series of this.#local.seriesDigests(task, signal))
      if (series !== undefined) yield series;
    signal.throwIfAborted();
  }

  async *rangePoints(task: RangePointsTask, signal: AbortSignal): AsyncGenerator<RangePoints> {
    for await (const points of this.#local.rangePoints(task, signal))
      if (points !== undefined) yield points;
    signal.throwIfAborted();
  }
}

export class RemotePeer implements RepairPeer {
  readonly nodeId: number;
  readonly #address: () => string;
  readonly #rpc: Pick<RpcClient, 'stream'>;

  constructor(nodeId: number, rpc: Pick<RpcClient, 'stream'>, address: () => string) {
    this.nodeId = nodeId;
    this.#rpc = rpc;
    this.#address = address;
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

  async *rangePoints(task: RangePointsTask, signal: AbortSignal): AsyncGenerator<RangePoints> {
    for await (const { payload, least, greatest } of this.#rpc.stream(
      this.#address(),
      rangePointsMethod,
      task,
      { deadlineMs: silenceMs, signal },
    )) {
      if (payload.length === 0) continue;
      const stamps: StampRange | undefined =
        least === undefined || greatest === undefined ? undefined : { least, greatest };
      yield { payload, stamps };
    }
  }
}

function answerOf(words: Uint32Array, known: Uint32Array | undefined): DigestAnswer {
  const isEqual = known?.every((word, i) => word === words[i]) === true;
  return isEqual ? { kind: 'equal' } : { kind: 'digest', words };
}

function crcOf(words: Uint32Array): number {
  return crc32(new Uint8Array(words.buffer, words.byteOffset, words.byteLength));
}
