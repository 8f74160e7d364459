import { assert } from '../../base/assert.ts';
import type { Column, ColumnType } from '../column.ts';
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
    case 'mean':
      return summary.sums && { type: 'float', values: means(summary.sums, summary.counts) };
    case 'min':
      return summary.mins?.values;
    case 'max':
      return summary.maxs?.values;
    case 'first':
      return summary.firsts?.values;
    case 'last':
      return summary.lasts?.values;
    case 'median':
    case 'percentile':
      return summary.ranked;
    case 'spread':
      return undefined;
  }
}

/** Without a value object for each: int64 sums are rounded to the nearest float first, as the reference does. */
function means({ type, values }: Column, counts: BigInt64Array): Float64Array {
  assert(type === 'float' || type === 'integer' || type === 'unsigned', 'sums are numbers');
  const out = new Float64Array(counts.length);
  const countWords = wordsOf(counts);
  if (type === 'float') {
    for (let i = 0; i < out.length; i++) out[i] = (values[i] ?? 0) / numberAt(countWords, i, true);
    return out;
  }
  const sumWords = wordsOf(values);
  const isSigned = type === 'integer';
  for (let i = 0; i < out.length; i++)
    out[i] = numberAt(sumWords, i, isSigned) / numberAt(countWords, i, true);
  return out;
}

function wordsOf({ buffer, byteOffset, length }: BigInt64Array | BigUint64Array): Int32Array {
  return new Int32Array(buffer, byteOffset, length * 2);
}

/** An int64 or a uint64 as the nearest float: both of its halves are exact, so that their sum is rounded once. */
function numberAt(words: Int32Array, i: number, isSigned: boolean): number {
  const high = words[i * 2 + 1] ?? 0;
  return (isSigned ? high : high >>> 0) * 2 ** 32 + ((words[i * 2] ?? 0) >>> 0);
}
