import { Buffer } from 'node:buffer';
import { isDbError } from '../../base/errors.ts';
import { piecesOf, type AnswerDocument, type AnswerPiece } from './answer-piece.ts';
import { ByteWriter } from './byte-writer.ts';
import { JsonIndent } from './json-indent.ts';
import { writeJsonRows, type JsonOptions } from './json-rows.ts';
import { rowCount, type OutputSeries, type ResultMessage, type StatementResult } from './result.ts';

/** `{"results":[...]}` and a newline, as the reference writes it (spec 4.1). */
export function writeJson(results: readonly StatementResult[], options: JsonOptions): Buffer {
  const document = new JsonDocument(options);
  for (const result of results) for (const piece of piecesOf(result)) document.push(piece);
  document.end();
  return Buffer.concat(document.take());
}

/**
 * The JSON form piece by piece. A float that JSON cannot say makes the whole document an error, as in the reference, as
 * long as nothing of it was taken; after that the statement ends with the error.
 */
export class JsonDocument implements AnswerDocument {
  readonly #writer = new ByteWriter(headBytes);
  readonly #options: JsonOptions;
  readonly #isPretty: boolean;
  readonly #indent = new JsonIndent();
  readonly #columns = new ColumnNames();
  #hasResults = false;
  #isTaken = false;
  #open: OpenResult | undefined;
  #seriesAt = 0;
  #seriesEnd = 0;
  /** Why the whole document is an error. */
  #failure: string | undefined;
  /** The statement that has ended with an error of its own, of which nothing more is said. */
  #endedId = -1;
  /** Its error. */
  #ended: string | undefined;

  constructor(options: JsonOptions & { readonly pretty?: boolean }) {
    this.#options = options;
    this.#isPretty = options.pretty === true;
  }

  get lengthBytes(): number {
    return this.#writer.lengthBytes;
  }

  /** Where the series begins that was written last, among the bytes that were not taken: 0 for one that began before them. */
  get seriesAt(): number {
    return this.#seriesAt;
  }

  /** Where it ends as far as it was written, what closes the statement may stand behind it. */
  get seriesEnd(): number {
    return this.#seriesEnd;
  }

  /** Why the document, or the statement at hand, is an error. */
  get failure(): string | undefined {
    return this.#failure ?? this.#ended;
  }

  /** What closes the lists that are open, up to the statement itself; between two documents what opens it. */
  get closing(): string {
    const open = this.#open;
    if (open === undefined) return this.#hasResults ? '' : firstStatement;
    const rows = open.rows === 'more' ? ']}' : open.rows === 'first' ? '}' : '';
    return open.hasSeries ? `${rows}]` : rows;
  }

  push(piece: AnswerPiece): void {
    const { result, isSeriesOpen, isResultOpen } = piece;
    if (this.#failure !== undefined || result.statementId === this.#endedId) return;
    const open = this.#openResult(result.statementId);
    open.messages.push(...(result.messages ?? []));
    try {
      for (const series of result.series) this.#series(open, series, isSeriesOpen);
    } catch (error) {
      if (!isDbError(error, 'invalid_argument')) throw error;
      this.#fail(open, error.message);
      return;
    }
    if (!isResultOpen) this.#closeResult(open, result);
  }

  end(): void {
    const writer = this.#writer;
    if (this.#open !== undefined) this.#closeResult(this.#open, {});
    if (this.#failure !== undefined) {
      writer.truncate(0);
      writer.ascii('{"error":');
      writer.jsonString(this.#failure);
      writer.ascii('}\n');
    } else writer.ascii(this.#hasResults ? ']}\n' : '{}\n');
    this.#hasResults = false;
    this.#isTaken = false;
    this.#failure = undefined;
    this.#endedId = -1;
    this.#ended = undefined;
  }

  take(): readonly Buffer[] {
    this.#isTaken = this.#hasResults;
    this.#seriesAt = 0;
    const bytes = this.#writer.take();
    return [this.#isPretty ? this.#indent.write(bytes) : bytes];
  }

  /** The same with a memory of its own, which may move to another thread. Not of an indented one. */
  takeOwn(): Uint8Array {
    this.#isTaken = this.#hasResults;
    this.#seriesAt = 0;
    return this.#writer.takeOwn();
  }

  /** What take() would give, as a view that holds until `written` is called, which is due then. Not of an indented one. */
  view(): Buffer {
    return this.#writer.view();
  }

  /** What was viewed is where it belongs: the document goes on behind it. */
  written(): void {
    this.#isTaken = this.#hasResults;
    this.#seriesAt = 0;
    this.#writer.restart();
  }

  #openResult(statementId: number): OpenResult {
    const writer = this.#writer;
    if (this.#open?.statementId === statementId) return this.#open;
    if (this.#open !== undefined) this.#closeResult(this.#open, {});
    writer.ascii(this.#hasResults ? ',' : '{"results":[');
    this.#hasResults = true;
    writer.ascii(`{"statement_id":${statementId}`);
    this.#open = { statementId, messages: [], hasSeries: false, rows: 'none' };
    return this.#open;
  }

  #series(open: OpenResult, series: OutputSeries, isSeriesOpen: boolean): void {
    const writer = this.#writer;
    if (open.rows === 'none') {
      writer.ascii(open.hasSeries ? ',' : ',"series":[');
      open.hasSeries = true;
      this.#seriesAt = writer.lengthBytes;
      writeHead(writer, series, this.#columns);
      open.rows = 'first';
    }
    if (rowCount(series) > 0) {
      const mark = writer.lengthBytes;
      if (open.rows === 'first') writer.ascii(',"values":');
      const first = writer.lengthBytes;
      try {
        writeJsonRows(writer, series, this.#options);
      } catch (error) {
        writer.truncate(mark);
        throw error;
      }
      // The first row has a bracket in place of its comma.
      if (open.rows === 'first') writer.replaceByte(first, 91);
      open.rows = 'more';
    }
    if (!isSeriesOpen) this.#closeSeries(open, series.partial === true);
    this.#seriesEnd = writer.lengthBytes;
  }

  #closeSeries(open: OpenResult, isPartial: boolean): void {
    if (open.rows === 'none') return;
    if (open.rows === 'more') this.#writer.byte(93);
    if (isPartial) this.#writer.ascii(',"partial":true');
    this.#writer.byte(125);
    open.rows = 'none';
  }

  #closeResult(open: OpenResult, { partial, error }: Partial<StatementResult>): void {
    const writer = this.#writer;
    this.#closeSeries(open, false);
    if (open.hasSeries) writer.byte(93);
    writeMessages(writer, open.messages);
    if (partial === true) writer.ascii(',"partial":true');
    if (error !== undefined) {
      writer.ascii(',"error":');
      writer.jsonString(error);
    }
    writer.byte(125);
    this.#open = undefined;
  }

  #fail(open: OpenResult, error: string): void {
    if (!this.#isTaken) {
      this.#failure = error;
      this.#open = undefined;
      return;
    }
    this.#closeResult(open, { error });
    this.#endedId = open.statementId;
    this.#ended = error;
  }
}

const headBytes = 4_096;

/** How a document begins. */
export const firstStatement = '{"results":[{"statement_id":0';

/** A result of which more may come. */
interface OpenResult {
  readonly statementId: number;
  readonly messages: ResultMessage[];
  hasSeries: boolean;
  /** Of the open series; none while there is no series open. */
  rows: 'none' | 'first' | 'more';
}

function writeMessages(writer: ByteWriter, messages: readonly ResultMessage[]): void {
  if (messages.length === 0) return;
  writer.ascii(',"messages":[');
  messages.forEach((message, i) => {
    writer.ascii(i > 0 ? ',{"level":' : '{"level":');
    writer.jsonString(message.level);
    writer.ascii(',"text":');
    writer.jsonString(message.text);
    writer.byte(125);
  });
  writer.byte(93);
}

/** The names of columns as they were written last: the series of a statement have the same list. */
class ColumnNames {
  #names: readonly string[] | undefined;
  #bytes: Uint8Array = new Uint8Array(0);

  write(writer: ByteWriter, names: readonly string[]): void {
    if (names === this.#names) {
      writer.raw(this.#bytes, 0, this.#bytes.length);
      return;
    }
    const start = writer.lengthBytes;
    names.forEach((name, i) => {
      if (i > 0) writer.byte(44);
      writer.jsonString(name);
    });
    this.#names = names;
    this.#bytes = writer.copyFrom(start);
  }
}

/** `{"name":...,"tags":{...},"columns":[...]`, still open. */
function writeHead(
  writer: ByteWriter,
  { name, tags, columns }: OutputSeries,
  names: ColumnNames,
): void {
  writer.byte(123);
  if (name !== undefined && name !== '') {
    writer.ascii('"name":');
    writer.jsonString(name);
    writer.byte(44);
  }
  if (tags !== undefined && tags.length > 0) {
    writer.ascii('"tags":{');
    tags.forEach(([key, value], i) => {
      if (i > 0) writer.byte(44);
      writer.jsonString(key);
      writer.byte(58);
      writer.jsonString(value);
    });
    writer.ascii('},');
  }
  writer.ascii('"columns":[');
  names.write(writer, columns);
  writer.byte(93);
}
