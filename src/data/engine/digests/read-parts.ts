/**
 * Goes through the values of some parts of a shard (shard-digest.ts): series whose keys are of some parts, within some parts of
 * the shard's time. The order of series is the node's own.
 */
import { keyBytesOf, seriesPartOf, sliceCount, sliceLengthNs, slicesPerPart, timeParts, type DigestRange } from '../../../models/digest-grid.ts'; // prettier-ignore
import type { ShardSource, SourceArena } from '../../../query/source.ts';
import type { ValueBatch } from './hash-values.ts';

export interface DigestParts {
  readonly seriesParts: readonly number[];
  /** A bit for each part of time. */
  readonly timeMask: number;
}

export type PartsTask = DigestRange & DigestParts;

export interface TimeRange {
  readonly minTimeNs: bigint;
  readonly maxTimeNs: bigint;
}

export interface PartSeries {
  readonly seriesId: number;
  readonly measurement: string;
  /** Canonical, as ShardSource.seriesKey() gives it. */
  readonly key: string;
  readonly keyBytes: Uint8Array;
  readonly fields: readonly string[];
  readonly ranges: readonly TimeRange[];
}

/** Yields undefined for each series that is of other parts. */
export function* seriesOfParts(
  source: ShardSource,
  { seriesParts, timeMask, ...range }: PartsTask,
): Generator<PartSeries | undefined, void> {
  const wanted = new Set(seriesParts);
  const ranges = rangesOf(timeMask, range);
  for (const measurement of source.measurements()) {
    const fields = source.fields(measurement).map(({ name }) => name);
    for (const seriesId of yield* source.seriesIds(measurement)) {
      const key = source.seriesKey(seriesId);
      const keyBytes = keyBytesOf(key);
      const isWanted = wanted.has(seriesPartOf(keyBytes));
      yield isWanted ? { seriesId, measurement, key, keyBytes, fields, ranges } : undefined;
    }
  }
}

/** Gives the batches of one column to `use`, which may look at them until it returns; yields after each. */
export function* batchesOf(
  source: ShardSource,
  { seriesId, field, ranges }: Pick<PartSeries, 'seriesId' | 'ranges'> & { readonly field: string },
  arena: SourceArena,
  use: (batch: ValueBatch) => void,
): Generator<undefined, void> {
  for (const range of ranges) {
    const cursor = source.openCursor({ seriesId, field, ...range, ascending: true });
    for (;;) {
      const mark = arena.mark();
      const batch = cursor.next(arena);
      if (batch !== undefined) use(batch);
      arena.release(mark);
      if (batch === undefined) break;
      yield undefined;
    }
  }
}

/** Inclusive bounds of slice `from` to `to`; the first and the last slice reach as far as time does. */
export function sliceBounds(range: DigestRange, from: number, to = from): TimeRange {
  const { startNs } = range;
  const lengthNs = sliceLengthNs(range);
  return {
    minTimeNs: from === 0 ? -(2n ** 63n) : startNs + BigInt(from) * lengthNs,
    maxTimeNs: to === sliceCount - 1 ? 2n ** 63n - 1n : startNs + BigInt(to + 1) * lengthNs - 1n,
  };
}

/** Runs of parts that are asked for. */
export function rangesOf(timeMask: number, range: DigestRange): readonly TimeRange[] {
  const ranges: TimeRange[] = [];
  for (let part = 0; part < timeParts; part++) {
    if (((timeMask >>> part) & 1) === 0) continue;
    const from = part;
    while (part + 1 < timeParts && ((timeMask >>> (part + 1)) & 1) === 1) part++;
    ranges.push(sliceBounds(range, from * slicesPerPart, (part + 1) * slicesPerPart - 1));
  }
  return ranges;
}
