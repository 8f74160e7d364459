/**
 * Blocks of other nodes on their way to the worker that merges them with its own (decision 107). The main thread hands on bytes as they
 * came; here they are read, by the thread that needs them.
 *
 * - A feed is known from when its answer begins until it ends: messages of a link arrive in order, and the answer goes first.
 * - So many pieces wait at the most: whoever hands one on that is more waits until one has been taken.
 * - The first piece says by what schemas the others planned. Blocks of another plan are no part of this answer: it fails before
 *   anything of it is out, as whoever merges looks at the first piece of each feed before it gives anything.
 */
import { Latch } from '../../../../base/async/latch.ts';
import { DbError, isDbError, type DbErrorCode } from '../../../../base/errors.ts';
import type { BlockStream } from '../../../../query/assemble/merge-groups.ts';
import type { QueryAccount } from '../../../../query/run/query-account.ts';
import { decodeSentBlocks } from '../../sent-blocks.ts';
import type { FragmentBlock, PlannedBlocks } from '../../shard-access.ts';
import type { Gathering } from '../answer-task.ts';

/** What is handed to a worker: a piece of a feed, or why there are no more. */
export type FeedPiece = FeedPlace &
  (PlannedBlocks | { readonly failure: { readonly code: DbErrorCode; readonly text: string } });

interface FeedPlace {
  readonly id: number;
  /** Number of the feed, those before the worker's own blocks first. */
  readonly at: number;
}

/** One is read while the next ones are on their way. */
const aheadMax = 2;

export class Feeds {
  readonly #open = new Map<number, readonly Feed[]>();

  /** Before anything is awaited: its pieces may be right behind. */
  open({ id, beforeCount, afterCount }: Gathering): readonly Feed[] {
    const feeds = Array.from({ length: beforeCount + afterCount }, () => new Feed());
    this.#open.set(id, feeds);
    return feeds;
  }

  /** Nobody reads them any more. */
  close({ id }: Gathering): void {
    for (const feed of this.#open.get(id) ?? []) feed.end();
    this.#open.delete(id);
  }

  /** Nobody reads the answer: it is not waited for what has yet to come. */
  stop({ id }: Gathering): void {
    const error = new DbError('cancelled', 'nobody reads the answer');
    for (const feed of this.#open.get(id) ?? []) feed.fail(error);
  }

  /** Resolves once the next piece may come; false where none is to come. */
  async push({ id, at, ...piece }: FeedPiece): Promise<boolean> {
    const feed = this.#open.get(id)?.[at];
    if (feed === undefined) return false;
    if ('failure' in piece) {
      feed.fail(new DbError(piece.failure.code, piece.failure.text));
      return false;
    }
    return feed.push(piece);
  }
}

export class Feed implements BlockStream<FragmentBlock> {
  #pieces: PlannedBlocks[] = [];
  #blocks: readonly FragmentBlock[] = [];
  #taken = 0;
  #isAtEnd = false;
  #isClosed = false;
  #error: DbError | undefined;
  #planned: string | undefined;
  /** What the blocks have to be planned by. */
  #ownPlanned = '';
  #account: QueryAccount | undefined;
  #waited: (() => void) | undefined;
  #chargedBytes = 0;
  #arrival: Latch<undefined> | undefined;
  #room: Latch<undefined> | undefined;

  /**
   * What is held here is charged to the account, and given back once it ends. `waited` is told each time that a piece had to be waited for: others have had
   * their turn.
   */
  expect(planned: string, account: QueryAccount, waited?: () => void): void {
    this.#ownPlanned = planned;
    this.#account = account;
    this.#waited = waited;
  }

  /** Resolves once there is room for another one; false where none is to come. */
  async push(piece: PlannedBlocks): Promise<boolean> {
    if (this.#isClosed) return false;
    this.#pieces.push(piece);
    this.#arrived();
    if (piece.isLast) return false;
    while (this.#pieces.length >= aheadMax) {
      this.#room ??= new Latch();
      await this.#room.promise;
    }
    return !this.#isClosed;
  }

  fail(error: DbError): void {
    this.#error = error;
    this.#arrived();
  }

  next(): FragmentBlock | undefined | Promise<FragmentBlock | undefined> {
    while (this.#taken === this.#blocks.length) {
      if (this.#isAtEnd || this.#isClosed) return undefined;
      const piece = this.#pieces.shift();
      if (piece !== undefined) {
        this.#read(piece);
        continue;
      }
      if (this.#error !== undefined) throw this.#error;
      this.#arrival = new Latch();
      return this.#arrival.promise.then(() => {
        this.#waited?.();
        return this.next();
      });
    }
    return this.#blocks[this.#taken++];
  }

  close(): Promise<void> {
    this.end();
    return Promise.resolve();
  }

  end(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#pieces = [];
    this.#blocks = [];
    this.#taken = 0;
    this.#charge(0);
    this.#left();
    this.#arrived();
  }

  #read({ planned, packed, isLast }: PlannedBlocks): void {
    this.#left();
    this.#planned ??= planned;
    // Who had nothing to plan by has no field or tag that others might show.
    const isOfPlan =
      this.#planned === '' ? packed.length === 0 : this.#planned === this.#ownPlanned;
    if (!isOfPlan) throw new DbError('schema_changed', 'another node plans by other schemas');
    this.#charge(packed.length);
    this.#blocks = packed.length === 0 ? [] : blocksIn(packed);
    this.#taken = 0;
    this.#isAtEnd = isLast;
  }

  /** Those that wait are few. */
  #charge(bytes: number): void {
    this.#account?.release(this.#chargedBytes);
    this.#chargedBytes = 0;
    this.#account?.charge(bytes);
    this.#chargedBytes = bytes;
  }

  #left(): void {
    this.#room?.open(undefined);
    this.#room = undefined;
  }

  #arrived(): void {
    this.#arrival?.open(undefined);
    this.#arrival = undefined;
  }
}

/** What other nodes have sent. What does not read is no damage of shards that are here. */
export function blocksIn(packed: Uint8Array): readonly FragmentBlock[] {
  try {
    return decodeSentBlocks(packed);
  } catch (error) {
    if (!isDbError(error, 'corrupt')) throw error;
    throw new DbError('unavailable', `another node: ${error.message}`, { cause: error });
  }
}
