import type { Buffer } from 'node:buffer';
import { CsvWriter, writeCsvError } from '../../query/emit/csv-writer.ts';
import { indentJson, writeJson } from '../../query/emit/json-writer.ts';
import { writeMessagePack, writeMessagePackError } from '../../query/emit/msgpack-writer.ts';
import {
  isCut,
  rowCount,
  sliceSeries,
  type OutputSeries,
  type StatementResult,
} from '../../query/emit/result.ts';
import { writeJsonError } from '../error-reply.ts';
import { acceptedType, type AnswerType } from './accepted-type.ts';

export interface AnswerFormat {
  readonly contentType: AnswerType;
  write(results: readonly StatementResult[]): Buffer;
  /** Of a request that failed before any statement ran. */
  writeError(text: string): Buffer;
}

/** JSON, or CSV or MessagePack when asked for (spec 4.1). `epochUnitNs` undefined is what a format writes of itself. */
export function answerFormat(
  accept: string,
  options: {
    readonly epochUnitNs: bigint | undefined;
    readonly isRfc3339?: boolean;
    readonly pretty: boolean;
  },
): AnswerFormat {
  const { epochUnitNs: unitNs, isRfc3339 = false, pretty } = options;
  const epochUnitNs = isRfc3339 ? undefined : unitNs;
  const contentType = acceptedType(accept);
  if (contentType === 'application/x-msgpack') {
    const write = (results: readonly StatementResult[]) =>
      writeMessagePack(results, isRfc3339 ? 'rfc3339' : epochUnitNs);
    return { contentType, write, writeError: writeMessagePackError };
  }
  if (contentType !== 'application/json') {
    const csv = new CsvWriter(isRfc3339 ? 'rfc3339' : (epochUnitNs ?? 1n));
    return { contentType, write: (results) => csv.write(results), writeError: writeCsvError };
  }
  const shaped = (compact: Buffer): Buffer => (pretty ? indentJson(compact) : compact);
  return {
    contentType,
    write: (results) => shaped(writeJson(results, { epochUnitNs })),
    writeError: (text) => shaped(writeJsonError(text)),
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
