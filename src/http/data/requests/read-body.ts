import type { Buffer } from 'node:buffer';
import type { FastifyRequest } from 'fastify';
import { DbError } from '../../../base/errors.ts';
import type { BodyPlace } from './body-budget.ts';
import { GatheredBody, type BodyBuffers } from './gathered-body.ts';
import type { IdleWatch } from './idle-watch.ts';

export interface ReadBodyOptions {
  readonly buffers: BodyBuffers;
  /** 0: no limit. */
  readonly bytesMax: number;
  readonly place: BodyPlace;
  /** A client that sends nothing for so long is left. */
  readonly idle: IdleWatch;
}

/**
 * The body of a request in one buffer, which its length, when the client gives it, is taken for once: pieces are copied to
 * their place as they come, each after it has its place in the budget. It is the caller's to give back. Throws `too_large` past `bytesMax`, and
 * `cancelled` when the client leaves or sends nothing any more, whose connection is then closed.
 */
export function readBody(
  payload: FastifyRequest['raw'],
  { bytesMax, place, idle, buffers }: ReadBodyOptions,
): Promise<Buffer> {
  const limit = bytesMax === 0 ? Number.MAX_SAFE_INTEGER : bytesMax;
  const declared = Number(payload.headers['content-length'] ?? Number.NaN);
  const tooLarge = (): DbError => {
    // What is still to come is read and dropped, so that the client reads the answer.
    payload.removeAllListeners('data').resume();
    return new DbError('too_large', 'Request Entity Too Large');
  };
  if (declared > limit) return Promise.reject(tooLarge());
  return new Promise((resolve, reject) => {
    const announced = Number.isSafeInteger(declared) ? declared : 0;
    const body = new GatheredBody(buffers, announced);
    let hasEnded = false;
    let waiting: Promise<void> | undefined;
    const fail = (error: DbError): void => {
      if (hasEnded) return;
      hasEnded = true;
      watch.cancel();
      body.drop();
      reject(error);
    };
    const watch = idle.add(() => body.lengthBytes, () => {
      // Its own fault only when the budget has room for it.
      if (waiting !== undefined) return;
      fail(new DbError('cancelled', 'the client sends nothing any more'));
      payload.destroy();
    }); // prettier-ignore
    payload.on('data', (piece: Buffer) => {
      if (hasEnded) return;
      if (body.lengthBytes + piece.length > limit) {
        fail(tooLarge());
        return;
      }
      body.add(piece);
      waiting = place.take(piece.length)?.then(() => {
        waiting = undefined;
        payload.resume();
      });
      if (waiting !== undefined) payload.pause();
    });
    const finish = (): void => {
      resolve(body.finish());
    };
    payload.on('end', () => {
      if (hasEnded) return;
      hasEnded = true;
      watch.cancel();
      if (waiting === undefined) finish();
      else void waiting.then(finish);
    });
    const left = (cause?: unknown): void => {
      // An error has the stack of where it is made, which costs: each connection closes one day.
      if (!hasEnded) fail(new DbError('cancelled', 'the client has left', { cause }));
    };
    payload.on('error', left);
    payload.on('close', left);
  });
}
