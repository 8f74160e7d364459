/**
 * The first or the last row of a series by what the index of one file says, several fields at once: blocks are read for values that
 * are not known yet alone.
 */
import type { EndValue } from '../tsm/known-ends.ts';
import type { TsmColumn } from '../tsm/tsm-column.ts';
import type { TsmFile } from '../tsm/tsm-file.ts';
import type { CursorArena } from './columns/run-cursor.ts';
import type { TimeBounds } from './memtable/shape-table.ts';
import { columnEnd } from './series-end.ts';

export interface FileEndRequest extends TimeBounds {
  readonly ascending: boolean;
  readonly fieldCount: number;
  /** Fields in the order of their keys. */
  readonly order: readonly number[];
  /** The key in the file of a field, by its place; it holds until the next one. */
  readonly keyOf: (field: number) => Uint8Array;
}

export interface EndRowValues {
  readonly timeNs: bigint;
  /** By place of the field; undefined where the row has none. */
  readonly values: readonly (EndValue | undefined)[];
}

/**
 * 'absent' when the file has none of the fields; undefined when that row is not told by the index: something is deleted, or the
 * bounds are within the times of the file.
 */
export function fileEndRow(
  file: TsmFile,
  { ascending, fieldCount, order, keyOf, minTimeNs, maxTimeNs }: FileEndRequest,
  arena: CursorArena,
): EndRowValues | 'absent' | undefined {
  const columns = new Array<TsmColumn | undefined>(fieldCount).fill(undefined);
  let rowNs: bigint | undefined;
  for (let kind = 0; kind < order.length; kind++) {
    const field = order[kind] ?? 0;
    const key = keyOf(field);
    const column = file.column(key, kind);
    if (column === undefined || column.count === 0) continue;
    if (file.deletedRanges(key).length > 0) return undefined;
    const timeNs = column.endTimeNs(ascending);
    if (timeNs < minTimeNs || timeNs > maxTimeNs) return undefined;
    if (rowNs === undefined || (ascending ? timeNs < rowNs : timeNs > rowNs)) rowNs = timeNs;
    columns[field] = column;
  }
  if (rowNs === undefined) return 'absent';
  const values = new Array<EndValue | undefined>(fieldCount).fill(undefined);
  for (let field = 0; field < fieldCount; field++) {
    const column = columns[field];
    if (column?.endTimeNs(ascending) === rowNs)
      values[field] = columnEnd(file, column, { isFirst: ascending, arena });
  }
  return { timeNs: rowNs, values };
}
