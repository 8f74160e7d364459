import type { Buffer } from 'node:buffer';
import { piecesOf, sentBytes, type AnswerDocument } from '../../../query/emit/answer-piece.ts';
import { ChunkCutter } from '../../../query/emit/chunk-cutter.ts';
import type { StatementResult } from '../../../query/emit/result.ts';
import type { Pacer } from '../../../query/run/pacer.ts';

/**
 * The documents of a chunked answer (spec 4.1), each with rows of one series. Those of a SELECT are cut by `rowsMax` and
 * say `partial` until the statement's last; what a SHOW answers comes series by series, uncut, as in the reference. A large
 * document leaves in parts.
 */
export async function* chunkedAnswer(
  results: AsyncIterable<StatementResult>,
  document: AnswerDocument,
  { rowsMax, pacer }: { readonly rowsMax: number; readonly pacer: Pacer },
): AsyncGenerator<Buffer> {
  const cutter = new ChunkCutter(rowsMax);
  for await (const { isWhole = false, ...result } of results) {
    if (isWhole) {
      for (const piece of piecesOf(result)) {
        document.push(piece);
        await pacer.pause();
      }
      document.end();
      yield* document.take();
      continue;
    }
    for (const piece of piecesOf(result))
      for (const part of cutter.cut(piece)) {
        document.push(part);
        if (part.isResultOpen) {
          if (document.lengthBytes >= sentBytes) yield* document.take();
        } else {
          document.end();
          yield* document.take();
        }
        await pacer.pause();
      }
  }
}
