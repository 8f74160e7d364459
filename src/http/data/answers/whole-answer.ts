import type { Buffer } from 'node:buffer';
import { piecesOf, sentBytes, type AnswerDocument } from '../../../query/emit/answer-piece.ts';
import type { StatementResult } from '../../../query/emit/result.ts';
import type { Pacer } from '../../../query/run/pacer.ts';
import { RowLimit } from './row-limit.ts';

/**
 * One document of all results, in parts of about `sentBytes` as it is written, so that memory stays flat; an answer that
 * is smaller is one part. `rowsMax` 0 is no limit.
 */
export async function* wholeAnswer(
  results: AsyncIterable<StatementResult>,
  document: AnswerDocument,
  { rowsMax, pacer }: { readonly rowsMax: number; readonly pacer: Pacer },
): AsyncGenerator<Buffer> {
  const limit = rowsMax > 0 ? new RowLimit(rowsMax) : undefined;
  for await (const result of results) {
    for (const piece of piecesOf(result)) {
      const kept = limit === undefined ? piece : limit.keep(piece);
      if (kept !== undefined) document.push(kept);
      if (document.lengthBytes >= sentBytes) yield* document.take();
      const rest = pacer.rest();
      if (rest !== undefined) await rest;
    }
    if (limit?.isOver === true) break;
  }
  document.end();
  yield* document.take();
}
