/** An answer of a worker beside which another one has nothing to do: should it be shared, that one is asked to help. */
import { DbError, isDbError } from '../../../../base/errors.ts';
import type { EngineLink } from '../../../../env/engine-host.ts';
import { heldBytesMax, type AnswerPart, type AnswerRequest } from '../answer-task.ts';
import { joinChunks } from './join-chunks.ts';
import { helperAheadMax, type SharingStart } from './shared-answer.ts';

export interface AnswerWorkers {
  readonly home: Pick<EngineLink, 'stream'>;
  readonly helper: Pick<EngineLink, 'stream'>;
}

/** No generator around the parts of an answer that is not shared, as most are small. */
export class HelpedAnswer implements AsyncIterableIterator<AnswerPart, undefined> {
  readonly #workers: AnswerWorkers;
  readonly #request: AnswerRequest;
  readonly #signal: AbortSignal;
  /** A worker that is waited for hears of an end only so. */
  readonly #stop = new AbortController();
  readonly #onAlone: () => void;
  readonly #onAbort: () => void;
  #parts: AsyncIterator<AnswerPart> | undefined;

  /** `onAlone` is called where it is an answer that one worker makes at once. */
  constructor(
    workers: AnswerWorkers,
    request: AnswerRequest,
    signal: AbortSignal,
    onAlone: () => void = () => undefined,
  ) {
    this.#workers = workers;
    this.#request = request;
    this.#onAlone = onAlone;
    this.#signal = signal;
    this.#onAbort = () => {
      this.#stop.abort(signal.reason);
    };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<AnswerPart, undefined>> {
    if (this.#parts === undefined) return this.#first();
    return this.#parts.next() as Promise<IteratorResult<AnswerPart, undefined>>;
  }

  async return(): Promise<IteratorResult<AnswerPart, undefined>> {
    this.#signal.removeEventListener('abort', this.#onAbort);
    // Somebody may wait for a part still, and would until there is one.
    this.#stop.abort();
    await this.#parts?.return?.();
    return { done: true, value: undefined };
  }

  async #first(): Promise<IteratorResult<AnswerPart, undefined>> {
    const { home } = this.#workers;
    const request = { ...this.#request, mayBeHelped: true };
    this.#signal.addEventListener('abort', this.#onAbort, { once: true });
    if (this.#signal.aborted) this.#onAbort();
    const replies = home.stream('answer', request, { signal: this.#stop.signal });
    const own = (replies as AsyncIterable<AnswerPart | SharingStart>)[Symbol.asyncIterator]();
    this.#parts = own as AsyncIterator<AnswerPart>;
    const first = await own.next();
    if (first.done === true) return { done: true, value: undefined };
    if (!('shared' in first.value)) {
      if (first.value.isLast === true) this.#onAlone();
      return { done: false, value: first.value };
    }
    this.#parts = this.#joined(own, first.value);
    return this.next();
  }

  async *#joined(
    own: AsyncIterator<unknown>,
    { shared }: SharingStart,
  ): AsyncGenerator<AnswerPart, undefined> {
    const { home, helper } = this.#workers;
    const aheadMax = helperAheadMax(shared.cut);
    const help = helper.stream('assist', shared, { signal: this.#stop.signal, aheadMax });
    let outBytes = 0;
    try {
      for await (const part of joinChunks(shared, [own, help[Symbol.asyncIterator]()])) {
        outBytes += part.bytes.length;
        yield part;
      }
      return;
    } catch (error) {
      // A value that JSON has no word for makes the whole document an error, as long as nothing of it has left. And of memory one
      // worker takes less than two, beside what was handed on.
      const isOtherAlone =
        isDbError(error, 'invalid_argument') || isDbError(error, 'limit_exceeded');
      if (outBytes >= heldBytesMax || !isOtherAlone) throw error;
      // What is held back is dropped for the general way's, as where a node fails (decision 13).
      if (outBytes > 0) throw new DbError('unavailable', error.message, { cause: error });
    } finally {
      this.#stop.abort();
    }
    yield* home.stream('answer', this.#request, {
      signal: this.#signal,
    }) as AsyncIterable<AnswerPart>;
  }
}
