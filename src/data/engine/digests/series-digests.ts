/**
 * The second level of a digest: of some parts of a shard's series (hash-values.ts) each series by itself, in slices of time
 * that are finer. Only slices that have values are told, and only those within parts of time that are asked for.
 */
import type { ShardSource, SourceArena } from '../../../query/source.ts';
import { columnSeed, seriesPartOf, sumWords, ValueSums } from './hash-values.ts';
import { sliceCount, sliceLengthNs, slicesPerPart, timeParts, type DigestRange, type DigestTask } from './shard-digest.ts'; // prettier-ignore

/** A slice, the values in it, and both halves of their sum. */
export const entryWords = 1 + sumWords;

export interface SeriesDigestTask extends DigestTask {
  readonly seriesParts: readonly number[];
  /** A bit for each part of time. */
  readonly timeMask: number;
}

export interface SeriesDigest {
  /** Canonical, as ShardSource.seriesKey() gives it. */
  readonly key: string;
  /** `entryWords` for each slice, ascending. */
  readonly entries: Uint32Array;
}

const encoder = new TextEncoder();

/** Yields undefined whenever it has done a little. Memory: that of one series. */
export function* digestSeries(
  source: ShardSource,
  { seriesParts, timeMask, startNs, endNs }: Omit<SeriesDigestTask, 'shardId'>,
  arena: SourceArena,
): Generator<SeriesDigest | undefined, void> {
  const range = { startNs, endNs };
  const wanted = new Set(seriesParts);
  const words = new Uint32Array(sliceCount * sumWords);
  const sums = new ValueSums(words, { startNs, lengthNs: sliceLengthNs(range), count: sliceCount });
  for (const measurement of source.measurements()) {
    const fields = source.fields(measurement);
    for (const seriesId of yield* source.seriesIds(measurement)) {
      const text = source.seriesKey(seriesId);
      const key = encoder.encode(text);
      yield undefined;
      if (!wanted.has(seriesPartOf(key))) continue;
      words.fill(0);
      for (const { name } of fields) {
        const seed = columnSeed(key, name);
        for (const bounds of boundsOf(timeMask, range)) {
          const cursor = source.openCursor({ seriesId, field: name, ...bounds, ascending: true });
          for (;;) {
            const mark = arena.mark();
            const batch = cursor.next(arena);
            if (batch !== undefined) sums.add(batch, seed, { arena, at: 0 });
            arena.release(mark);
            if (batch === undefined) break;
            yield undefined;
          }
        }
      }
      const entries = entriesOf(words);
      if (entries.length > 0) yield { key: text, entries };
    }
  }
}

/** Inclusive bounds of slice `from` to `to`; the first and the last slice reach as far as time does. */
export function sliceBounds(
  range: DigestRange,
  from: number,
  to = from,
): { readonly minTimeNs: bigint; readonly maxTimeNs: bigint } {
  const { startNs } = range;
  const lengthNs = sliceLengthNs(range);
  return {
    minTimeNs: from === 0 ? -(2n ** 63n) : startNs + BigInt(from) * lengthNs,
    maxTimeNs: to === sliceCount - 1 ? 2n ** 63n - 1n : startNs + BigInt(to + 1) * lengthNs - 1n,
  };
}

/** Runs of parts that are asked for. */
function boundsOf(
  timeMask: number,
  range: DigestRange,
): readonly { readonly minTimeNs: bigint; readonly maxTimeNs: bigint }[] {
  const bounds: ReturnType<typeof sliceBounds>[] = [];
  for (let part = 0; part < timeParts; part++) {
    if (((timeMask >>> part) & 1) === 0) continue;
    const from = part;
    while (part + 1 < timeParts && ((timeMask >>> (part + 1)) & 1) === 1) part++;
    bounds.push(sliceBounds(range, from * slicesPerPart, (part + 1) * slicesPerPart - 1));
  }
  return bounds;
}

function entriesOf(words: Uint32Array): Uint32Array {
  const entries: number[] = [];
  for (let slice = 0; slice < sliceCount; slice++) {
    const at = slice * sumWords;
    if (words[at] !== 0) entries.push(slice, ...words.subarray(at, at + sumWords));
  }
  return Uint32Array.from(entries);
}
