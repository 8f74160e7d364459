import { uncompressSync } from 'snappy';
import { DbError, errorText } from '../base/errors.ts';
import { ByteReader } from './bytes.ts';

/** A copy of 64 bytes takes three: what says to become more than this is damaged, and gets no memory. */
const growthMax = 32;
const slackBytes = 64;

/** Undoes snappy's block format. Throws `corrupt`, saying of `what`, for what it cannot be undone of. */
export function unpackSnappy(bytes: Uint8Array, what: string): Uint8Array {
  const plainBytes = new ByteReader(bytes).uvarint();
  if (plainBytes > BigInt(bytes.length * growthMax + slackBytes))
    throw new DbError('corrupt', `${what} does not unpack: it says to be ${plainBytes} bytes`);
  try {
    return uncompressSync(Buffer.from(bytes), { asBuffer: true }) as Buffer;
  } catch (error) {
    throw new DbError('corrupt', `${what} does not unpack: ${errorText(error)}`);
  }
}
