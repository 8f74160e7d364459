import type { Buffer } from 'node:buffer';
import { DbError, isDbError } from '../../../base/errors.ts';
import type { Jobs } from '../../../env/jobs.ts';
import type { BodyPlace } from './body-budget.ts';
import type { BodyBuffers } from './gathered-body.ts';

export interface UnzipParts {
  readonly jobs: Pick<Jobs, 'run'>;
  /** What may come out, which is what a body may be; 0: no limit. */
  readonly bytesMax: number;
  /** In which what has come out is counted. */
  readonly place: BodyPlace | undefined;
  /** Whose the zipped bytes are; they go back there. */
  readonly buffers: BodyBuffers;
}

const headerBytes = 10;

/**
 * The lines of a body that came as gzip, unzipped off this thread. Throws `too_large`, and the reference's texts of bytes
 * that are no gzip.
 */
export async function unzippedBody(
  body: Buffer,
  { jobs, bytesMax, place, buffers }: UnzipParts,
): Promise<Uint8Array> {
  // Less than a header of gzip is told from a wrong one.
  if (body.length < headerBytes)
    throw new DbError('invalid_argument', body.length === 0 ? 'EOF' : 'unexpected EOF');
  const lengthBytesMax = bytesMax === 0 ? Number.MAX_SAFE_INTEGER : bytesMax;
  const bytes = new Uint8Array(body);
  buffers.giveBack(body);
  try {
    const lines = await jobs.run('gunzip', { bytes, lengthBytesMax });
    await place?.take(lines.length);
    return ownedBytes(lines);
  } catch (error) {
    if (isDbError(error, 'too_large')) throw new DbError('too_large', 'Request Entity Too Large');
    throw error;
  }
}

/** A body as another thread may have it: in a buffer of its own, or in memory that is shared. */
export function ownedBytes(bytes: Uint8Array): Uint8Array {
  if (bytes.buffer instanceof SharedArrayBuffer) return bytes;
  const ownsAll = bytes.byteLength === bytes.buffer.byteLength && bytes.byteLength > 0;
  return ownsAll ? new Uint8Array(bytes.buffer) : new Uint8Array(bytes);
}
