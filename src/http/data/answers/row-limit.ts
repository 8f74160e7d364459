import type { AnswerPiece } from '../../../query/emit/answer-piece.ts';
import { isCut, rowCount, sliceSeries, type OutputSeries } from '../../../query/emit/result.ts';

/**
 * `max-row-limit` (spec 4.1): the first rows of all series of an answer together. The series that is cut says so, and what
 * comes after it is left out, statements too. A statement says it when more of its series follow, unless its first was
 * the one, as the reference.
 */
export class RowLimit {
  #left: number;
  #statementId = -1;
  #seriesCount = 0;
  #isInSeries = false;
  /** Undefined until the series after the last that was kept is known. */
  #isPartial: boolean | undefined;
  #isOver = false;

  constructor(rowsMax: number) {
    this.#left = rowsMax;
  }

  /** Whether nothing that comes can change the answer. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** What is kept of a piece. */
  keep(piece: AnswerPiece): AnswerPiece | undefined {
    const { statementId } = piece.result;
    if (this.#isOver) return undefined;
    if (statementId !== this.#statementId) {
      if (this.#left === 0) {
        this.#isOver = true;
        return undefined;
      }
      this.#statementId = statementId;
      this.#seriesCount = 0;
      this.#isInSeries = false;
      this.#isPartial = undefined;
    }
    const goesOn = this.#isInSeries;
    this.#isInSeries = piece.isSeriesOpen;
    const series = piece.result.series[0];
    if (series === undefined) return this.#said(piece);
    if (!goesOn && this.#left > 0) this.#seriesCount++;
    return this.#left === 0 ? this.#behind(piece, series, goesOn) : this.#within(piece, series);
  }

  #within(piece: AnswerPiece, series: OutputSeries): AnswerPiece {
    const count = rowCount(series);
    const isCutHere = count > this.#left || (count === this.#left && piece.isSeriesOpen);
    const kept = isCutHere ? { ...sliceSeries(series, 0, this.#left), partial: true } : series;
    this.#left -= Math.min(this.#left, count);
    // After the first series nothing that follows counts.
    this.#isOver = this.#left === 0 && this.#seriesCount === 1;
    return {
      result: { ...piece.result, series: [kept] },
      isSeriesOpen: piece.isSeriesOpen && !isCutHere,
      isResultOpen: piece.isResultOpen && !this.#isOver,
    };
  }

  #behind(piece: AnswerPiece, series: OutputSeries, goesOn: boolean): AnswerPiece | undefined {
    if (!goesOn) this.#isPartial ??= isCut(series);
    return piece.isResultOpen ? undefined : this.#said({ ...piece, result: { ...piece.result, series: [] } }); // prettier-ignore
  }

  #said(piece: AnswerPiece): AnswerPiece {
    return this.#isPartial === true ? { ...piece, result: { ...piece.result, partial: true } } : piece; // prettier-ignore
  }
}
