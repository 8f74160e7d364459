import { compareUtf8 } from '../../base/compare-utf8.ts';
import type { ListPiece } from '../engine/lists/schema-list.ts';

/** The piece in hand of one stream, and how much of it is used. */
interface Head {
  readonly pieces: AsyncIterator<ListPiece, undefined>;
  piece: ListPiece;
  next: number;
}

/**
 * The lists of several lanes as one: in order of the measurements, of the keys and of the texts, each text once. One
 * piece of each stream is held; all are asked at once for their first. A reader that leaves ends the streams, and so does one that
 * fails, whose error is told at once: others may be silent for long.
 */
export async function* mergeLists(
  streams: readonly AsyncIterable<readonly ListPiece[]>[],
): AsyncGenerator<ListPiece> {
  const all = streams.map(eachPiece);
  let hasFailed = false;
  try {
    const firsts = await Promise.all(all.map((pieces) => pieces.next()));
    let heads = all.flatMap((pieces, i): Head[] => {
      const piece = firsts[i]?.value;
      return piece === undefined ? [] : [{ pieces, piece, next: 0 }];
    });
    while (heads.length > 0) {
      yield mergeUntilOneEnds(heads.filter((head) => isFirst(head, heads)));
      for (const head of heads) {
        if (head.next < head.piece.texts.length) continue;
        const { value: piece } = await head.pieces.next();
        if (piece === undefined) heads = heads.filter((one) => one !== head);
        else [head.piece, head.next] = [piece, 0];
      }
    }
  } catch (error) {
    hasFailed = true;
    throw error;
  } finally {
    const ended = Promise.all(all.map((pieces) => pieces.return(undefined)));
    // One that is still asked ends behind its answer.
    if (hasFailed) ended.catch(() => undefined);
    else await ended;
  }
}

async function* eachPiece(
  batches: AsyncIterable<readonly ListPiece[]>,
): AsyncGenerator<ListPiece, undefined> {
  for await (const batch of batches)
    for (const piece of batch) if (piece.texts.length > 0) yield piece;
  return undefined;
}

function isFirst({ piece }: Head, heads: readonly Head[]): boolean {
  return heads.every(
    (other) =>
      piece.at < other.piece.at ||
      (piece.at === other.piece.at && compareUtf8(piece.key, other.piece.key) <= 0),
  );
}

/** `heads` are of one list. What comes after the last text of one of them may still come from it: there it stops. */
function mergeUntilOneEnds(heads: readonly Head[]): ListPiece {
  const [first, ...others] = heads;
  if (first === undefined) return { at: 0, key: '', texts: [] };
  const { at, key } = first.piece;
  if (others.length === 0 && first.next === 0) {
    first.next = first.piece.texts.length;
    return first.piece;
  }
  const texts: string[] = [];
  while (heads.every(({ next, piece }) => next < piece.texts.length)) {
    let least: string | undefined;
    for (const { next, piece } of heads) {
      const text = piece.texts[next] ?? '';
      if (least === undefined || compareUtf8(text, least) < 0) least = text;
    }
    texts.push(least ?? '');
    for (const head of heads) if (head.piece.texts[head.next] === least) head.next++;
  }
  return { at, key, texts };
}
