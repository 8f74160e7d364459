import { cellValue } from '../../../src/query/exec/columns/column-builder.ts';
import type { OutputSeries } from '../../../src/query/emit/result.ts';
import { joinPieces } from '../../support/join-pieces.ts';

/** Sums that were added up in another order differ in their last digits. */
const relativeMax = 1e-9;

type Cells = readonly (readonly unknown[])[];

interface PlainSeries {
  readonly head: string;
  readonly rows: Cells;
}

/** How two answers differ, or undefined: every row in its place, floats to 1e-9 of their size. */
export function answersDiffer(
  left: readonly OutputSeries[] | string,
  right: readonly OutputSeries[] | string,
): string | undefined {
  if (typeof left === 'string' || typeof right === 'string')
    return left === right ? undefined : `${textOf(left)} is not ${textOf(right)}`;
  const [a, b] = [joinPieces(left).map(plain), joinPieces(right).map(plain)];
  if (a.length !== b.length) return `${a.length} series, not ${b.length}`;
  for (const [i, one] of a.entries()) {
    const other = b[i];
    if (one.head !== other?.head) return `series ${one.head}, not ${other?.head ?? ''}`;
    if (one.rows.length !== other.rows.length)
      return `${one.head}: ${one.rows.length} rows, not ${other.rows.length}`;
    const row = one.rows.findIndex((cells, at) => !cells.every((cell, c) => isSame(cell, other.rows[at]?.[c]))); // prettier-ignore
    if (row >= 0)
      return `${one.head}, row ${row}: ${String(one.rows[row])}, not ${String(other.rows[row])}`;
  }
  return undefined;
}

function textOf(answer: readonly OutputSeries[] | string): string {
  return typeof answer === 'string' ? answer : `${answer.length} series`;
}

function plain(series: OutputSeries): PlainSeries {
  const { name = '', tags = [], columns } = series;
  const head = JSON.stringify([name, tags, columns]);
  if (series.kind === 'rows') return { head, rows: series.rows };
  const { timesNs, values, start, end } = series;
  const rows = Array.from({ length: end - start }, (_, i) => [
    timesNs[start + i],
    ...values.map((column) => cellValue(column, start + i)),
  ]);
  return { head, rows };
}

function isSame(left: unknown, right: unknown): boolean {
  if (typeof left !== 'number' || typeof right !== 'number')
    return Array.isArray(left) ? JSON.stringify(left) === JSON.stringify(right) : left === right;
  if (Object.is(left, right) || left === right) return true;
  return Math.abs(left - right) <= relativeMax * Math.max(Math.abs(left), Math.abs(right));
}
