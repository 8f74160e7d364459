/** When the rows of a series begin, by what the index of files and memtables say: no block is read. */
import { isWithin } from './part-bounds.ts';
import { boundOf, isBeyond, type MemtableSeries, type RankedFile } from './series-end.ts';
import type { TimeBounds } from './memtable/shape-table.ts';

export interface FirstTimeRequest extends TimeBounds {
  readonly measurement: string;
  readonly ascending: boolean;
  readonly fields: readonly string[];
  /** Their places in the order of their keys. */
  readonly order: readonly number[];
  /** The key of a field in files; it holds until the next one. */
  readonly keyOf: (field: string) => Uint8Array;
}

/** Where it may begin, in the direction of reading. `files` are as rankFiles() has them. */
export function firstTime(
  request: FirstTimeRequest,
  { files, memtables }: { readonly files: readonly RankedFile[]; readonly memtables: readonly MemtableSeries[] }, // prettier-ignore
): bigint | undefined {
  const { ascending } = request;
  let first: bigint | undefined;
  const hear = (timeNs: bigint): void => {
    if (isBeyond(first, timeNs, ascending)) first = timeNs;
  };
  for (const { memtable, seriesId } of memtables) {
    const times = memtable.timesOf({ ...request, seriesId });
    if (times !== undefined) hear(ascending ? times.minTimeNs : times.maxTimeNs);
  }
  for (const { file } of files) {
    const { bounds } = file;
    if (bounds === undefined || !isWithin(bounds, request)) continue;
    if (first !== undefined && isBeyond(boundOf(file, ascending), first, ascending)) break;
    fileTimes(file, request, hear);
  }
  return first;
}

/** Tells the first times of fields in a file. */
function fileTimes(
  file: RankedFile['file'],
  { order, fields, keyOf, ...bounds }: FirstTimeRequest,
  hear: (timeNs: bigint) => void,
): void {
  const { ascending, minTimeNs, maxTimeNs } = bounds;
  for (let kind = 0; kind < order.length; kind++) {
    const column = file.column(keyOf(fields[order[kind] ?? 0] ?? ''), kind);
    if (column === undefined) continue;
    const [start, end] = column.within(bounds);
    if (start === end) continue;
    const entry = column.entry(ascending ? start : end - 1);
    if (ascending) hear(entry.minTimeNs > minTimeNs ? entry.minTimeNs : minTimeNs);
    else hear(entry.maxTimeNs < maxTimeNs ? entry.maxTimeNs : maxTimeNs);
  }
}
