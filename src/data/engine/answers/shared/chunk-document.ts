/** The documents of one chunk after the other, without what the chunks of an answer have in common. */
import { Buffer } from 'node:buffer';
import { assert } from '../../../../base/assert.ts';
import { DbError } from '../../../../base/errors.ts';
import { KiB } from '../../../../base/units.ts';
import type { EngineReply } from '../../../../env/engine-host.ts';
import type { AnswerPiece } from '../../../../query/emit/answer-piece.ts';
import { firstStatement, type JsonDocument } from '../../../../query/emit/json-writer.ts';
import type { DocumentWriter } from '../document-parts.ts';
import { PartRing } from '../part-ring.ts';
import { chunkTail, sharedPartBytes, type ChunkCut, type ChunkPart } from './shared-answer.ts';

/** Shorter ones move to the reader, longer ones go in memory that is used again. */
const movedBytesMax = 64 * KiB;
const seriesHead = `${firstStatement},"series":[`;
const rowsHead = '"values":[';
const comma = 44;
const brace = 123;
const nothing = new Uint8Array(0);

export class ChunkDocument implements DocumentWriter {
  readonly #document: JsonDocument;
  readonly #cut: ChunkCut;
  readonly #ring: PartRing;
  #chunk = 0;
  #isBegun = false;

  /** `aheadMax` is that of the stream which the parts leave by. */
  constructor(document: JsonDocument, cut: ChunkCut, aheadMax: number) {
    this.#document = document;
    this.#ring = new PartRing(aheadMax);
    this.#cut = cut;
  }

  begin(chunk: number): void {
    this.#chunk = chunk;
    this.#isBegun = false;
  }

  *push(piece: AnswerPiece): Generator<EngineReply> {
    const document = this.#document;
    document.push(piece);
    if (document.lengthBytes >= sharedPartBytes && piece.isResultOpen) yield this.#next(false);
  }

  end(): EngineReply {
    this.#document.end();
    return this.#next(true);
  }

  /** Throws `invalid_argument` with what the document says where it is one of a value that JSON has no word for. */
  #next(isEnd: boolean): EngineReply {
    const written = this.#document.view();
    const headBytes = this.#isBegun ? 0 : this.#headOf(written);
    this.#isBegun = true;
    const part = { chunk: this.#chunk, headBytes: Math.max(0, headBytes), isEnd };
    const all = headBytes < 0 ? nothing : isEnd ? written.subarray(0, this.#endOf(written)) : written; // prettier-ignore
    const ringed = all.length > movedBytesMax ? this.#ring.copyOf(all) : undefined;
    const bytes = ringed ?? new Uint8Array(all);
    this.#document.written();
    const body: ChunkPart = { ...part, bytes };
    return ringed === undefined ? { body, transfer: [bytes.buffer as ArrayBuffer] } : { body };
  }

  /** -1 where there are no rows. */
  #headOf(bytes: Buffer): number {
    if (!bytes.subarray(0, firstStatement.length).equals(Buffer.from(firstStatement)))
      throw failureOf(bytes);
    if (bytes[firstStatement.length] !== comma) return -1;
    if (this.#cut.kind === 'groups') {
      assert(bytes[seriesHead.length] === brace, 'series follow the head of a document');
      return seriesHead.length;
    }
    const at = bytes.indexOf(rowsHead);
    assert(at > 0, 'a series of rows has its columns before them');
    return at + rowsHead.length;
  }

  #endOf(bytes: Buffer): number {
    const tail = chunkTail(this.#cut);
    const end = bytes.length - tail.length;
    if (end >= 0 && bytes.subarray(end).equals(Buffer.from(tail))) return end;
    throw failureOf(bytes);
  }
}

/** A document that says nothing but an error, or that ends with one. */
function failureOf(bytes: Buffer): DbError {
  const at = bytes.lastIndexOf('"error":');
  const text = bytes.subarray(Math.max(0, at)).toString().replace(/^"error":"?|"?[}\]\s]*$/g, ''); // prettier-ignore
  return new DbError('invalid_argument', text);
}
