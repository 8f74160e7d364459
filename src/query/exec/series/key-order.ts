/** Series of several shards in the order of their keys. */
import { must } from '../../../base/assert.ts';
import { Heap } from '../../../base/collections/heap.ts';
import { compareUtf8 } from '../../../base/compare-utf8.ts';
import type { ShardSource } from '../../source.ts';

interface OrderedSeries {
  readonly source: Pick<ShardSource, 'seriesKey'>;
  readonly seriesId: number;
}

/** A key is read from the index, in some hundred nanoseconds and more. */
const seriesPerPause = 1_024;

/** The series of one shard, in the order of their keys, and the key of the one that is next. */
interface Run {
  readonly number: number;
  at: number;
  readonly end: number;
  key: string;
}

/**
 * Those of a list in which the series of each source stand together, by their keys already; series of one key as their sources do. Not
 * `ascending`: the other way around, but for those. No more keys than there are shards are held at once. undefined is a pause.
 */
export function* inKeyOrder<T extends OrderedSeries>(
  list: readonly T[],
  ascending: boolean,
): Generator<undefined, readonly T[]> {
  const runs = runsOf(list, ascending);
  if (runs.length < 2) return ascending ? list : list.toReversed();
  const step = ascending ? 1 : -1;
  const heap = new Heap<Run>((left, right) => {
    const order = step * compareUtf8(left.key, right.key);
    return order === 0 ? left.number < right.number : order < 0;
  });
  for (const run of runs) heap.push(run);
  const ordered: T[] = [];
  for (let run = heap.pop(); run !== undefined; run = heap.pop()) {
    ordered.push(must(list[run.at], 'a run is of the list'));
    run.at += step;
    if (run.at !== run.end) {
      run.key = keyAt(list, run.at);
      heap.push(run);
    }
    if (ordered.length % seriesPerPause === 0) yield undefined;
  }
  return ordered;
}

function runsOf(list: readonly OrderedSeries[], ascending: boolean): Run[] {
  const runs: Run[] = [];
  for (let start = 0, end = 0; start < list.length; start = end) {
    const source = list[start]?.source;
    while (list[end]?.source === source) end++;
    const [at, stop] = ascending ? [start, end] : [end - 1, start - 1];
    runs.push({ number: runs.length, at, end: stop, key: keyAt(list, at) });
  }
  return runs;
}

function keyAt(list: readonly OrderedSeries[], at: number): string {
  const { source, seriesId } = must(list[at], 'a run is of the list');
  return source.seriesKey(seriesId);
}
