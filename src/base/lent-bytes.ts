import { Buffer } from 'node:buffer';

/**
 * Parts of a long answer cross threads in shared memory that is written again once the part behind the next is asked for:
 * whoever keeps one longer than until he asks for the next keeps a copy.
 */
export function keptBytes(part: Buffer): Buffer {
  return part.buffer instanceof SharedArrayBuffer ? Buffer.from(part) : part;
}
