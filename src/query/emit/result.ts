import type { TimeZone } from '../../base/time-zone.ts';
import type { Column } from '../column.ts';

/** What a statement answers, before it is written in one of the response formats (spec 4.1). */
export interface StatementResult {
  readonly statementId: number;
  readonly series: readonly OutputSeries[];
  readonly messages?: readonly ResultMessage[];
  readonly error?: string;
  readonly partial?: boolean;
  /** The error is an answer: statements behind this one run. */
  readonly goesOn?: boolean;
  /** In a chunked answer all of its series are one chunk. */
  readonly isWhole?: boolean;
}

export interface ResultMessage {
  readonly level: string;
  readonly text: string;
}

export type OutputSeries = RowSeries | ColumnSeries;

export type Cell = string | number | bigint | boolean | null | readonly string[];

interface SeriesHead {
  readonly name?: string;
  /** Sorted by key; absent without GROUP BY tags. */
  readonly tags?: readonly (readonly [key: string, value: string])[] | undefined;
  readonly columns: readonly string[];
  readonly partial?: boolean | undefined;
}

/** The few rows of a SHOW statement. Cells of column `time` are int64 nanoseconds. */
export interface RowSeries extends SeriesHead {
  readonly kind: 'rows';
  readonly rows: readonly (readonly Cell[])[];
  /** True where the reference reads the rows with a SELECT, so that chunks cut them. */
  readonly isCut?: boolean;
}

/** The rows [start, end) of columns; `columns[0]` is the time, the others name `values`. */
export interface ColumnSeries extends SeriesHead {
  readonly kind: 'columns';
  readonly timesNs: BigInt64Array;
  readonly values: readonly Column[];
  readonly start: number;
  readonly end: number;
  /** Columns of `values` that are tags of a point when the row is written by INTO: those named inside of top(). */
  readonly pointTags?: readonly number[] | undefined;
  /** What stands where a text or a truth is missing: the number of fill(), as the reference has it. */
  readonly missing?: number | bigint | undefined;
  /** In which RFC3339 times are written; UTC without one. */
  readonly timeZone?: TimeZone | undefined;
}

export function rowCount(series: OutputSeries): number {
  return series.kind === 'rows' ? series.rows.length : series.end - series.start;
}

/** Whether chunks of an answer cut this series: rows of a SELECT they do, most rows of a SHOW they do not. */
export function isCut(series: OutputSeries): boolean {
  return series.kind === 'columns' || series.isCut === true;
}

/** The rows [start, end) of a series, counted from its own first row. */
export function sliceSeries(series: OutputSeries, start: number, end: number): OutputSeries {
  return series.kind === 'rows'
    ? { ...series, rows: series.rows.slice(start, end) }
    : { ...series, start: series.start + start, end: series.start + end };
}

/** Nanoseconds in one unit of the `epoch` parameter; undefined asks for RFC3339. Unknown units are ns (trap 50). */
export function epochUnitNs(epoch: string | undefined): bigint | undefined {
  switch (epoch) {
    case undefined:
    case '':
      return undefined;
    case 'u':
    case 'µ':
      return 1_000n;
    case 'ms':
      return 1_000_000n;
    case 's':
      return 1_000_000_000n;
    case 'm':
      return 60_000_000_000n;
    case 'h':
      return 3_600_000_000_000n;
    default:
      return 1n;
  }
}
