import type { Buffer } from 'node:buffer';
import { isDbError } from '../../base/errors.ts';
import { ByteWriter } from './byte-writer.ts';
import { integerCells, jsonCells } from './cell-writers.ts';
import {
  rowCount,
  type Cell,
  type ColumnSeries,
  type OutputSeries,
  type RowSeries,
  type StatementResult,
} from './result.ts';

/** Options of the JSON forms; `epochUnitNs` undefined writes RFC3339. */
export interface JsonOptions {
  readonly epochUnitNs: bigint | undefined;
}

/** `{"results":[...]}` and a newline, as the reference writes it (spec 4.1). */
export function writeJson(results: readonly StatementResult[], options: JsonOptions): Buffer {
  try {
    return writeDocument(results, options);
  } catch (error) {
    // A float that JSON cannot say makes the whole document an error, as in the reference.
    if (!isDbError(error, 'invalid_argument')) throw error;
    const writer = new ByteWriter(headBytes);
    writer.ascii('{"error":');
    writer.jsonString(error.message);
    writer.ascii('}\n');
    return writer.take();
  }
}

function writeDocument(results: readonly StatementResult[], options: JsonOptions): Buffer {
  const writer = new ByteWriter(estimatedBytes(results));
  if (results.length === 0) {
    writer.ascii('{}\n');
    return writer.take();
  }
  writer.ascii('{"results":[');
  results.forEach((result, i) => {
    if (i > 0) writer.byte(44);
    writeResult(writer, result, options);
  });
  writer.ascii(']}\n');
  return writer.take();
}

const headBytes = 1_024;
const cellBytes = 12;

/** About what the document takes, so that it is written in one piece of memory. */
function estimatedBytes(results: readonly StatementResult[]): number {
  const cells = results.reduce(
    (sum, { series }) =>
      sum + series.reduce((part, one) => part + rowCount(one) * one.columns.length, 0),
    0,
  );
  return headBytes + cells * cellBytes;
}

function writeResult(writer: ByteWriter, result: StatementResult, options: JsonOptions): void {
  writer.ascii(`{"statement_id":${result.statementId}`);
  if (result.series.length > 0) {
    writer.ascii(',"series":[');
    result.series.forEach((series, i) => {
      if (i > 0) writer.byte(44);
      writeSeries(writer, series, options);
    });
    writer.byte(93);
  }
  if (result.messages !== undefined && result.messages.length > 0) {
    writer.ascii(',"messages":[');
    result.messages.forEach((message, i) => {
      writer.ascii(i > 0 ? ',{"level":' : '{"level":');
      writer.jsonString(message.level);
      writer.ascii(',"text":');
      writer.jsonString(message.text);
      writer.byte(125);
    });
    writer.byte(93);
  }
  if (result.partial === true) writer.ascii(',"partial":true');
  if (result.error !== undefined) {
    writer.ascii(',"error":');
    writer.jsonString(result.error);
  }
  writer.byte(125);
}

function writeSeries(writer: ByteWriter, series: OutputSeries, options: JsonOptions): void {
  writer.byte(123);
  if (series.name !== undefined && series.name !== '') {
    writer.ascii('"name":');
    writer.jsonString(series.name);
    writer.byte(44);
  }
  if (series.tags !== undefined && series.tags.length > 0) {
    writer.ascii('"tags":{');
    series.tags.forEach(([key, value], i) => {
      if (i > 0) writer.byte(44);
      writer.jsonString(key);
      writer.byte(58);
      writer.jsonString(value);
    });
    writer.ascii('},');
  }
  writer.ascii('"columns":[');
  series.columns.forEach((column, i) => {
    if (i > 0) writer.byte(44);
    writer.jsonString(column);
  });
  writer.byte(93);
  if (series.kind === 'rows') writeRows(writer, series, options);
  else writeColumns(writer, series, options);
  if (series.partial === true) writer.ascii(',"partial":true');
  writer.byte(125);
}

function writeRows(writer: ByteWriter, series: RowSeries, options: JsonOptions): void {
  if (series.rows.length === 0) return;
  writer.ascii(',"values":[');
  const timeAt = series.columns.indexOf('time');
  series.rows.forEach((row, r) => {
    writer.ascii(r > 0 ? ',[' : '[');
    row.forEach((cell, c) => {
      if (c > 0) writer.byte(44);
      if (c === timeAt && typeof cell === 'bigint') writeTime(writer, cell, options.epochUnitNs);
      else writeCell(writer, cell);
    });
    writer.byte(93);
  });
  writer.byte(93);
}

function writeCell(writer: ByteWriter, cell: Cell): void {
  if (cell === null) writer.ascii('null');
  else if (typeof cell === 'string') writer.jsonString(cell);
  else if (typeof cell === 'number') writer.float(cell);
  else if (typeof cell === 'bigint') writer.integer(cell);
  else if (typeof cell === 'boolean') writer.ascii(cell ? 'true' : 'false');
  else {
    writer.byte(91);
    cell.forEach((text, i) => {
      if (i > 0) writer.byte(44);
      writer.jsonString(text);
    });
    writer.byte(93);
  }
}

function writeColumns(writer: ByteWriter, series: ColumnSeries, options: JsonOptions): void {
  if (series.end === series.start) return;
  const { timesNs, values, timeZone, missing } = series;
  const { epochUnitNs } = options;
  writer.ascii(',"values":[');
  const cells = values.map((column) => jsonCells(writer, column, missing));
  const nanoseconds = epochUnitNs === 1n ? integerCells(writer, timesNs) : undefined;
  for (let row = series.start; row < series.end; row++) {
    if (row > series.start) writer.byte(44);
    writer.byte(91);
    if (nanoseconds !== undefined) nanoseconds(row);
    else if (epochUnitNs === undefined && timeZone !== undefined) {
      writer.byte(34);
      writer.timestampIn(timesNs[row] ?? 0n, timeZone);
      writer.byte(34);
    } else writeTime(writer, timesNs[row] ?? 0n, epochUnitNs);
    for (const write of cells) {
      writer.byte(44);
      write(row);
    }
    writer.byte(93);
  }
  writer.byte(93);
}

function writeTime(writer: ByteWriter, timeNs: bigint, unitNs: bigint | undefined): void {
  if (unitNs === undefined) {
    writer.byte(34);
    writer.timestamp(timeNs);
    writer.byte(34);
  } else writer.integer(unitNs === 1n ? timeNs : timeNs / unitNs);
}

/** The same document indented by four spaces, as `pretty=true` asks; a line break at the end is kept. */
export function indentJson(compact: Uint8Array): Buffer {
  const writer = new ByteWriter(compact.length * 2);
  let depth = 0;
  const lineBreak = (): void => {
    writer.byte(10);
    for (let i = 0; i < depth; i++) writer.ascii('    ');
  };
  for (let i = 0; i < compact.length; i++) {
    const code = compact[i] ?? 0;
    if (code === 34) {
      const end = stringEnd(compact, i);
      writer.raw(compact, i, end);
      i = end - 1;
    } else if (code === 123 || code === 91) {
      writer.byte(code);
      const closing = compact[i + 1];
      if (closing === 125 || closing === 93) {
        writer.byte(closing);
        i++;
      } else {
        depth++;
        lineBreak();
      }
    } else if (code === 125 || code === 93) {
      depth--;
      lineBreak();
      writer.byte(code);
    } else if (code === 44) {
      writer.byte(code);
      lineBreak();
    } else if (code === 58) writer.ascii(': ');
    else writer.byte(code);
  }
  return writer.take();
}

function stringEnd(bytes: Uint8Array, start: number): number {
  let i = start + 1;
  while (i < bytes.length && bytes[i] !== 34) i += bytes[i] === 92 ? 2 : 1;
  return i + 1;
}
