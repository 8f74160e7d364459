/** Turns the rows of one series and field, possibly of several shapes, into a run. */
import { must } from '../../base/assert.ts';
import { FieldType } from '../../models/field-value.ts';
import { type ColumnRun, emptyColumn, gatherTexts } from './column-run.ts';
import type { ShapeTable } from './shape-table.ts';

export interface ShapeRows {
  readonly table: ShapeTable;
  readonly column: number;
  readonly seriesId: number;
  /** Rows of the table that the view sees. */
  readonly rowsMax: number;
}

interface Reference {
  readonly part: ShapeRows;
  readonly row: number;
  readonly timeNs: bigint;
  readonly sequence: number;
}

/** Sorts by time and keeps the last arrival of each time. */
export function readRows(parts: readonly ShapeRows[]): ColumnRun {
  const [part, ...others] = parts;
  return part !== undefined && others.length === 0 ? readOne(part) : readAndSort(parts);
}

/** Rows of one shape, as most series have: copied without a value for each. */
function readOne({ table, column, seriesId, rowsMax }: ShapeRows): ColumnRun {
  const { type } = must(table.fields[column], 'the column is there');
  const { rows, timesNs } = table.inTime(seriesId, rowsMax);
  if (type !== FieldType.string) return { type, timesNs, values: table.copyValues(column, rows) };
  const textAt = (i: number) => table.text(column, rows[i] ?? 0);
  return { type, timesNs, values: gatherTexts(rows.length, textAt) };
}

function readAndSort(parts: readonly ShapeRows[]): ColumnRun {
  const all = parts.flatMap((part) =>
    part.table.rowsOf(part.seriesId, part.rowsMax).map((row) => ({
      part,
      row,
      timeNs: part.table.timeNs(row),
      sequence: part.table.sequence(row),
    })),
  );
  if (!isAscending(all)) all.sort(compareReferences);
  const kept = all.filter((one, i) => one.timeNs !== all[i + 1]?.timeNs);
  const timesNs = BigInt64Array.from(kept, (one) => one.timeNs);
  const { table, column } = must(parts[0], 'there are rows');
  const { type } = must(table.fields[column], 'the column is there');
  if (type === FieldType.string) {
    const textAt = (i: number) => {
      const { part, row } = must(kept[i], 'the row was kept');
      return part.table.text(part.column, row);
    };
    return { type, timesNs, values: gatherTexts(kept.length, textAt) };
  }
  const values = emptyColumn(type, kept.length);
  kept.forEach(({ part, row }, i) => {
    values[i] = part.table.value(part.column, row);
  });
  return { type, timesNs, values };
}

function isAscending(all: readonly Reference[]): boolean {
  return all.every((one, i) => i === 0 || (all[i - 1]?.timeNs ?? 0n) < one.timeNs);
}

function compareReferences(left: Reference, right: Reference): number {
  if (left.timeNs !== right.timeNs) return left.timeNs < right.timeNs ? -1 : 1;
  return left.sequence - right.sequence;
}
