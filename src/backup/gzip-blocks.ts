/**
 * A stream as gzip, in blocks that are compressed side by side: each block is a gzip member by itself, and members after
 * each other are one gzip file for everybody who reads such.
 */
import { Buffer } from 'node:buffer';

export type Compress = (block: Uint8Array, level: CompressionLevel) => Promise<Uint8Array>;

/** `stored`: gzip's form, not compressed. */
export type CompressionLevel = 'default' | 'full' | 'speedy' | 'stored';

export interface GzipOptions {
  readonly level: CompressionLevel;
  readonly blockBytes: number;
  /** Blocks that are compressed at a time. */
  readonly blockCount: number;
}

/** Of a block that is looked at first: what comes out of a TSM file is small already. */
const sampleBytes = 32 * 1024;
/** What saves less costs more time than it is worth: compressing takes longer than all the rest of the way. */
const worthwhileShare = 0.7;

export async function* gzipBlocks(
  pieces: AsyncIterable<Uint8Array>,
  compress: Compress,
  { level, blockBytes, blockCount }: GzipOptions,
): AsyncGenerator<Uint8Array> {
  const running: Promise<Uint8Array>[] = [];
  try {
    for await (const block of blocksOf(pieces, blockBytes)) {
      const compressed = compressBlock(block, compress, level);
      // It is awaited in its turn, and may fail before.
      compressed.catch(() => undefined);
      running.push(compressed);
      if (running.length < blockCount) continue;
      const first = await running.shift();
      if (first !== undefined) yield first;
    }
    for (let next = running.shift(); next !== undefined; next = running.shift()) yield await next;
  } finally {
    await Promise.allSettled(running);
  }
}

/** `default` leaves blocks as they are that get no smaller; the others do as they are told. */
async function compressBlock(
  block: Uint8Array,
  compress: Compress,
  level: CompressionLevel,
): Promise<Uint8Array> {
  if (level !== 'default' || block.length <= sampleBytes) return compress(block, level);
  const from = Math.floor((block.length - sampleBytes) / 2);
  const sample = await compress(block.subarray(from, from + sampleBytes), 'speedy');
  const isWorthwhile = sample.length < sampleBytes * worthwhileShare;
  return compress(block, isWorthwhile ? 'default' : 'stored');
}

async function* blocksOf(
  pieces: AsyncIterable<Uint8Array>,
  blockBytes: number,
): AsyncGenerator<Uint8Array> {
  let [parts, bytes]: [Uint8Array[], number] = [[], 0];
  for await (const piece of pieces) {
    parts.push(piece);
    bytes += piece.length;
    if (bytes < blockBytes) continue;
    yield Buffer.concat(parts, bytes);
    [parts, bytes] = [[], 0];
  }
  if (bytes > 0) yield Buffer.concat(parts, bytes);
}
