import { Buffer } from 'node:buffer';
import type { FastifyRequest } from 'fastify';
import { DbError } from '../../base/errors.ts';

/**
 * The body of a request in one buffer of its own, which its length, when the client gives it, is taken for once: pieces
 * are copied to their place as they come. Throws `too_large` past `bytesMax` (0: no limit); rejects with the stream's own
 * error when the client leaves.
 */
export function readBody(payload: FastifyRequest['raw'], bytesMax: number): Promise<Buffer> {
  const limit = bytesMax === 0 ? Number.MAX_SAFE_INTEGER : bytesMax;
  const declared = Number(payload.headers['content-length'] ?? Number.NaN);
  const tooLarge = (): DbError => {
    // What is still to come is read and dropped, so that the client reads the answer.
    payload.removeAllListeners('data').resume();
    return new DbError('too_large', 'Request Entity Too Large');
  };
  if (declared > limit) return Promise.reject(tooLarge());
  return new Promise((resolve, reject) => {
    let body = Buffer.allocUnsafeSlow(Number.isSafeInteger(declared) ? declared : 0); // prettier-ignore
    let lengthBytes = 0;
    payload.on('data', (piece: Buffer) => {
      const needed = lengthBytes + piece.length;
      if (needed > limit) {
        reject(tooLarge());
        return;
      }
      if (needed > body.length) body = grown(body, lengthBytes, needed);
      body.set(piece, lengthBytes);
      lengthBytes = needed;
    });
    payload.on('end', () => {
      resolve(lengthBytes === body.length ? body : copied(body.subarray(0, lengthBytes)));
    });
    payload.on('error', reject);
  });
}

function grown(body: Buffer, lengthBytes: number, needed: number): Buffer<ArrayBuffer> {
  const larger = Buffer.allocUnsafeSlow(Math.max(needed, body.length * 2));
  body.copy(larger, 0, 0, lengthBytes);
  return larger;
}

/** Not from Node's pool, which other buffers share. */
function copied(bytes: Uint8Array): Buffer<ArrayBuffer> {
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  copy.set(bytes);
  return copy;
}
