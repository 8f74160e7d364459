import type { ClientDuplexStream } from '@grpc/grpc-js';
import { Latch } from '../../base/async/latch.ts';
import { FrameReader } from './frames.ts';
import type { Resettable } from './paced-resets.ts';

/**
 * The replies of one call, as they are asked for: while one is not taken the stream is not read on. An error that the
 * handler sent is known once the stream has ended, so that a call which failed ends as one that did not: by itself.
 */
export class ReplyReader implements Resettable {
  readonly #call: ClientDuplexStream<Buffer, Buffer>;
  readonly #frames = new FrameReader();
  #reply: Uint8Array | undefined;
  #error: Error | undefined;
  #isEnded = false;
  #isOver = false;
  #leftWith: Error | undefined;
  #isLeft = false;
  #changed = new Latch<undefined>();

  constructor(call: ClientDuplexStream<Buffer, Buffer>) {
    this.#call = call;
    call.on('data', (frame: Buffer) => {
      this.#take(frame);
    });
    call.on('error', (error) => {
      this.#end(error);
    });
    call.on('end', () => {
      this.#end(undefined);
    });
    call.on('status', () => {
      this.#isOver = true;
    });
  }

  get hasEnded(): boolean {
    return this.#isOver;
  }

  /** The next reply, undefined at the end. Throws what the handler threw or the connection met. */
  async next(): Promise<Uint8Array | undefined> {
    for (;;) {
      if (this.#leftWith !== undefined) throw this.#leftWith;
      const reply = this.#reply;
      if (reply !== undefined) {
        this.#reply = undefined;
        this.#call.resume();
        return reply;
      }
      if (this.#isEnded) {
        if (this.#error !== undefined) throw this.#error;
        return undefined;
      }
      await this.#changed.promise;
    }
  }

  /** Nobody asks any more: next() throws `error`, what still comes is thrown away. */
  leave(error: Error | undefined): void {
    this.#isLeft = true;
    this.#reply = undefined;
    this.#leftWith ??= error;
    this.#call.resume();
    this.#wake();
  }

  reset(): void {
    if (!this.#isOver) this.#call.cancel();
  }

  #take(frame: Buffer): void {
    if (this.#isLeft || this.#error !== undefined) return;
    try {
      this.#reply = this.#frames.take(frame);
    } catch (error) {
      this.#error = error as Error;
    }
    if (this.#reply === undefined) return;
    this.#call.pause();
    this.#wake();
  }

  #end(error: Error | undefined): void {
    this.#error ??= error;
    this.#isEnded = true;
    this.#wake();
  }

  #wake(): void {
    this.#changed.open(undefined);
    this.#changed = new Latch();
  }
}
