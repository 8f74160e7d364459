/**
 * One call to a peer, as its replies are asked for: while one is not taken the stream is hardly read on.
 * - It is read to its end, so that the stream closes by itself; only a call that is left with more to come is reset, at a pace.
 */
import { constants, type ClientHttp2Stream, type IncomingHttpHeaders } from 'node:http2';
import { DbError, errorText, isDbError } from '../../base/errors.ts';
import type { Garbage } from './garbage.ts';
import { MessageReader, prefixed } from './length-prefixed.ts';
import type { Resettable } from './paced-resets.ts';
import { trailersError } from './status.ts';

/** Of one reply; what is longer comes in several. */
const replyBytesMax = 1 << 30;
/** Replies that are read before they are asked for: stopping and going on costs more than a small one takes of memory. */
const aheadBytesMax = 16_384;

export interface ClientCallPorts {
  readonly garbage: Garbage;
  readonly onSent?: (() => void) | undefined;
}

export class ClientCall implements Resettable {
  readonly #address: string;
  readonly #request: Uint8Array;
  readonly #ports: ClientCallPorts;
  /** Undefined while it waits for a place among the streams of its connection. */
  #stream: ClientHttp2Stream | undefined;
  readonly #reader = new MessageReader(replyBytesMax);
  #trailers: IncomingHttpHeaders | undefined;
  #error: DbError | undefined;
  #isOver = false;
  #isLeft = false;
  /** Its whole answer has been read, and its request has gone out: nothing is left to reset. */
  #isWhole = false;
  /** Wakes the one who waits for a reply. */
  #wake: (() => void) | undefined;

  constructor(address: string, request: Uint8Array, ports: ClientCallPorts) {
    this.#address = address;
    this.#request = request;
    this.#ports = ports;
  }

  /** Sends the request. */
  start(stream: ClientHttp2Stream): void {
    this.#stream = stream;
    stream.on('response', (headers: IncomingHttpHeaders, flags: number) => {
      // An answer that is nothing but an error has it in its only headers.
      if ((flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0) this.#trailers = headers;
      if (Number(headers[':status']) !== 200) this.#end(this.#notGrpc(headers));
    });
    stream.on('trailers', (trailers: IncomingHttpHeaders) => {
      this.#trailers = trailers;
    });
    stream.on('data', (part: Buffer) => {
      this.#ports.garbage.passed(part.length);
      this.#push(part);
    });
    stream.on('error', () => undefined);
    // An answer without a body ends only for who has read it.
    stream.on('end', () => {
      if (this.#trailers === undefined) return;
      this.#isWhole = stream.writableFinished;
      this.#end(trailersError(this.#trailers));
    });
    stream.on('close', () => {
      this.#end(
        this.#trailers === undefined ? this.#broken(stream) : trailersError(this.#trailers),
      );
    });
    const parts = prefixed(this.#request);
    for (const part of parts)
      stream.write(part, (error) => {
        // What did not go out is looked at for as long as the connection likes.
        if (part === parts.at(-1) && !error) this.#ports.onSent?.();
      });
    stream.end();
  }

  /** It could not be sent. */
  fail(error: unknown): void {
    this.#end(isDbError(error) ? error : new DbError('unavailable', errorText(error)));
  }

  get hasEnded(): boolean {
    const stream = this.#stream;
    return stream === undefined || this.#isWhole || stream.closed || stream.destroyed;
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
      if (this.#stream?.isPaused() === true) this.#stream.resume();
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
    this.#stream?.resume();
    this.#tell();
  }

  reset(): void {
    this.#stream?.close(constants.NGHTTP2_CANCEL);
  }

  #push(part: Buffer): void {
    if (this.#isLeft || this.#isOver) return;
    try {
      this.#reader.push(part);
    } catch (error) {
      this.#end(isDbError(error) ? error : undefined);
      return;
    }
    if (!this.#reader.hasMessage) return;
    if (this.#reader.heldBytes > aheadBytesMax) this.#stream?.pause();
    this.#tell();
  }

  #take(): Uint8Array | undefined {
    try {
      return this.#reader.take();
    } catch (error) {
      this.#end(isDbError(error) ? error : undefined);
      return undefined;
    }
  }

  #end(error: DbError | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#error ??= error;
    this.#tell();
  }

  #broken({ pending, rstCode }: ClientHttp2Stream): DbError {
    // The two that say for sure that no handler was reached.
    if (pending || rstCode === constants.NGHTTP2_REFUSED_STREAM)
      return new DbError('unavailable', `${this.#address}: the request was not taken`);
    return new DbError('outcome_unknown', `${this.#address}: the connection broke`);
  }

  #notGrpc(headers: IncomingHttpHeaders): DbError {
    const text = `${this.#address}: answers with HTTP status ${String(headers[':status'])}`;
    return new DbError('unavailable', text);
  }

  #tell(): void {
    this.#wake?.();
    this.#wake = undefined;
  }
}
