import { Buffer } from 'node:buffer';
import { compress, uncompress, uncompressSync } from 'snappy';
import { DbError, errorText } from '../base/errors.ts';
import { ByteReader } from './bytes.ts';

/** A copy of 64 bytes takes three: what says to become more than this is damaged, and gets no memory. */
const growthMax = 32;
const slackBytes = 64;

/** Undoes snappy's block format. Throws `corrupt`, saying of `what`, for what it cannot be undone of. */
export function unpackSnappy(bytes: Uint8Array, what: string): Uint8Array {
  checkLength(bytes, what);
  try {
    return uncompressSync(Buffer.from(bytes), { asBuffer: true }) as Buffer;
  } catch (error) {
    throw new DbError('corrupt', `${what} does not unpack: ${errorText(error)}`);
  }
}

/** The same on a thread of its own; of more than `bytesMax` bytes `too_large` is thrown. */
export async function unpackSnappyApart(
  bytes: Uint8Array,
  { what, bytesMax }: { readonly what: string; readonly bytesMax: number },
): Promise<Uint8Array> {
  if (checkLength(bytes, what) > bytesMax) throw new DbError('too_large', `${what} is too large`);
  try {
    return (await uncompress(Buffer.from(bytes), { asBuffer: true })) as Buffer;
  } catch (error) {
    throw new DbError('corrupt', `${what} does not unpack: ${errorText(error)}`);
  }
}

/** Snappy's block format, made on a thread of its own. */
export function packSnappyApart(bytes: Uint8Array): Promise<Uint8Array> {
  return compress(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
}

/** The length that the bytes say they become. */
function checkLength(bytes: Uint8Array, what: string): number {
  const plainBytes = new ByteReader(bytes).uvarint();
  if (plainBytes > BigInt(bytes.length * growthMax + slackBytes))
    throw new DbError('corrupt', `${what} does not unpack: it says to be ${plainBytes} bytes`);
  return Number(plainBytes);
}
