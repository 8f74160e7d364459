import { cellValue } from '../../src/query/exec/columns/column-builder.ts';
import type { StatementResult } from '../../src/query/emit/result.ts';

/** An answer cell by cell, whatever its columns are made of. */
export function shownCells({ series, error }: StatementResult): unknown {
  const cells = series.map((one) => {
    if (one.kind !== 'columns') throw new Error('columns expected');
    const { name, tags, timesNs, values, start, end } = one;
    const rows = Array.from({ length: end - start }, (_, i) => start + i);
    return [name, tags, rows.map((row) => [timesNs[row], ...values.map((column) => cellValue(column, row))])]; // prettier-ignore
  });
  return { cells, error };
}
