import type { AnswerPiece } from './answer-piece.ts';
import { isCut, rowCount, sliceSeries } from './result.ts';

/** Cuts the rows of a SELECT into the documents of a chunked answer, each with rows of one series, `rowsMax` at the most. */
export class ChunkCutter {
  readonly #rowsMax: number;
  /** Of the document at hand. */
  #rows = 0;

  constructor(rowsMax: number) {
    this.#rowsMax = rowsMax;
  }

  /** The parts of a piece: a document ends with each whose result is not open. */
  *cut(piece: AnswerPiece): Generator<AnswerPiece> {
    for (const part of cutPiece(piece, this.#rowsMax, this.#rowsMax - this.#rows)) {
      this.#rows = part.isResultOpen ? this.#rows + rowsIn(part) : 0;
      yield part;
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
