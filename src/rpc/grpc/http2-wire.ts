import { constants, type ClientHttp2Stream, type IncomingHttpHeaders } from 'node:http2';
import type { CallWire } from './call-wire.ts';
import type { ClientCall } from './client-call.ts';
import type { Garbage } from './garbage.ts';
import { prefixed } from './length-prefixed.ts';
import { trailersError } from './status.ts';

/** A call on a stream of Node's: sends its request, and hands it what comes. */
export class Http2Wire implements CallWire {
  readonly #stream: ClientHttp2Stream;
  #trailers: IncomingHttpHeaders | undefined;
  #isWhole = false;

  constructor(call: ClientCall, stream: ClientHttp2Stream, garbage: Garbage) {
    this.#stream = stream;
    stream.on('response', (headers: IncomingHttpHeaders, flags: number) => {
      // An answer that is nothing but an error has it in its only headers.
      if ((flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0) this.#trailers = headers;
      if (Number(headers[':status']) !== 200) call.end(call.notGrpc(headers[':status']));
    });
    stream.on('trailers', (trailers: IncomingHttpHeaders) => {
      this.#trailers = trailers;
    });
    stream.on('data', (part: Buffer) => {
      garbage.passed(part.length);
      call.took(part);
    });
    stream.on('error', () => undefined);
    // An answer without a body ends only for who has read it.
    stream.on('end', () => {
      if (this.#trailers === undefined) return;
      this.#isWhole = stream.writableFinished;
      call.end(trailersError(this.#trailers));
    });
    stream.on('close', () => {
      if (this.#trailers !== undefined) call.end(trailersError(this.#trailers));
      // The two that say for sure that no handler was reached.
      else if (stream.pending || stream.rstCode === constants.NGHTTP2_REFUSED_STREAM)
        call.end(call.notTaken());
      else call.end(call.broken());
    });
    const parts = prefixed(call.request);
    for (const part of parts)
      stream.write(part, (error) => {
        // What did not go out is looked at for as long as the connection likes.
        if (part === parts.at(-1) && !error) call.onSent?.();
      });
    stream.end();
  }

  get hasEnded(): boolean {
    return this.#isWhole || this.#stream.closed || this.#stream.destroyed;
  }

  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }

  reset(): void {
    this.#stream.close(constants.NGHTTP2_CANCEL);
  }
}
