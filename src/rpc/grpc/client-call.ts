/**
 * One call to a peer, as its replies are asked for: while one is not taken the stream is hardly read on.
 * - It is read to its end, so that the stream closes by itself; only a call that is left with more to come is reset, at a pace.
 */
import { DbError, errorText, isDbError } from '../../base/errors.ts';
import type { CallWire } from './call-wire.ts';
import { MessageReader } from './length-prefixed.ts';
import type { Resettable } from './paced-resets.ts';

/** Of one reply; what is longer comes in several. */
const replyBytesMax = 1 << 30;
/** Replies that are read before they are asked for: stopping and going on costs more than a small one takes of memory. */
const aheadBytesMax = 16_384;

export class ClientCall implements Resettable {
  readonly address: string;
  readonly request: Uint8Array;
  readonly onSent: (() => void) | undefined;
  /** Undefined while it waits for a place among the streams of its connection. */
  #wire: CallWire | undefined;
  readonly #reader = new MessageReader(replyBytesMax);
  #error: DbError | undefined;
  #isPaused = false;
  #isOver = false;
  #isLeft = false;
  /** Wakes the one who waits for a reply. */
  #wake: (() => void) | undefined;

  constructor(address: string, request: Uint8Array, onSent: (() => void) | undefined) {
    this.address = address;
    this.request = request;
    this.onSent = onSent;
  }

  /** Its request is on its way. */
  begin(wire: CallWire): void {
    this.#wire = wire;
  }

  /** It could not be sent. */
  fail(error: unknown): void {
    this.end(isDbError(error) ? error : new DbError('unavailable', errorText(error)));
  }

  /** Its answer is whole, or it has failed. */
  get isOver(): boolean {
    return this.#isOver;
  }

  get hasEnded(): boolean {
    return this.#wire?.hasEnded ?? true;
  }

  /** The next reply, undefined at the end; one asks at a time. Throws what the handler threw or the connection met. */
  async next(): Promise<Uint8Array | undefined> {
    for (;;) {
      if (this.#isLeft) throw this.#error ?? new DbError('cancelled', 'the call was left');
      const reply = this.#take();
      if (reply !== undefined) return reply;
      if (this.#isOver) {
        if (this.#error !== undefined) throw this.#error;
        return undefined;
      }
      this.#goOn();
      await new Promise<void>((wake) => {
        this.#wake = wake;
      });
    }
  }

  /** Nobody asks any more: next() throws `error`, what still comes is thrown away. */
  leave(error: DbError | undefined): void {
    if (this.#isLeft) return;
    this.#isLeft = true;
    this.#error = error ?? this.#error;
    this.#goOn();
    this.#tell();
  }

  reset(): void {
    this.#wire?.reset();
  }

  /** A part of the replies has come. */
  took(part: Buffer): void {
    if (this.#isLeft || this.#isOver) return;
    try {
      this.#reader.push(part);
    } catch (error) {
      this.end(isDbError(error) ? error : undefined);
      return;
    }
    if (!this.#reader.hasMessage) return;
    if (this.#reader.heldBytes > aheadBytesMax) {
      this.#isPaused = true;
      this.#wire?.pause();
    }
    this.#tell();
  }

  /** Nothing comes any more; only what is told first counts. */
  end(error: DbError | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#error ??= error;
    this.#tell();
  }

  /** The connection is of no use, or the peer speaks something else. */
  notTaken(): DbError {
    return new DbError('unavailable', `${this.address}: the request was not taken`);
  }

  broken(): DbError {
    return new DbError('outcome_unknown', `${this.address}: the connection broke`);
  }

  notGrpc(status: unknown): DbError {
    return new DbError(
      'unavailable',
      `${this.address}: answers with HTTP status ${String(status)}`,
    );
  }

  #goOn(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#wire?.resume();
  }

  #take(): Uint8Array | undefined {
    try {
      return this.#reader.take();
    } catch (error) {
      this.end(isDbError(error) ? error : undefined);
      return undefined;
    }
  }

  #tell(): void {
    this.#wake?.();
    this.#wake = undefined;
  }
}
