import type { PackedWindows } from '../../src/kernels/window-table.ts';
import type { ColumnFold } from '../../src/query/source.ts';

/** Summaries of windows as lists that compare: the words themselves, since two texts of a float may be one. */
export function shownWindows(all: readonly PackedWindows[]): unknown {
  return all.map(({ startsNs, counts, parts }) => [
    [...startsNs],
    [...counts],
    [...parts].map(([part, { buffer, valuesOffset, timesOffset }]) => [
      part,
      [...new BigUint64Array(buffer, valuesOffset, counts.length)],
      part === 'sum' ? [] : [...new BigInt64Array(buffer, timesOffset, counts.length)],
    ]),
  ]);
}

/** How many points all parts of a fold have; undefined when there is none. */
export function foldAll(fold: ColumnFold | undefined): number | undefined {
  if (fold === undefined) return undefined;
  let sum = 0;
  for (let count = fold.next(); count !== undefined; count = fold.next()) sum += count;
  return sum;
}
