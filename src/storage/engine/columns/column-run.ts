/**
 * A run: values of one series and field in ascending time order, each time once. The currency between memtable, TSM
 * blocks and cursors.
 */
import { assert } from '../../../base/assert.ts';
import { DbError } from '../../../base/errors.ts';
import { lowerBound } from '../../../base/lower-bound.ts';
import { FieldType } from '../../../models/field-value.ts';
import type { BatchColumn } from '../../../models/point-batch.ts';

export interface ColumnRun {
  readonly type: FieldType;
  readonly timesNs: BigInt64Array;
  readonly values: BatchColumn;
}

export function emptyColumn(
  type: FieldType,
  rowCount: number,
): Exclude<BatchColumn, { offsets: unknown }> {
  switch (type) {
    case FieldType.float:
      return new Float64Array(rowCount);
    case FieldType.integer:
      return new BigInt64Array(rowCount);
    case FieldType.unsigned:
      return new BigUint64Array(rowCount);
    default:
      return new Uint8Array(rowCount);
  }
}

/** A value where kernels have it, texts aside. */
export function valueAt(type: FieldType, view: DataView, at: number): number | bigint | boolean {
  if (type === FieldType.float) return view.getFloat64(at, true);
  if (type === FieldType.boolean) return view.getUint8(at) === 1;
  return type === FieldType.integer ? view.getBigInt64(at, true) : view.getBigUint64(at, true);
}

/** The rows of a run whose times lie within the inclusive bounds. */
export function clipRun(run: ColumnRun, minTimeNs: bigint, maxTimeNs: bigint): ColumnRun {
  const start = lowerBound(run.timesNs, minTimeNs);
  const end = lowerBound(run.timesNs, maxTimeNs + 1n);
  return start === 0 && end === run.timesNs.length ? run : sliceRun(run, start, end);
}

export function sliceRun(run: ColumnRun, start: number, end: number): ColumnRun {
  const { type, values } = run;
  return {
    type,
    timesNs: run.timesNs.subarray(start, end),
    values:
      'offsets' in values
        ? { offsets: values.offsets.subarray(start, end + 1), bytes: values.bytes }
        : values.subarray(start, end),
  };
}

/** Merges runs of one type; of equal times the value of the later run in the list counts. */
export function mergeRuns(runs: readonly ColumnRun[]): ColumnRun {
  const [first, ...rest] = runs;
  assert(first !== undefined, 'there is a run to merge');
  return rest.reduce((merged, run) => mergeTwo(merged, run), first);
}

function mergeTwo(older: ColumnRun, newer: ColumnRun): ColumnRun {
  // As files from elsewhere may have it, which no compaction brings together either.
  if (older.type !== newer.type) throw new DbError('corrupt', 'files have a field in two types');
  const limit = older.timesNs.length + newer.timesNs.length;
  // Positive: row of the older run + 1; negative: row of the newer one + 1.
  const picks = new Int32Array(limit);
  let count = 0;
  let i = 0;
  let j = 0;
  while (i < older.timesNs.length || j < newer.timesNs.length) {
    const a = older.timesNs[i];
    const b = newer.timesNs[j];
    if (b === undefined || (a !== undefined && a < b)) picks[count++] = ++i;
    else {
      if (a === b) i++;
      picks[count++] = -++j;
    }
  }
  const timesNs = new BigInt64Array(count);
  for (let k = 0; k < count; k++) {
    const pick = picks[k] ?? 0;
    timesNs[k] = (pick > 0 ? older.timesNs[pick - 1] : newer.timesNs[-pick - 1]) ?? 0n;
  }
  const values = pickValues(older, newer, picks.subarray(0, count));
  return { type: older.type, timesNs, values };
}

function pickValues(older: ColumnRun, newer: ColumnRun, picks: Int32Array): BatchColumn {
  const a = older.values;
  const b = newer.values;
  if ('offsets' in a || 'offsets' in b) {
    assert('offsets' in a && 'offsets' in b, 'both runs hold texts');
    return gatherTexts(picks.length, (row) => {
      const pick = picks[row] ?? 0;
      const [column, from] = pick > 0 ? [a, pick - 1] : [b, -pick - 1];
      return column.bytes.subarray(column.offsets[from], column.offsets[from + 1]);
    });
  }
  const values = emptyColumn(older.type, picks.length);
  for (let k = 0; k < picks.length; k++) {
    const pick = picks[k] ?? 0;
    values[k] = (pick > 0 ? a[pick - 1] : b[-pick - 1]) as never;
  }
  return values;
}

export function gatherTexts(count: number, textAt: (row: number) => Uint8Array): BatchColumn {
  const offsets = new Uint32Array(count + 1);
  for (let k = 0; k < count; k++) offsets[k + 1] = (offsets[k] ?? 0) + textAt(k).length;
  const bytes = new Uint8Array(offsets[count] ?? 0);
  for (let k = 0; k < count; k++) bytes.set(textAt(k), offsets[k]);
  return { offsets, bytes };
}
