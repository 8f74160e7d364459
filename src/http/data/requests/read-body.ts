import { Buffer } from 'node:buffer';
import type { FastifyRequest } from 'fastify';
import { DbError } from '../../../base/errors.ts';
import { MiB } from '../../../base/units.ts';
import type { BodyPlace } from './body-budget.ts';
import type { IdleWatch } from './idle-watch.ts';

/** Of an announced length that much is believed before it has come. */
const announcedBytesMax = 2 * MiB;

/** Where bodies are put together. What is lent comes back when the body is not to be. */
export interface BodyBuffers {
  lend(lengthBytes: number): Uint8Array;
  giveBack(bytes: Uint8Array): void;
}

/** Of each body its own, which the collector takes. */
export const ownBuffers: BodyBuffers = {
  lend: (lengthBytes) => Buffer.allocUnsafeSlow(lengthBytes),
  giveBack: () => undefined,
};

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
    let body = buffers.lend(Math.min(announced, announcedBytesMax));
    let lengthBytes = 0;
    let hasEnded = false;
    let waiting: Promise<void> | undefined;
    const fail = (error: DbError): void => {
      if (hasEnded) return;
      hasEnded = true;
      watch.cancel();
      buffers.giveBack(body);
      reject(error);
    };
    const watch = idle.add(() => lengthBytes, () => {
      // Its own fault only when the budget has room for it.
      if (waiting !== undefined) return;
      fail(new DbError('cancelled', 'the client sends nothing any more'));
      payload.destroy();
    }); // prettier-ignore
    payload.on('data', (piece: Buffer) => {
      if (hasEnded) return;
      const needed = lengthBytes + piece.length;
      if (needed > limit) {
        fail(tooLarge());
        return;
      }
      if (needed > body.length) {
        const least = announced >= needed ? announced : Math.max(needed, body.length * 2);
        body = grown(body, lengthBytes, buffers.lend(least), buffers);
      }
      body.set(piece, lengthBytes);
      lengthBytes = needed;
      waiting = place.take(piece.length)?.then(() => {
        waiting = undefined;
        payload.resume();
      });
      if (waiting !== undefined) payload.pause();
    });
    const finish = (): void => {
      resolve(Buffer.from(body.buffer, body.byteOffset, lengthBytes));
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

/** The bytes so far at the start of a larger buffer. */
function grown(
  body: Uint8Array,
  lengthBytes: number,
  larger: Uint8Array,
  buffers: BodyBuffers,
): Uint8Array {
  larger.set(body.subarray(0, lengthBytes));
  buffers.giveBack(body);
  return larger;
}
