import { must } from '../../base/assert.ts';
import type { Column, ColumnType } from '../column.ts';
import { cellValue } from '../exec/column-builder.ts';
import { valuesColumn } from '../exec/window-accumulator.ts';
import type { WindowSummary } from '../fragment.ts';
import { callValue, type CallName } from './calls.ts';

/** A call's results in all windows of a summary. */
export function resultColumn(call: CallName, summary: WindowSummary, type: ColumnType): Column {
  const whole = wholeColumn(call, summary);
  if (whole?.type === type) return whole;
  const values = Array.from(summary.startsNs, (_, i) => callValue(call, summary, i));
  return valuesColumn(type, values);
}

/** A call's results in all windows of the summary; undefined where callValue() has to be asked one by one. */
function wholeColumn(call: CallName, summary: WindowSummary): Column | undefined {
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
