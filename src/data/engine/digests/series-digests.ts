/**
 * The second level of a digest: of some parts of a shard's series (digest-grid.ts) each series by itself, in slices of time
 * that are finer. Only slices that have values are told, and only those within parts of time that are asked for.
 */
import { sliceCount, sliceLengthNs } from '../../../models/digest-grid.ts';
import type { ShardSource, SourceArena } from '../../../query/source.ts';
import { columnSeed, sumWords, ValueSums } from './hash-values.ts';
import { batchesOf, seriesOfParts, type PartsTask } from './read-parts.ts';
import type { ShardRange } from './shard-digest.ts';

/** A slice, the values in it, and both halves of their sum. */
export const entryWords = 1 + sumWords;

export type SeriesDigestTask = ShardRange & PartsTask;

export interface SeriesDigest {
  /** Canonical, as ShardSource.seriesKey() gives it. */
  readonly key: string;
  /** `entryWords` for each slice, ascending. */
  readonly entries: Uint32Array;
}

/** Yields undefined whenever it has done a little. Memory: that of one series. */
export function* digestSeries(
  source: ShardSource,
  task: PartsTask,
  arena: SourceArena,
): Generator<SeriesDigest | undefined, void> {
  const { startNs } = task;
  const words = new Uint32Array(sliceCount * sumWords);
  const sums = new ValueSums(words, { startNs, lengthNs: sliceLengthNs(task), count: sliceCount });
  for (const series of seriesOfParts(source, task)) {
    yield undefined;
    if (series === undefined) continue;
    words.fill(0);
    for (const field of series.fields) {
      const seed = columnSeed(series.keyBytes, field);
      yield* batchesOf(source, { ...series, field }, arena, (batch) => {
        sums.add(batch, seed, { arena, at: 0 });
      });
    }
    const entries = entriesOf(words);
    if (entries.length > 0) yield { key: series.key, entries };
  }
}

function entriesOf(words: Uint32Array): Uint32Array {
  const entries: number[] = [];
  for (let slice = 0; slice < sliceCount; slice++) {
    const at = slice * sumWords;
    if (words[at] !== 0) entries.push(slice, ...words.subarray(at, at + sumWords));
  }
  return Uint32Array.from(entries);
}
