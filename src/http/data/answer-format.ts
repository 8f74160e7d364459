import type { Buffer } from 'node:buffer';
import { CsvWriter } from '../../query/emit/csv-writer.ts';
import { indentJson, writeJson } from '../../query/emit/json-writer.ts';
import {
  isCut,
  rowCount,
  sliceSeries,
  type OutputSeries,
  type StatementResult,
} from '../../query/emit/result.ts';
import { acceptedType } from './accepted-type.ts';

export interface AnswerFormat {
  readonly contentType: string;
  write(results: readonly StatementResult[]): Buffer;
}

/** JSON, or CSV when asked for (spec 4.1). `epochUnitNs` undefined writes RFC3339; CSV then writes nanoseconds. */
export function answerFormat(
  accept: string,
  options: { readonly epochUnitNs: bigint | undefined; readonly pretty: boolean },
): AnswerFormat {
  const { epochUnitNs, pretty } = options;
  const contentType = acceptedType(accept);
  if (contentType !== 'application/json') {
    const csv = new CsvWriter(epochUnitNs ?? 1n);
    return { contentType, write: (results) => csv.write(results) };
  }
  return {
    contentType,
    write: (results) => {
      const compact = writeJson(results, { epochUnitNs });
      return pretty ? indentJson(compact) : compact;
    },
  };
}

/**
 * The documents of a chunked answer, each with rows of one series. Those of a SELECT are cut by `rowsMax` and say
 * `partial` until the statement's last; what a SHOW answers comes series by series, uncut, as in the reference.
 */
export function* chunksOf(result: StatementResult, rowsMax: number): Generator<StatementResult> {
  const slices = result.series.flatMap((series) => slicesOf(series, rowsMax));
  if (slices.length === 0) {
    yield result;
    return;
  }
  const { messages, ...rest } = result;
  for (const [i, series] of slices.entries()) {
    const isLast = i === slices.length - 1 || !isCut(series);
    yield {
      ...rest,
      ...(i === 0 && messages !== undefined && { messages }),
      series: [series],
      ...(!isLast && { partial: true }),
    };
  }
}

/**
 * The first `rowsMax` rows of all series together; the series that is cut says so, and what comes after it is left out
 * (spec 4.1). The statement says it too when more of its series follow, unless the first was the one, as the reference.
 */
export function limitRows(
  results: readonly StatementResult[],
  rowsMax: number,
): readonly StatementResult[] {
  if (rowsMax <= 0) return results;
  const kept: StatementResult[] = [];
  let left = rowsMax;
  for (const result of results) {
    if (left === 0) return kept;
    const series: OutputSeries[] = [];
    for (const one of result.series) {
      const count = rowCount(one);
      if (left === 0) break;
      series.push(count <= left ? one : { ...sliceSeries(one, 0, left), partial: true });
      left -= Math.min(left, count);
    }
    const more = result.series[series.length];
    const partial = more !== undefined && isCut(more) && series.length > 1;
    kept.push({ ...result, series, ...(partial && { partial: true }) });
  }
  return kept;
}

function slicesOf(series: OutputSeries, rowsMax: number): readonly OutputSeries[] {
  const count = rowCount(series);
  if (count <= rowsMax || !isCut(series)) return [series];
  const slices: OutputSeries[] = [];
  for (let start = 0; start < count; start += rowsMax) {
    const end = Math.min(count, start + rowsMax);
    const slice = sliceSeries(series, start, end);
    slices.push(end < count ? { ...slice, partial: true } : slice);
  }
  return slices;
}
