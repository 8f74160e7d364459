/**
 * An answer that a worker makes of its own shards and of what other nodes send of theirs (decision 107): this thread hands on their bytes
 * as they come, and the answer's.
 */
import { DbError, errorText, isDbError, type DbErrorCode } from '../../../../base/errors.ts';
import type { EngineLink } from '../../../../env/engine-host.ts';
import type { GatheredOthers, PlannedBlocks } from '../../shard-access.ts';
import type { AnswerPart, AnswerRequest } from '../answer-task.ts';
import type { FeedPiece } from './feeds.ts';

type Link = Pick<EngineLink, 'call' | 'stream'>;

/** Fails with what another node failed with, as that was thrown. */
export async function* gatheredAnswer(
  link: Link,
  request: AnswerRequest,
  { id, others }: { readonly id: number; readonly others: GatheredOthers },
): AsyncGenerator<AnswerPart, undefined> {
  const { before, after, ending } = others;
  const { signal } = ending;
  const gathers = { id, beforeCount: before.length, afterCount: after.length };
  const parts = link.stream('answer', { ...request, gathers }, { signal })[Symbol.asyncIterator]();
  // It has to be on its way before anything of its feeds is.
  const first = parts.next();
  const all = [...before, ...after];
  const state: FeedsState = { comingCount: all.length, failure: undefined };
  const feeding = all.map((blocks, at) =>
    feed(link, { id, at }, { blocks, state, stop: ending.stop }),
  );
  try {
    for (let next = await first; next.done !== true; next = await parts.next()) {
      const part = next.value as AnswerPart;
      yield part;
      if (part.isLast === true) return;
    }
    return;
  } catch (error) {
    throw state.failure ?? error;
  } finally {
    if (state.comingCount === 0) ending.release();
    else ending.stop();
    // A piece that finds no room waits for the answer's end.
    await parts.return?.();
    await Promise.all(feeding);
  }
}

interface FeedsState {
  /** Of how many others there is more to come. */
  comingCount: number;
  /** What the first of them failed with that did. */
  failure: unknown;
}

interface Fed {
  readonly blocks: AsyncIterable<PlannedBlocks>;
  readonly state: FeedsState;
  readonly stop: () => void;
}

/** Never rejects: what fails is told to the worker, whose answer fails with it; where it cannot be told its answer is stopped. */
async function feed(
  link: Link,
  place: Pick<FeedPiece, 'id' | 'at'>,
  { blocks, state, stop }: Fed,
): Promise<void> {
  try {
    let isLast = false;
    for await (const { packed, ...piece } of blocks) {
      isLast = piece.isLast;
      if (isLast) state.comingCount--;
      // What came with others in one piece of memory would be copied with all of it; a Buffer's slice() is no copy.
      const own = new Uint8Array(packed);
      const body = { ...place, ...piece, packed: own } satisfies FeedPiece;
      const goesOn = await link.call('feed', body, { transfer: [own.buffer] });
      if (isLast || goesOn !== true) return;
    }
    throw new DbError('unavailable', 'the blocks of another node ended before it said so');
  } catch (error) {
    state.failure ??= error;
    const body = { ...place, failure: toldOf(error) } satisfies FeedPiece;
    await link.call('feed', body).catch(stop);
  }
}

/** What a node failed with may be the cause of what names the node. */
function toldOf(error: unknown): { readonly code: DbErrorCode; readonly text: string } {
  const told: unknown = error instanceof Error && !isDbError(error) ? error.cause : error;
  if (isDbError(told)) return { code: told.code, text: told.message };
  return { code: 'internal', text: errorText(error) };
}
