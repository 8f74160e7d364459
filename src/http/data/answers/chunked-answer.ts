import type { Buffer } from 'node:buffer';
import {
  piecesOf,
  sentBytes,
  type AnswerDocument,
  type AnswerPiece,
} from '../../../query/emit/answer-piece.ts';
import { isCut, rowCount, sliceSeries, type StatementResult } from '../../../query/emit/result.ts';
import type { Pacer } from '../../../query/run/pacer.ts';

/**
 * The documents of a chunked answer (spec 4.1), each with rows of one series. Those of a SELECT are cut by `rowsMax` and
 * say `partial` until the statement's last; what a SHOW answers comes series by series, uncut, as in the reference. A large
 * document leaves in parts.
 */
export async function* chunkedAnswer(
  results: AsyncIterable<StatementResult>,
  document: AnswerDocument,
  { rowsMax, pacer }: { readonly rowsMax: number; readonly pacer: Pacer },
): AsyncGenerator<Buffer> {
  let rows = 0;
  for await (const { isWhole = false, ...result } of results) {
    if (isWhole) {
      for (const piece of piecesOf(result)) {
        document.push(piece);
        await pacer.pause();
      }
      document.end();
      yield* document.take();
      continue;
    }
    for (const piece of piecesOf(result))
      for (const part of cutPiece(piece, rowsMax, rowsMax - rows)) {
        document.push(part);
        if (part.isResultOpen) {
          rows += rowsIn(part);
          if (document.lengthBytes >= sentBytes) yield* document.take();
        } else {
          rows = 0;
          document.end();
          yield* document.take();
        }
        await pacer.pause();
      }
  }
}

/** The parts of a piece; the result is open in those after which the document goes on. */
function* cutPiece(piece: AnswerPiece, rowsMax: number, left: number): Generator<AnswerPiece> {
  const { result } = piece;
  const series = result.series[0];
  if (series === undefined || !isCut(series) || rowCount(series) === 0) {
    const partial = series === undefined && piece.isResultOpen;
    const isOpen = piece.isSeriesOpen;
    yield { result: { ...result, partial }, isSeriesOpen: isOpen, isResultOpen: isOpen };
    return;
  }
  const count = rowCount(series);
  const { messages, ...rest } = result;
  for (let at = 0, room = left; at < count; room = rowsMax) {
    const end = Math.min(count, at + room);
    const goesOn = end < count || piece.isSeriesOpen;
    const isFull = end - at === room;
    const isOpen = goesOn && !isFull;
    const slice = { ...sliceSeries(series, at, end), partial: goesOn && isFull };
    const partial = !isOpen && (goesOn || piece.isResultOpen);
    const said = at === 0 && messages !== undefined ? { ...rest, messages } : rest;
    yield { result: { ...said, series: [slice], partial }, isSeriesOpen: isOpen, isResultOpen: isOpen }; // prettier-ignore
    at = end;
  }
}

function rowsIn({ result: { series } }: AnswerPiece): number {
  return series[0] === undefined ? 0 : rowCount(series[0]);
}
