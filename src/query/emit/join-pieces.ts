import type { Column } from '../column.ts';
import { ColumnBuilder } from '../exec/column-builder.ts';
import type { ColumnSeries, OutputSeries } from './result.ts';

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

function joinColumns(pieces: readonly ColumnSeries[]): OutputSeries {
  const [first] = pieces;
  if (first === undefined || pieces.length === 1)
    return first ?? { kind: 'rows', columns: [], rows: [] };
  const count = pieces.reduce((sum, piece) => sum + piece.end - piece.start, 0);
  const timesNs = new BigInt64Array(count);
  let at = 0;
  for (const piece of pieces) {
    timesNs.set(piece.timesNs.subarray(piece.start, piece.end), at);
    at += piece.end - piece.start;
  }
  const values = first.values.map((column, c): Column => {
    const builder = new ColumnBuilder(column.type, count);
    for (const piece of pieces) {
      const from = piece.values[c];
      for (let row = piece.start; row < piece.end; row++)
        if (from === undefined) builder.pushNull();
        else builder.pushFrom(from, row);
    }
    return builder.finish();
  });
  return { ...first, timesNs, values, start: 0, end: count, partial: undefined };
}
