import { Buffer } from 'node:buffer';
import type { FastifyRequest } from 'fastify';
import { DbError } from '../../base/errors.ts';
import { MiB } from '../../base/units.ts';
import type { Clock, Timer } from '../../env/clock.ts';
import type { BodyPlace } from './body-budget.ts';

/** Of an announced length that much is believed before it has come. */
const announcedBytesMax = 2 * MiB;

export interface ReadBodyOptions {
  /** 0: no limit. */
  readonly bytesMax: number;
  readonly place: BodyPlace;
  readonly clock: Clock;
  /** A client that sends nothing for so long is left. */
  readonly idleMs: number;
}

/**
 * The body of a request in one buffer of its own, which its length, when the client gives it, is taken for once: pieces
 * are copied to their place as they come, each after it has its place in the budget. Throws `too_large` past `bytesMax`, and
 * `cancelled` when the client leaves or sends nothing any more, whose connection is then closed.
 */
export function readBody(
  payload: FastifyRequest['raw'],
  { bytesMax, place, clock, idleMs }: ReadBodyOptions,
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
    let body = Buffer.allocUnsafeSlow(Math.min(announced, announcedBytesMax));
    let lengthBytes = 0;
    let hasEnded = false;
    let waiting: Promise<void> | undefined;
    const watch = watchProgress(clock, idleMs, () => lengthBytes, () => {
      // Its own fault only when the budget has room for it.
      if (waiting !== undefined) return;
      reject(new DbError('cancelled', 'the client sends nothing any more'));
      payload.destroy();
    }); // prettier-ignore
    payload.on('data', (piece: Buffer) => {
      const needed = lengthBytes + piece.length;
      if (needed > limit) {
        watch.cancel();
        reject(tooLarge());
        return;
      }
      if (needed > body.length)
        body = grown(
          body,
          lengthBytes,
          announced >= needed ? announced : Math.max(needed, body.length * 2),
        );
      body.set(piece, lengthBytes);
      lengthBytes = needed;
      waiting = place.take(piece.length)?.then(() => {
        waiting = undefined;
        payload.resume();
      });
      if (waiting !== undefined) payload.pause();
    });
    const finish = (): void => {
      resolve(lengthBytes === body.length ? body : copied(body.subarray(0, lengthBytes)));
    };
    payload.on('end', () => {
      hasEnded = true;
      watch.cancel();
      if (waiting === undefined) finish();
      else void waiting.then(finish);
    });
    const left = (cause?: unknown): void => {
      if (hasEnded) return;
      watch.cancel();
      reject(new DbError('cancelled', 'the client has left', { cause }));
    };
    payload.on('error', left);
    payload.on('close', left);
  });
}

/** Calls `onIdle` when the measure has not grown for `idleMs`, and again as long as it does not. */
function watchProgress(
  clock: Clock,
  idleMs: number,
  measure: () => number,
  onIdle: () => void,
): Timer {
  let before = measure();
  return clock.every(idleMs, () => {
    const now = measure();
    if (now === before) onIdle();
    before = now;
  });
}

/** With room for `least` bytes, and for as much again when nobody has said how long it will be. */
function grown(body: Buffer, lengthBytes: number, least: number): Buffer<ArrayBuffer> {
  const larger = Buffer.allocUnsafeSlow(least);
  body.copy(larger, 0, 0, lengthBytes);
  return larger;
}

/** Not from Node's pool, which other buffers share. */
function copied(bytes: Uint8Array): Buffer<ArrayBuffer> {
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  copy.set(bytes);
  return copy;
}
