import { must } from '../../base/assert.ts';
import type { Column, ColumnType } from '../column.ts';
import { cellValue } from '../exec/column-builder.ts';
import { pickRows } from '../exec/pick-rows.ts';
import { valuesColumn } from '../exec/window-accumulator.ts';
import type { WindowSummary } from '../fragment.ts';
import { callType, callValue, type CallName } from './calls.ts';
import { fillColumn, type Fill } from './fill.ts';

/** Which windows stand in the rows of an answer. */
export interface RowsOfWindows {
  /** All rows, ascending: the window of each, -1 for none. */
  readonly windows: Int32Array;
  /** Those of the answer, in its order. */
  readonly rows: readonly number[] | undefined;
  readonly fill: Fill;
  readonly ascending: boolean;
}

/** The results of a call over a field of `fieldType`, in the rows of an answer. */
export function callColumn(
  call: CallName,
  summary: WindowSummary,
  fieldType: ColumnType,
  { windows, rows, fill, ascending }: RowsOfWindows,
): Column {
  const type = callType(call, fieldType);
  const isEmpty = summary.startsNs.length === 0;
  if (isEmpty || fill.kind === 'none' || (fill.kind === 'null' && call !== 'count')) {
    const wanted = rows === undefined ? windows : Int32Array.from(rows, (row) => windows[row] ?? -1); // prettier-ignore
    const whole = resultColumn(call, summary);
    if (whole?.type === type) return pickRows(whole, wanted);
    const values = Array.from(wanted, (i) => (i < 0 ? null : callValue(call, summary, i)));
    return valuesColumn(type, values);
  }
  const values = Array.from(windows, (i) => (i < 0 ? null : callValue(call, summary, i)));
  const asked: Fill =
    call === 'count' && fill.kind === 'null' ? { kind: 'number', value: 0 } : fill;
  const filled = fillColumn(values, type, asked, ascending);
  return valuesColumn(type, rows?.map((row) => filled[row] ?? null) ?? filled);
}

/** A call's results in all windows of the summary; undefined where callValue() has to be asked one by one. */
function resultColumn(call: CallName, summary: WindowSummary): Column | undefined {
  switch (call) {
    case 'count':
      return { type: 'integer', values: summary.counts };
    case 'sum':
      return summary.sums;
    case 'mean': {
      const { sums, counts } = summary;
      if (sums === undefined) return undefined;
      const values = Float64Array.from(counts, (count, i) => Number(must(cellValue(sums, i) ?? undefined, 'a window has its sum')) / Number(count)); // prettier-ignore
      return { type: 'float', values };
    }
    case 'min':
      return summary.mins?.values;
    case 'max':
      return summary.maxs?.values;
    case 'first':
      return summary.firsts?.values;
    case 'last':
      return summary.lasts?.values;
    case 'spread':
      return undefined;
  }
}
