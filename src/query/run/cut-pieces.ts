import type { ColumnSeries } from '../emit/result.ts';
import { joinColumns } from '../emit/join-pieces.ts';

/** Pieces of `rowsMax` rows each, but for the last of a series, from pieces of any size. */
export async function* cutPieces(
  pieces: AsyncIterable<ColumnSeries>,
  rowsMax: number,
): AsyncGenerator<ColumnSeries> {
  let held: ColumnSeries[] = [];
  let heldRows = 0;
  for await (const piece of pieces) {
    held.push(piece);
    heldRows += piece.end - piece.start;
    const isLast = piece.partial !== true;
    // A full piece waits for the next row, which tells whether the series goes on.
    if (!isLast && heldRows <= rowsMax) continue;
    let whole = joinColumns(held);
    while (whole.end - whole.start > rowsMax) {
      yield { ...whole, end: whole.start + rowsMax, partial: true };
      whole = { ...whole, start: whole.start + rowsMax };
    }
    held = [];
    heldRows = 0;
    if (isLast) yield { ...whole, partial: undefined };
    else {
      held.push(whole);
      heldRows = whole.end - whole.start;
    }
  }
}
