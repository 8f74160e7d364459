/**
 * The JSON document of a SHOW statement, written from lists as they come: rows of texts go from their bytes to the document's,
 * and leave before the next ones are there. Its twin is the general way, by rows (query/emit/json-writer.ts).
 */
import type { Buffer } from 'node:buffer';
import { sentBytes } from '../../../query/emit/answer-piece.ts';
import { ByteWriter } from '../../../query/emit/byte-writer.ts';
import { firstStatement } from '../../../query/emit/json-writer.ts';
import type { AnswerPart } from '../../engine/answers/answer-task.ts';

/** LIMIT 0 is none. */
export interface RowPage {
  readonly limit: number;
  readonly offset: number;
}

export class ListDocument {
  readonly #writer = new ByteWriter(sentBytes);
  readonly #page: RowPage;
  readonly #columns: string;
  /** Of the series that is open, each row counts, shown or not. */
  #rowCount = 0;
  #name: string | undefined;
  #hasSeries = false;
  #hasRows = false;
  #hasLeft = false;

  constructor(columns: readonly string[], page: RowPage) {
    this.#page = page;
    this.#columns = `"columns":${JSON.stringify(columns)},"values":[`;
    this.#writer.ascii(firstStatement);
  }

  get isFull(): boolean {
    return this.#writer.lengthBytes >= sentBytes;
  }

  /** Whether no more rows of the series that is open can be in the page. */
  get isPageDone(): boolean {
    const { limit, offset } = this.#page;
    return limit > 0 && this.#rowCount >= limit + offset;
  }

  /** Rows that follow are of it, with '' one that has no name; it shows with its first row. */
  begin(name: string): void {
    this.#close();
    this.#name = name;
    this.#rowCount = 0;
  }

  /** What to write the cells of a row to, and behind them endRow(); undefined for one that is not in the page. */
  row(): ByteWriter | undefined {
    const { limit, offset } = this.#page;
    const number = this.#rowCount++;
    if (number < offset || (limit > 0 && number >= offset + limit)) return undefined;
    const writer = this.#writer;
    if (this.#hasRows) writer.byte(44);
    else this.#open();
    writer.byte(91);
    return writer;
  }

  endRow(): void {
    this.#writer.byte(93);
  }

  end(): void {
    this.#close();
    this.#writer.ascii(this.#hasSeries ? ']}]}\n' : '}]}\n');
  }

  /** What was written since the last part. */
  take(isLast: boolean): AnswerPart {
    const bytes: Buffer = this.#writer.take();
    this.#hasLeft = true;
    return { bytes, closing: this.#hasRows ? ']}]' : this.#hasSeries ? ']' : '', isLast };
  }

  get hasLeft(): boolean {
    return this.#hasLeft;
  }

  #open(): void {
    const writer = this.#writer;
    writer.ascii(this.#hasSeries ? ',{' : ',"series":[{');
    if (this.#name !== undefined && this.#name !== '') {
      writer.ascii('"name":');
      writer.jsonString(this.#name);
      writer.byte(44);
    }
    writer.ascii(this.#columns);
    this.#hasSeries = true;
    this.#hasRows = true;
  }

  #close(): void {
    if (this.#hasRows) this.#writer.ascii(']}');
    this.#hasRows = false;
  }
}
