/**
 * Replies of an engine to one request, in order, as the thread that asked reads them. A generator and a queue would take three times
 * the memory and six promises for what is mostly one reply.
 */
import { DbError } from '../../../base/errors.ts';

export interface StreamReader {
  /** A reply was taken: the engine may send one more. */
  readonly taken: () => void;
  /** Nobody reads on. */
  readonly stop: () => void;
}

interface Waiting {
  readonly resolve: (result: IteratorResult<unknown, undefined>) => void;
  readonly reject: (error: Error) => void;
}

const over = { done: true, value: undefined } as const;

export class ReplyStream implements AsyncIterableIterator<unknown, undefined> {
  readonly #begin: (replies: ReplyStream) => StreamReader;
  readonly #signal: AbortSignal | undefined;
  #reader: StreamReader | undefined;
  /** Replies that nobody has taken: no more than the engine may send ahead. */
  #replies: unknown[] | undefined;
  #waiting: Waiting | undefined;
  /** Nothing comes behind what is here. */
  #isWhole = false;
  /** What comes behind what is here. */
  #error: Error | undefined;
  /** Nothing is read any more. */
  #isOver = false;

  /** The engine is asked once the first reply is. */
  constructor(begin: (replies: ReplyStream) => StreamReader, signal: AbortSignal | undefined) {
    this.#begin = begin;
    this.#signal = signal;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** One at a time. */
  next(): Promise<IteratorResult<unknown, undefined>> {
    if (this.#isOver) return Promise.resolve(over);
    try {
      throwIfAborted(this.#signal);
      if (this.#reader === undefined) this.#start();
      const here = this.#take();
      if (here !== undefined) return Promise.resolve(here);
    } catch (error) {
      this.#finish();
      const failure = error as Error;
      return Promise.reject(failure);
    }
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  }

  return(): Promise<IteratorResult<unknown, undefined>> {
    if (!this.#isOver) this.#finish();
    this.#waiting?.resolve(over);
    this.#waiting = undefined;
    return Promise.resolve(over);
  }

  /** The engine has answered. */
  push(body: unknown, isLast: boolean): void {
    if (this.#isOver || this.#error !== undefined) return;
    this.#isWhole = isLast;
    (this.#replies ??= []).push(body);
    this.#tell();
  }

  /** It has ended; one that has failed does not look whole. */
  end(): void {
    if (this.#error !== undefined) return;
    this.#isWhole = true;
    this.#tell();
  }

  fail(error: Error): void {
    if (this.#isWhole || this.#error !== undefined) return;
    this.#error = error;
    this.#tell();
  }

  /** An event, as listeners that are objects need no function for each stream. */
  handleEvent(): void {
    this.#reader?.stop();
    // What was not taken yet is nobody's.
    this.#error = cancelledError(this.#signal);
    this.#replies = undefined;
    this.#tell();
  }

  #start(): void {
    this.#reader = this.#begin(this);
    this.#signal?.addEventListener('abort', this, { once: true });
  }

  #tell(): void {
    const waiting = this.#waiting;
    if (waiting === undefined) return;
    this.#waiting = undefined;
    try {
      throwIfAborted(this.#signal);
      waiting.resolve(this.#take() ?? over);
    } catch (error) {
      this.#finish();
      waiting.reject(error as Error);
    }
  }

  /** Undefined where something is still to come. */
  #take(): IteratorResult<unknown, undefined> | undefined {
    const replies = this.#replies;
    if (replies !== undefined && replies.length > 0) {
      const value: unknown = replies.shift();
      // Whoever has the last one may not ask again.
      if (this.#isWhole && replies.length === 0) this.#finish();
      else this.#reader?.taken();
      return { done: false, value };
    }
    if (this.#error !== undefined) throw this.#error;
    if (!this.#isWhole) return undefined;
    this.#finish();
    return over;
  }

  #finish(): void {
    this.#isOver = true;
    this.#replies = undefined;
    if (this.#reader === undefined) return;
    this.#signal?.removeEventListener('abort', this);
    this.#reader.stop();
  }
}

export function cancelledError(signal: AbortSignal | undefined): DbError {
  return new DbError('cancelled', 'request cancelled', { cause: signal?.reason });
}

export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw cancelledError(signal);
}
