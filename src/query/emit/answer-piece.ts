import { rowCount, sliceSeries, type OutputSeries, type StatementResult } from './result.ts';

/**
 * A part of an answer on its way into a document: a result with at most one series. What is open goes on with the next
 * piece; `partial` of the result and of its series are what the document is to say of them.
 */
export interface AnswerPiece {
  readonly result: StatementResult;
  readonly isSeriesOpen: boolean;
  readonly isResultOpen: boolean;
}

/** A document of one of the formats, written piece by piece: memory for what was not taken yet, whatever the answer's size. */
export interface AnswerDocument {
  /** Bytes that `take` would give. */
  readonly lengthBytes: number;
  push(piece: AnswerPiece): void;
  /** Closes the document; the next piece begins another. */
  end(): void;
  take(): readonly Buffer[];
}

/** Bytes of an answer that leave together: the system takes such a piece at once, and it shows whether it did. */
export const sentBytes = 65_536;

/** Cells that are written in one go: about a millisecond's work. */
const cellsAtOnce = 8_192;

/**
 * The pieces of a result in which `partial` says, as the executor means it, that more of the statement or of the series
 * comes with the next result. Messages go with the first piece, an error with the last.
 */
export function piecesOf(result: StatementResult): Iterable<AnswerPiece> {
  const { statementId, series, messages, error, partial } = result;
  const [only] = series;
  // Most series are a few rows, and an answer has many of them.
  if (only === undefined || series.length > 1 || only.partial === true || rowCount(only) > rowsAtOnce(only)) return cutPieces(result); // prettier-ignore
  const said = { statementId, series, ...(messages !== undefined && { messages }), ...(error !== undefined && { error }) }; // prettier-ignore
  return [{ result: said, isSeriesOpen: false, isResultOpen: partial === true }];
}

function rowsAtOnce({ columns }: OutputSeries): number {
  return Math.max(1, Math.floor(cellsAtOnce / columns.length));
}

function* cutPieces(result: StatementResult): Generator<AnswerPiece> {
  const { partial, ...said } = result;
  const { statementId, series: all, messages, error } = said;
  const goesOn = partial === true;
  const first = all[0];
  if (first === undefined) {
    yield { result: said, isSeriesOpen: false, isResultOpen: goesOn };
    return;
  }
  for (const [i, series] of all.entries()) {
    const count = rowCount(series);
    const step = rowsAtOnce(series);
    let at = 0;
    do {
      const end = Math.min(count, at + step);
      const isSeriesOpen = end < count || series.partial === true;
      const isLast = end === count && i === all.length - 1;
      const slice = { ...sliceSeries(series, at, end), partial: undefined };
      yield {
        result: {
          statementId,
          series: [slice],
          ...(at === 0 && series === first && messages !== undefined && { messages }),
          ...(isLast && error !== undefined && { error }),
        },
        isSeriesOpen,
        isResultOpen: goesOn || !isLast,
      };
      at = end;
    } while (at < count);
  }
}
