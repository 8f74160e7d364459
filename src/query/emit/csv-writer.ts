import { Buffer, isUtf8 } from 'node:buffer';
import { exactBytesOf } from '../../base/exact-text.ts';
import { formatRfc3339 } from '../../base/rfc3339.ts';
import { isValid, type Column } from '../column.ts';
import { missingText } from './cell-writers.ts';
import { ByteWriter, infinityText } from './byte-writer.ts';
import { piecesOf, type AnswerDocument, type AnswerPiece } from './answer-piece.ts';
import type { Cell, OutputSeries, StatementResult } from './result.ts';

/** Nanoseconds of the unit of times. */
export type CsvTimes = bigint | 'rfc3339';

/**
 * The CSV form (spec 4.1): a header when the columns change, `name,tags,columns...`; statements apart by a blank line;
 * a statement without series prints nothing. Times are integers (nanoseconds unless `epochUnitNs`).
 */
export function writeCsv(results: readonly StatementResult[], epochUnitNs: bigint): Buffer {
  const document = new CsvDocument(epochUnitNs);
  for (const result of results) for (const piece of piecesOf(result)) document.push(piece);
  return Buffer.concat(document.take());
}

/**
 * The CSV form piece by piece. Of an answer in several documents a statement that goes on in the next has its header
 * already.
 */
export class CsvDocument implements AnswerDocument {
  readonly #writer = new ByteWriter(1 << 14);
  readonly #epochUnitNs: CsvTimes;
  #statementId = -1;
  /** What the rows that follow have above them; undefined at the start of a document. */
  #header: string | undefined = '';

  constructor(epochUnitNs: CsvTimes) {
    this.#epochUnitNs = epochUnitNs;
  }

  get lengthBytes(): number {
    return this.#writer.lengthBytes;
  }

  /** Throws the error of a statement whose rows have begun: the form has no word for it, and a cut answer looks whole. */
  push({ result: { series, statementId, error } }: AnswerPiece): void {
    const isSame = statementId === this.#statementId;
    if (error !== undefined && isSame) throw new Error(error);
    for (const one of series) {
      const line = headerOf(one);
      const isKnown = isSame && (this.#header ?? line) === line;
      if (!isKnown) {
        if (this.#statementId >= 0) this.#writer.byte(10);
        this.#writer.utf8(line);
      }
      this.#header = line;
      this.#statementId = statementId;
      writeSeries(this.#writer, one, this.#epochUnitNs);
    }
  }

  end(): void {
    this.#header = undefined;
  }

  take(): readonly Buffer[] {
    return [this.#writer.take()];
  }
}

function headerOf(series: OutputSeries): string {
  return `${['name', 'tags', ...series.columns].map(quoted).join(',')}\n`;
}

/** The CSV form of a request that failed before any statement ran. */
export function writeCsvError(text: string): Buffer {
  return Buffer.from(exactBytesOf(`error\n${quoted(text)}\n`));
}

function writeSeries(writer: ByteWriter, series: OutputSeries, epochUnitNs: CsvTimes): void {
  // Not escaped, unlike in a series key; an empty tag is no tag.
  const present = (series.tags ?? []).filter(([, value]) => value !== '');
  const tags = present.map(([key, value]) => `${key}=${value}`).join(',');
  const head = `${quoted(series.name ?? '')},${quoted(tags)}`;
  if (series.kind === 'rows') {
    const timeAt = series.columns.indexOf('time');
    for (const row of series.rows) {
      const cells = row.map((cell, c) =>
        c === timeAt && typeof cell === 'bigint' ? timeText(cell, epochUnitNs) : cellText(cell),
      );
      writer.utf8(`${head},${cells.join(',')}\n`);
    }
    return;
  }
  for (let row = series.start; row < series.end; row++) {
    writer.utf8(`${head},`);
    const timeNs = series.timesNs[row] ?? 0n;
    if (epochUnitNs !== 'rfc3339') writer.integer(timeNs / epochUnitNs);
    else if (series.timeZone === undefined) writer.timestamp(timeNs);
    else writer.timestampIn(timeNs, series.timeZone);
    for (const column of series.values) {
      writer.byte(44);
      if (isValid(column, row)) writeColumnCell(writer, column, row);
      else writer.utf8(missingText(column, series.missing) ?? '');
    }
    writer.byte(10);
  }
}

function timeText(timeNs: bigint, unitNs: CsvTimes): string {
  return unitNs === 'rfc3339' ? formatRfc3339(timeNs) : String(timeNs / unitNs);
}

function writeColumnCell(writer: ByteWriter, column: Column, row: number): void {
  if (column.type === 'string') {
    const { offsets, bytes } = column.values;
    const text = bytes.subarray(offsets[row] ?? 0, offsets[row + 1] ?? 0);
    if (!isUtf8(text)) {
      // As it came, byte by byte.
      const cell = Buffer.from(quoted(Buffer.from(text).toString('latin1')), 'latin1');
      writer.raw(cell, 0, cell.length);
      return;
    }
  }
  writer.utf8(columnText(column, row));
}

function columnText(column: Column, row: number): string {
  switch (column.type) {
    case 'float':
      return floatText(column.values[row] ?? 0);
    case 'integer':
    case 'unsigned':
      return String(column.values[row] ?? 0n);
    case 'boolean':
      return column.values[row] === 1 ? 'true' : 'false';
    case 'string': {
      const { offsets, bytes } = column.values;
      return quoted(
        Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString(
          'utf8',
          offsets[row] ?? 0,
          offsets[row + 1] ?? 0,
        ),
      );
    }
  }
}

function cellText(cell: Cell): string {
  if (cell === null) return '';
  if (typeof cell === 'number') return floatText(cell);
  return quoted(typeof cell === 'object' ? cell.join(',') : String(cell));
}

/** CSV never uses an exponent: the shortest digits, written out. */
function floatText(value: number): string {
  if (!Number.isFinite(value)) return infinityText(value);
  const text = Object.is(value, -0) ? '-0' : String(value);
  const match = /^(-?)(\d)(?:\.(\d+))?e([+-]\d+)$/.exec(text);
  if (match === null) return text;
  const [, sign = '', lead = '', fraction = '', exponentText = '0'] = match;
  const exponent = Number(exponentText);
  const digits = lead + fraction;
  return exponent < 0
    ? `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`
    : `${sign}${digits.padEnd(exponent + 1, '0')}`;
}

/** Quotes as Go's encoding/csv does. */
function quoted(field: string): string {
  const needs = field === '\\.' || /[",\r\n]/.test(field) || /^\s/.test(field);
  return needs ? `"${field.replaceAll('"', '""')}"` : field;
}
