import { Buffer } from 'node:buffer';
import { formatRfc3339, formatRfc3339In } from '../../base/rfc3339.ts';
import type { TimeZone } from '../../base/time-zone.ts';
import { isValid, type Column } from '../column.ts';
import { piecesOf, type AnswerDocument, type AnswerPiece } from './answer-piece.ts';
import { missingText, type CellWriter } from './cell-writers.ts';
import { PackWriter } from './pack-writer.ts';
import {
  rowCount,
  type Cell,
  type ColumnSeries,
  type OutputSeries,
  type ResultMessage,
  type RowSeries,
  type StatementResult,
} from './result.ts';

/** Nanoseconds of the unit of integers; undefined for the extension of times. */
export type PackTimes = bigint | 'rfc3339' | undefined;

/**
 * The MessagePack form (spec 4.1): the document of the JSON form with integers, floats, texts and booleans as they are.
 * Times are extension 5, 8 bytes of seconds and 4 of nanoseconds, or as asked for. A statement that failed has its error
 * alone. Floats that are not finite are nil: no client would take them for a number.
 */
export function writeMessagePack(results: readonly StatementResult[], times: PackTimes): Buffer {
  const document = new PackDocument(times);
  for (const result of results) for (const piece of piecesOf(result)) document.push(piece);
  document.end();
  return Buffer.concat(document.take());
}

/**
 * The MessagePack form piece by piece. Its lists begin with their lengths, so that nothing of it can be taken before
 * its end.
 */
export class PackDocument implements AnswerDocument {
  readonly #times: PackTimes;
  #results: PackedResult[] = [];
  /** Rows of the series that is open. */
  readonly #rows = new PackWriter();
  #rowParts: Buffer[] = [];
  #rowCount = 0;
  #ended: Buffer[] = [];

  constructor(times: PackTimes) {
    this.#times = times;
  }

  get lengthBytes(): number {
    return this.#ended.reduce((sum, { length }) => sum + length, 0);
  }

  push({ result, isSeriesOpen }: AnswerPiece): void {
    const last = this.#results[this.#results.length - 1];
    const isSame = last !== undefined && last.statementId === result.statementId;
    const packed = isSame ? last : this.#add(result.statementId);
    packed.messages.push(...(result.messages ?? []));
    packed.partial ||= result.partial === true;
    packed.error ??= result.error;
    for (const series of result.series) {
      if (series.kind === 'rows') writeRows(this.#rows, series, this.#times);
      else writeColumns(this.#rows, series, this.#times);
      this.#rowCount += rowCount(series);
      if (!isSeriesOpen) this.#closeSeries(packed, series);
      else if (this.#rows.lengthBytes >= partBytes) this.#rowParts.push(this.#rows.take());
    }
    if (result.error !== undefined) this.#dropRows();
  }

  end(): void {
    const writer = new PackWriter();
    writer.map(1);
    writer.text('results');
    writer.array(this.#results.length);
    for (const result of this.#results) {
      writeResultHead(writer, result);
      if (result.error !== undefined) continue;
      this.#ended.push(writer.take());
      for (const part of result.parts) this.#ended.push(part);
      if (result.partial) writePartial(writer);
    }
    this.#ended.push(writer.take());
    this.#results = [];
  }

  take(): readonly Buffer[] {
    const taken = this.#ended;
    this.#ended = [];
    return taken;
  }

  #closeSeries(packed: PackedResult, series: OutputSeries): void {
    const head = new PackWriter();
    writeHead(head, series, this.#rowCount);
    if (series.partial === true) writePartial(this.#rows);
    packed.seriesCount++;
    packed.parts.push(head.take());
    for (const part of this.#rowParts) packed.parts.push(part);
    packed.parts.push(this.#rows.take());
    this.#dropRows();
  }

  #dropRows(): void {
    this.#rows.take();
    this.#rowParts = [];
    this.#rowCount = 0;
  }

  #add(statementId: number): PackedResult {
    const added: PackedResult = { statementId, messages: [], parts: [], seriesCount: 0, partial: false, error: undefined }; // prettier-ignore
    this.#results.push(added);
    return added;
  }
}

/** Rows are gathered in memory of about so much at a time. */
const partBytes = 1 << 20;

interface PackedResult {
  readonly statementId: number;
  readonly messages: ResultMessage[];
  /** Its series, written. */
  readonly parts: Buffer[];
  seriesCount: number;
  partial: boolean;
  error: string | undefined;
}

/** The form of a request that failed before any statement ran. */
export function writeMessagePackError(text: string): Buffer {
  const writer = new PackWriter();
  writeError(writer, text);
  return writer.take();
}

function writeError(writer: PackWriter, text: string): void {
  writer.map(1);
  writer.text('error');
  writer.text(text);
}

/** All of a result but its series and what comes after them. */
function writeResultHead(
  writer: PackWriter,
  { statementId, seriesCount, messages, partial, error }: PackedResult,
): void {
  if (error !== undefined) {
    writeError(writer, error);
    return;
  }
  writer.map(2 + Number(messages.length > 0) + Number(partial));
  writer.text('statement_id');
  writer.integer(BigInt(statementId));
  if (messages.length > 0) {
    writer.text('messages');
    writer.array(messages.length);
    for (const { level, text } of messages) {
      writer.map(2);
      for (const part of ['level', level, 'text', text]) writer.text(part);
    }
  }
  writer.text('series');
  writer.array(seriesCount);
}

function writePartial(writer: PackWriter): void {
  writer.text('partial');
  writer.boolean(true);
}

/** All of a series but its rows and what comes after them. */
function writeHead(writer: PackWriter, series: OutputSeries, count: number): void {
  const { name = '', tags = [], columns, partial } = series;
  writer.map(2 + Number(name !== '') + Number(tags.length > 0) + Number(partial === true));
  if (name !== '') {
    writer.text('name');
    writer.text(name);
  }
  if (tags.length > 0) {
    writer.text('tags');
    writer.map(tags.length);
    for (const part of tags.flat()) writer.text(part);
  }
  writer.text('columns');
  writer.array(columns.length);
  for (const column of columns) writer.text(column);
  writer.text('values');
  writer.array(count);
}

function writeRows(writer: PackWriter, { rows, columns }: RowSeries, times: PackTimes): void {
  // prettier-ignore
  const timeAt = columns.indexOf('time');
  for (const row of rows) {
    writer.array(row.length);
    row.forEach((cell, c) => {
      if (c === timeAt && typeof cell === 'bigint') writeTime(writer, cell, times);
      else writeCell(writer, cell);
    });
  }
}

function writeCell(writer: PackWriter, cell: Cell): void {
  if (cell === null) writer.nil();
  else if (typeof cell === 'string') writer.text(cell);
  else if (typeof cell === 'number') writeNumber(writer, cell);
  else if (typeof cell === 'bigint') writer.integer(cell);
  else if (typeof cell === 'boolean') writer.boolean(cell);
  else {
    writer.array(cell.length);
    for (const text of cell) writer.text(text);
  }
}

/** Statements answer with ids, counts and sizes: whole numbers are integers, as the reference has them. */
function writeNumber(writer: PackWriter, value: number): void {
  if (Number.isSafeInteger(value)) writer.integer(BigInt(value));
  else writeFloat(writer, value);
}

function writeColumns(writer: PackWriter, series: ColumnSeries, times: PackTimes): void {
  const { timesNs, values, start, end, missing, timeZone } = series;
  const cells = values.map((column) => packedCells(writer, column, missing));
  for (let row = start; row < end; row++) {
    writer.array(values.length + 1);
    writeTime(writer, timesNs[row] ?? 0n, times, timeZone);
    for (const write of cells) write(row);
  }
}

function writeTime(writer: PackWriter, timeNs: bigint, times: PackTimes, zone?: TimeZone): void {
  if (times === undefined) writer.time(timeNs);
  else if (times === 'rfc3339')
    writer.text(zone === undefined ? formatRfc3339(timeNs) : formatRfc3339In(timeNs, zone));
  else writer.integer(timeNs / times);
}

function writeFloat(writer: PackWriter, value: number): void {
  if (!Number.isNaN(value)) writer.float(value);
  else writer.nil();
}

function packedCells(
  writer: PackWriter,
  column: Column,
  missing: ColumnSeries['missing'],
): CellWriter {
  const write = validCells(writer, column);
  if (column.valid === undefined) return write;
  const isShown = missingText(column, missing) !== undefined;
  return (row) => {
    if (isValid(column, row)) write(row);
    else if (!isShown) writer.nil();
    else if (typeof missing === 'bigint') writer.integer(missing);
    else writeFloat(writer, missing ?? 0);
  };
}

function validCells(writer: PackWriter, column: Column): CellWriter {
  switch (column.type) {
    case 'float': {
      const { values } = column;
      return (row) => writeFloat(writer, values[row] ?? 0);
    }
    case 'integer':
    case 'unsigned': {
      const { values } = column;
      return (row) => writer.integer(values[row] ?? 0n);
    }
    case 'boolean': {
      const { values } = column;
      return (row) => writer.boolean(values[row] === 1);
    }
    case 'string': {
      const { offsets, bytes } = column.values;
      return (row) => {
        const text = bytes.subarray(offsets[row] ?? 0, offsets[row + 1] ?? 0);
        writer.textBytes(text);
      };
    }
  }
}
