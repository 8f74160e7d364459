import { must } from '../../src/base/assert.ts';
import { sliceColumn } from '../../src/query/exec/columns/column-builder.ts';
import { concatColumns } from '../../src/query/exec/columns/concat-columns.ts';
import type { ColumnSeries, OutputSeries } from '../../src/query/emit/result.ts';

/** The pieces of each series as one, for the answers that are not chunked. */
export function joinPieces(pieces: readonly OutputSeries[]): readonly OutputSeries[] {
  const joined: OutputSeries[] = [];
  let open: ColumnSeries[] = [];
  for (const piece of pieces) {
    if (piece.kind === 'rows') {
      joined.push(piece);
      continue;
    }
    open.push(piece);
    if (piece.partial === true) continue;
    joined.push(joinColumns(open));
    open = [];
  }
  if (open.length > 0) joined.push(joinColumns(open));
  return joined;
}

/** Pieces of one series as one; there has to be one. */
function joinColumns(pieces: readonly ColumnSeries[]): ColumnSeries {
  const first = must(pieces[0], 'a piece');
  if (pieces.length === 1) return first;
  const count = pieces.reduce((sum, piece) => sum + piece.end - piece.start, 0);
  const timesNs = new BigInt64Array(count);
  let at = 0;
  for (const piece of pieces) {
    timesNs.set(piece.timesNs.subarray(piece.start, piece.end), at);
    at += piece.end - piece.start;
  }
  const values = first.values.map(({ type }, c) => {
    const parts = pieces.flatMap((piece) => {
      const column = piece.values[c];
      return column === undefined ? [] : [sliceColumn(column, piece.start, piece.end)];
    });
    return concatColumns(type, parts);
  });
  return { ...first, timesNs, values, start: 0, end: count, partial: undefined };
}
