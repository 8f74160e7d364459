/** A SELECT's series as the parts of its document, or documents, as they leave a worker. */
import { DbError } from '../../../base/errors.ts';
import { streamAheadMax, type EngineReply } from '../../../env/engine-host.ts';
import { piecesOf, sentBytes, type AnswerPiece } from '../../../query/emit/answer-piece.ts';
import { ChunkCutter } from '../../../query/emit/chunk-cutter.ts';
import type { JsonDocument } from '../../../query/emit/json-writer.ts';
import type { ColumnSeries } from '../../../query/emit/result.ts';
import type { Pacer } from '../../../query/run/pacer.ts';
import type { Flow } from '../../../query/run/steps.ts';
import type { PartShare, ShareNotes } from './answer-share.ts';
import { heldBytesMax, type AnswerPart } from './answer-task.ts';
import { PartRing } from './part-ring.ts';

/** Takes pieces, and gives what of them is ready to leave. */
export interface DocumentWriter {
  /** Each has to leave before the next one is made. */
  push(piece: AnswerPiece): Iterable<EngineReply> | undefined;
  end(): EngineReply;
}

/** The documents of one statement in parts of about `sentBytes`, the last of which says that it is. */
export function* documentParts(
  series: Flow<ColumnSeries>,
  documents: DocumentWriter,
  pacer: Pacer,
): Flow<EngineReply> {
  let held: ColumnSeries | undefined;
  try {
    for (let next = series.next(); next.done !== true; next = series.next()) {
      const { value } = next;
      if (value instanceof Promise) {
        yield value;
        continue;
      }
      if (held !== undefined) yield* pushed(held, true, documents, pacer);
      held = value;
    }
  } finally {
    series.return();
  }
  yield* pushed(held, false, documents, pacer);
  yield documents.end();
}

function* pushed(
  series: ColumnSeries | undefined,
  isPartial: boolean,
  documents: DocumentWriter,
  pacer: Pacer,
): Flow<EngineReply> {
  const all = series === undefined ? [] : [series];
  for (const piece of piecesOf({ statementId: 0, series: all, partial: isPartial })) {
    const replies = documents.push(piece);
    if (replies !== undefined) yield* replies;
    const rest = pacer.rest();
    if (rest !== undefined) yield rest;
  }
}

/** One document or the chunks of an answer, and what of them is ready to leave. */
export class Documents implements DocumentWriter {
  readonly #document: JsonDocument;
  readonly #cutter: ChunkCutter | undefined;
  #ring: PartRing | undefined;
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
  push(piece: AnswerPiece): Iterable<EngineReply> | undefined {
    const document = this.#document;
    if (this.#cutter !== undefined) return this.#pushCut(piece, this.#cutter);
    document.push(piece);
    if (this.#share !== undefined) this.#note(this.#share, piece);
    return document.lengthBytes >= sentBytes && piece.isResultOpen ? [this.#next()] : undefined;
  }

  *#pushCut(piece: AnswerPiece, cutter: ChunkCutter): Generator<EngineReply> {
    const document = this.#document;
    for (const part of cutter.cut(piece)) {
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
    const ring = (this.#ring ??= new PartRing(streamAheadMax));
    const bytes = isHeld ? undefined : ring.copyOf(document.view());
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
  const bytes = document.takeOwn();
  const part: AnswerPart = share === undefined ? { bytes, closing, isLast } : { bytes, closing, isLast, share }; // prettier-ignore
  return { body: part, transfer: [bytes.buffer as ArrayBuffer], isLast };
}
