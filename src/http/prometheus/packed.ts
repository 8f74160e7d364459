import { DbError, isDbError } from '../../base/errors.ts';
import { unpackSnappyApart } from '../../codec/snappy.ts';

/** The message that a body of Prometheus packs. Throws the reference's text for what is none; `bytesMax` 0 is no limit. */
export async function unpackRequest(body: Uint8Array, bytesMax: number): Promise<Uint8Array> {
  try {
    const limit = bytesMax === 0 ? Number.MAX_SAFE_INTEGER : bytesMax;
    return await unpackSnappyApart(body, { what: 'the message', bytesMax: limit });
  } catch (error) {
    if (!isDbError(error)) throw error;
    if (error.code === 'too_large') throw new DbError('too_large', 'Request Entity Too Large');
    throw new DbError('invalid_argument', 'snappy: corrupt input', { cause: error });
  }
}
