import { Buffer } from 'node:buffer';
import { promisify } from 'node:util';
import type { Readable } from 'node:stream';
import { constants, createGzip, gzip, type Gzip } from 'node:zlib';
import type { WholeAnswer } from '../../../data/statements/started-answer.ts';
import { SmallZipper } from './small-zipper.ts';

const zipInThreadPool = promisify(gzip);
/** Below it compressing takes less time than handing the bytes to another thread. */
const smallBytesMax = 16_384;
let zipper: SmallZipper | undefined;

/** By the bytes of answers that are given again. Lists that are kept weigh as much more (data/statements/schema/known-lists.ts). */
const keptZipped = new WeakMap<Uint8Array, Buffer>();
const keptShareMax = 0.5;

/** The answer as gzip; one that is given again is zipped once, unless that hardly makes it smaller. */
export async function zipAnswer({ bytes, isKept }: WholeAnswer): Promise<Buffer> {
  const known = isKept === true ? keptZipped.get(bytes) : undefined;
  if (known !== undefined) return known;
  const zipped = await zip(bytes);
  if (isKept === true && zipped.length <= bytes.length * keptShareMax)
    keptZipped.set(bytes, zipped);
  return zipped;
}

async function zip(bytes: Uint8Array): Promise<Buffer> {
  if (bytes.length > smallBytesMax) return zipInThreadPool(bytes, { level: 1 });
  zipper ??= new SmallZipper(smallBytesMax);
  return zipper.zip(bytes);
}

/**
 * An answer in parts as gzip; whoever leaves it leaves them. `isPrompt`: a client that reads chunk by chunk must not wait for
 * the compressor to fill its window.
 */
export function zipParts(plain: Readable, { isPrompt }: { readonly isPrompt: boolean }): Gzip {
  const flush = isPrompt ? constants.Z_SYNC_FLUSH : constants.Z_NO_FLUSH;
  const zipped = createGzip({ level: 1, flush });
  plain.on('error', (error) => zipped.destroy(error));
  zipped.on('close', () => plain.destroy());
  return plain.pipe(zipped);
}

/** Pieces of a stream. It is destroyed also where they are left before one was asked for: they begin with one that is none. */
export async function piecesOf(stream: Readable): Promise<AsyncGenerator<Buffer>> {
  const pieces = begunPieces(stream);
  await pieces.next();
  return pieces;
}

async function* begunPieces(stream: Readable): AsyncGenerator<Buffer> {
  try {
    yield Buffer.alloc(0);
    for await (const piece of stream) yield piece as Buffer;
  } finally {
    stream.destroy();
  }
}

/** Whether a client says that it takes gzip, in its header `Accept-Encoding`. */
export function takesGzip(acceptEncoding: string): boolean {
  return /\bgzip\b/.test(acceptEncoding);
}
