/**
 * What a shard has, in a few kilobytes: the number of values, and a sum of their hashes, for each of some parts of its series
 * and of its time. Two owners that have the same points have the same digest, however their files came to be; a part in which
 * they differ says where to look (series-digests.ts).
 *
 * Invariants:
 * - A point counts as a reader sees it: once, with the value that stands, and not at all where it was deleted.
 * - The memory that it takes does not grow with the shard.
 */
import type { ShardSource, SourceArena } from '../../../query/source.ts';
import {
  columnSeed,
  keyBytesOf,
  seriesPartOf,
  seriesParts,
  sumWords,
  ValueSums,
} from './hash-values.ts';

/** Of the shard's time. */
export const timeParts = 16;
/** Of each part of time, where series are looked at one by one. */
export const slicesPerPart = 16;
export const sliceCount = timeParts * slicesPerPart;
export const digestWords = seriesParts * timeParts * sumWords;

export interface DigestRange {
  /** Of the shard's group: [startNs, endNs). */
  readonly startNs: bigint;
  readonly endNs: bigint;
}

export interface DigestTask extends DigestRange {
  readonly shardId: number;
}

/** Whole nanoseconds, so that parts and slices have the same bounds for whoever adds and whoever reads. */
export function sliceLengthNs({ startNs, endNs }: DigestRange): bigint {
  const lengthNs = (endNs - startNs + BigInt(sliceCount) - 1n) / BigInt(sliceCount);
  return lengthNs < 1n ? 1n : lengthNs;
}

const always = { minTimeNs: -(2n ** 63n), maxTimeNs: 2n ** 63n - 1n };

/** Yields undefined whenever it has done a little, and the digest at its end. */
export function* digestShard(
  source: ShardSource,
  range: DigestRange,
  arena: SourceArena,
): Generator<Uint32Array | undefined, void> {
  const words = new Uint32Array(digestWords);
  const sums = new ValueSums(words, {
    startNs: range.startNs,
    lengthNs: sliceLengthNs(range) * BigInt(slicesPerPart),
    count: timeParts,
  });
  for (const measurement of source.measurements()) {
    const fields = source.fields(measurement);
    for (const seriesId of yield* source.seriesIds(measurement)) {
      const key = keyBytesOf(source.seriesKey(seriesId));
      const at = seriesPartOf(key) * timeParts * sumWords;
      for (const { name } of fields) {
        const seed = columnSeed(key, name);
        const cursor = source.openCursor({ seriesId, field: name, ...always, ascending: true });
        for (;;) {
          const mark = arena.mark();
          const batch = cursor.next(arena);
          if (batch !== undefined) sums.add(batch, seed, { arena, at });
          arena.release(mark);
          if (batch === undefined) break;
          yield undefined;
        }
      }
    }
  }
  yield words;
}
