/**
 * An answer that two workers make together (decision 100): the worker that is home of the shards cuts it into chunks, each of some
 * groups or of some time, and either takes the next one until none is left. Files do not change: the other worker reads them by itself. Rows in
 * memory are lent to it as they were.
 */
import { KiB } from '../../../../base/units.ts';
import { streamAheadMax } from '../../../../env/engine-host.ts';
import type { LentRows } from '../../../../storage/engine/memtable/lend-rows.ts';
import type { LentFile } from '../../../../storage/store/borrowed-files.ts';
import type { SeriesList } from '../../../../storage/index/listed-index.ts';
import type { MeasurementDescription } from '../../shard-access.ts';
import type { AnswerRequest } from '../answer-task.ts';

/**
 * How many parts the helper may be ahead with in chunks of times: as many as the longest has, as it makes the second chunk while the home
 * makes the first. Chunks of groups are short, and need no more than any stream.
 */
const timesAheadMax = 36;
/** Of a part: they are few and large, and with what a batch of rows adds fit memory of 512 KiB. */
export const sharedPartBytes = 400 * KiB;
export const timeChunkBytes = timesAheadMax * sharedPartBytes;

/** Plain data, or shared memory. */
export interface SharedAnswer {
  readonly request: AnswerRequest;
  /** What the home plans by, and the version of its schemas. */
  readonly measurements: readonly MeasurementDescription[];
  readonly schemaVersion: number;
  readonly shards: readonly SharedShard[];
  readonly cut: ChunkCut;
  readonly chunkCount: number;
  /** How many chunks have been taken; a shared one. */
  readonly claims: Int32Array;
  /** Bytes that both hold for it (QueryAccount.share). */
  readonly held: BigInt64Array;
}

export interface SharedShard {
  readonly shardId: number;
  readonly files: readonly LentFile[];
  readonly list: SeriesList;
  /** What its memtables have, oldest first. */
  readonly rows: readonly LentRows[];
}

/** Where each chunk ends: by shard among the series of its list, or at which times, inclusive, in the direction of the answer. */
export type ChunkCut =
  | { readonly kind: 'groups'; readonly ends: readonly Uint32Array[] }
  | { readonly kind: 'times'; readonly minTimesNs: BigInt64Array; readonly maxTimesNs: BigInt64Array }; // prettier-ignore

/** What the home says before its first chunk. */
export interface SharingStart {
  readonly shared: SharedAnswer;
}

/** A part of a chunk; those of one follow each other. */
export interface ChunkPart {
  readonly chunk: number;
  /**
   * Those of the document from its first byte, without what closes it; none of a chunk without rows. Where it is shared memory, it is
   * the reader's until he asks for the next part.
   */
  readonly bytes: Uint8Array;
  /** Where in the first part of a chunk begins what follows the chunk before, past the head that all of them have; 0 in others. */
  readonly headBytes: number;
  readonly isEnd: boolean;
}

/** How far the helper's stream may run ahead. */
export function helperAheadMax({ kind }: ChunkCut): number {
  return kind === 'times' ? timesAheadMax : streamAheadMax;
}

/** The next chunk that nobody has taken; undefined when there is none. */
export function claimChunk({ claims, chunkCount }: SharedAnswer): number | undefined {
  const chunk = Atomics.add(claims, 0, 1);
  return chunk < chunkCount ? chunk : undefined;
}

/** How a document ends behind its last chunk. */
export function chunkTail({ kind }: ChunkCut): string {
  return kind === 'groups' ? ']}]}\n' : ']}]}]}\n';
}
