/**
 * What a shard has, in a few kilobytes: the number of values, and a sum of their hashes, for each of some parts of its series
 * and of its time (digest-grid.ts). Two owners that have the same points have the same digest, however their files came to be; a
 * part in which they differ says where to look (series-digests.ts).
 *
 * Invariants:
 * - A point counts as a reader sees it: once, with the value that stands, and not at all where it was deleted.
 * - Of a digest that is known only the parts that have changed are read; what comes of it is what reading all would give.
 * - The memory that it takes does not grow with the shard.
 */
import { allTimes, keyBytesOf, seriesPartOf, seriesParts, sliceLengthNs, slicesPerPart, timeParts, type DigestRange } from '../../../models/digest-grid.ts'; // prettier-ignore
import type { ShardSource, SourceArena } from '../../../query/source.ts';
import type { PartSet } from '../../../storage/engine/content/part-set.ts';
import { columnSeed, sumWords, ValueSums } from './hash-values.ts';
import { batchesOf, rangesOf, type TimeRange } from './read-parts.ts';

export const digestWords = seriesParts * timeParts * sumWords;

export interface ShardRange extends DigestRange {
  readonly shardId: number;
}

export interface DigestTask extends ShardRange {
  /** Nothing that was kept counts: all is read. */
  readonly isAnew: boolean;
}

/** A digest of before. */
export interface KnownDigest {
  readonly words: Uint32Array;
  /** Parts in which the shard is not what it was. */
  readonly changed: PartSet;
}

/** Series of other parts that are passed by between two rests. */
const passedAtOnce = 64;

/** Yields undefined whenever it has done a little, and the digest at its end. */
export function* digestShard(
  source: ShardSource,
  range: DigestRange,
  arena: SourceArena,
  known?: KnownDigest,
): Generator<Uint32Array | undefined, void> {
  const words = known === undefined ? new Uint32Array(digestWords) : cleared(known);
  if (known?.changed.isEmpty !== true) yield* addParts(source, range, { arena, words, known });
  yield words;
}

interface AddedTo {
  readonly arena: SourceArena;
  readonly words: Uint32Array;
  readonly known: KnownDigest | undefined;
}

function* addParts(
  source: ShardSource,
  range: DigestRange,
  { arena, words, known }: AddedTo,
): Generator<undefined, void> {
  const sums = new ValueSums(words, {
    startNs: range.startNs,
    lengthNs: sliceLengthNs(range) * BigInt(slicesPerPart),
    count: timeParts,
  });
  const rangesByMask = new Map<number, readonly TimeRange[]>();
  let passedCount = 0;
  for (const measurement of source.measurements()) {
    const fields = source.fields(measurement);
    for (const seriesId of yield* source.seriesIds(measurement)) {
      const key = keyBytesOf(source.seriesKey(seriesId));
      const part = seriesPartOf(key);
      const mask = known === undefined ? allTimes : known.changed.maskOf(part);
      if (mask === 0) {
        if (++passedCount % passedAtOnce === 0) yield undefined;
        continue;
      }
      const ranges = rangesByMask.get(mask) ?? rangesOf(mask, range);
      rangesByMask.set(mask, ranges);
      const at = part * timeParts * sumWords;
      for (const { name: field } of fields) {
        const seed = columnSeed(key, field);
        yield* batchesOf(source, { seriesId, field, ranges }, arena, (batch) => {
          sums.add(batch, seed, { arena, at });
        });
      }
    }
  }
}

/** Without the sums of what has changed. */
function cleared({ words, changed }: KnownDigest): Uint32Array {
  const kept = words.slice();
  for (let part = 0; part < seriesParts * timeParts; part++)
    if (((changed.maskOf(Math.floor(part / timeParts)) >>> (part % timeParts)) & 1) === 1)
      kept.fill(0, part * sumWords, (part + 1) * sumWords);
  return kept;
}
