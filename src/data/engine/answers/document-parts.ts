/** A SELECT's series as the parts of its document, or documents, as they leave a worker. */
import { DbError } from '../../../base/errors.ts';
import { streamAheadMax, type EngineReply } from '../../../env/engine-host.ts';
import { piecesOf, sentBytes, type AnswerPiece } from '../../../query/emit/answer-piece.ts';
import { ChunkCutter } from '../../../query/emit/chunk-cutter.ts';
import type { JsonDocument } from '../../../query/emit/json-writer.ts';
import type { ColumnSeries } from '../../../query/emit/result.ts';
import type { Pacer } from '../../../query/run/pacer.ts';
import { asked, type Flow } from '../../../query/run/steps.ts';
import type { PartShare, ShareNotes } from './answer-share.ts';
import { heldBytesMax, type AnswerPart } from './answer-task.ts';
import { PartRing } from './part-ring.ts';

/** Takes pieces, and gives what of them is ready to leave. */
export interface DocumentWriter {
  /** Each has to leave before the next one is made. */
  push(piece: AnswerPiece): Generator<EngineReply>;
  end(): EngineReply;
}

/** The documents of one statement in parts of about `sentBytes`, the last of which says that it is. Waits where it has to. */
export async function* documentParts(
  series: Flow<ColumnSeries>,
  documents: DocumentWriter,
  pacer: Pacer,
): AsyncGenerator<EngineReply> {
  let held: ColumnSeries | undefined;
  try {
    let next = series.next();
    while (next.done !== true) {
      if (next.value instanceof Promise) {
        next = await asked(series, next.value);
        continue;
      }
      if (held !== undefined)
        for (const piece of piecesOf({ statementId: 0, series: [held], partial: true })) {
          for (const reply of documents.push(piece)) yield reply;
          const rest = pacer.rest();
          if (rest !== undefined) await rest;
        }
      held = next.value;
      next = series.next();
    }
  } finally {
    series.return();
  }
  for (const piece of piecesOf({ statementId: 0, series: held === undefined ? [] : [held] })) {
    for (const reply of documents.push(piece)) yield reply;
    const rest = pacer.rest();
    if (rest !== undefined) await rest;
  }
  yield documents.end();
}

/** One document or the chunks of an answer, and what of them is ready to leave. */
export class Documents implements DocumentWriter {
  readonly #document: JsonDocument;
  readonly #cutter: ChunkCutter | undefined;
  readonly #ring = new PartRing(streamAheadMax);
  readonly #share: ShareNotes | undefined;
  #sentBytes = 0;

  /** A share is one document. */
  constructor(
    document: JsonDocument,
    chunkRowsMax: number | undefined,
    share: ShareNotes | undefined,
  ) {
    this.#document = document;
    this.#share = share;
    this.#cutter = chunkRowsMax === undefined ? undefined : new ChunkCutter(chunkRowsMax);
  }

  /** Each has to leave before the next one is made. */
  *push(piece: AnswerPiece): Generator<EngineReply> {
    const document = this.#document;
    if (this.#cutter === undefined) {
      document.push(piece);
      if (this.#share !== undefined) this.#note(this.#share, piece);
      if (document.lengthBytes >= sentBytes && piece.isResultOpen) yield this.#next();
      return;
    }
    for (const part of this.#cutter.cut(piece)) {
      document.push(part);
      // The statement's last chunk leaves with the end.
      if (!part.isResultOpen && part.result.partial !== true) return;
      if (!part.isResultOpen) document.end();
      if (!part.isResultOpen || document.lengthBytes >= sentBytes) yield this.#next();
    }
  }

  end(): EngineReply {
    this.#document.end();
    return replyOf(this.#document, true, this.#share?.take());
  }

  #note(share: ShareNotes, { result }: AnswerPiece): void {
    const { failure, seriesAt, seriesEnd } = this.#document;
    // The whole answer is an error then, which nobody can tell by one share; behind what has left the statement ends with it.
    if (failure !== undefined) throw new DbError('unavailable', failure);
    const [series] = result.series;
    if (series !== undefined) share.wrote(series, seriesAt, seriesEnd);
  }

  /** But for the last one parts move as those do that are held back (decision 13). */
  #next(): EngineReply {
    const document = this.#document;
    const isHeld = this.#sentBytes < heldBytesMax;
    this.#sentBytes += document.lengthBytes;
    const bytes = isHeld ? undefined : this.#ring.copyOf(document.view());
    const share = this.#share?.take();
    if (bytes === undefined) return replyOf(document, false, share);
    document.written();
    const part: AnswerPart = { bytes, closing: document.closing, isLast: false, ...(share && { share }) }; // prettier-ignore
    return { body: part };
  }
}

function replyOf(
  document: JsonDocument,
  isLast: boolean,
  share: PartShare | undefined,
): EngineReply {
  const { closing } = document;
  const [taken] = document.take();
  // A view of memory that others use, too, cannot move.
  const isAlone = taken?.byteLength === taken?.buffer.byteLength;
  const own = isAlone && taken !== undefined ? taken : new Uint8Array(taken ?? []);
  const bytes = new Uint8Array(own.buffer);
  const part: AnswerPart = { bytes, closing, isLast, ...(share && { share }) };
  return { body: part, transfer: [bytes.buffer as ArrayBuffer], isLast };
}
