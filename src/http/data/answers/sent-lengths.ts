import { Buffer } from 'node:buffer';
import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';

/** Bytes of the bodies of answers, for the access log: also of those whose length nobody knows before they have left. */
export class SentLengths {
  readonly #lengths = new WeakMap<FastifyReply, number>();

  /** `payload`: what fastify is about to send. */
  follow(reply: FastifyReply, payload: unknown): void {
    if (payload instanceof Readable) this.#count(reply, payload);
    else if (Buffer.isBuffer(payload)) this.#lengths.set(reply, payload.length);
    else if (typeof payload === 'string') this.#lengths.set(reply, Buffer.byteLength(payload));
  }

  of(reply: FastifyReply): number {
    return reply.request.method === 'HEAD' ? 0 : (this.#lengths.get(reply) ?? 0);
  }

  /** Each piece leaves by push(), of which the stream's own readers see nothing. */
  #count(reply: FastifyReply, stream: Readable): void {
    const push = stream.push.bind(stream);
    this.#lengths.set(reply, 0);
    stream.push = (piece: unknown, encoding?: BufferEncoding): boolean => {
      if (Buffer.isBuffer(piece))
        this.#lengths.set(reply, (this.#lengths.get(reply) ?? 0) + piece.length);
      return push(piece, encoding);
    };
  }
}
