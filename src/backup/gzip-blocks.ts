/**
 * A stream as gzip, in blocks that are compressed side by side: each block is a gzip member by itself, and members after
 * each other are one gzip file for everybody who reads such.
 */
import { Buffer } from 'node:buffer';
import { storedMember } from './stored-gzip.ts';

export type Compress = (block: Uint8Array, level: CompressingLevel) => Promise<Uint8Array>;

/** `entropy`: codes of bytes alone, without a search for what repeats. */
export type CompressingLevel = 'default' | 'entropy' | 'full' | 'speedy';
/** `stored`: gzip's form, not compressed. */
export type CompressionLevel = Exclude<CompressingLevel, 'entropy'> | 'stored';

export interface GzipOptions {
  readonly level: CompressionLevel;
  readonly blockBytes: number;
  /** Blocks that are compressed at a time. */
  readonly blockCount: number;
}

/** As it came, in one or more pieces. */
interface Block {
  readonly parts: readonly Uint8Array[];
  readonly lengthBytes: number;
}

/** Of a block that is looked at first: what comes out of a TSM file is small already. */
const sampleBytes = 32 * 1024;
/** A state to compress with costs as much to make as a tenth of a block: samples are few. */
const blocksPerSample = 8;
/** What saves less costs more time than it is worth: compressing takes longer than all the rest of the way. */
const worthwhileShare = 0.7;
/**
 * Texts of a TSM file have gone through snappy, which leaves little that repeats: codes alone make them as small, in a quarter of
 * the time. A search has to save so much more.
 */
const searchShare = 0.8;

/** Pieces have to stay as they are until what comes of them was taken. */
export async function* gzipBlocks(
  pieces: AsyncIterable<Uint8Array>,
  compress: Compress,
  { level, blockBytes, blockCount }: GzipOptions,
): AsyncGenerator<Uint8Array> {
  const members = new Members(compress, level);
  const running: Promise<readonly Uint8Array[]>[] = [];
  try {
    for await (const block of blocksOf(pieces, blockBytes)) {
      const compressed = members.of(block);
      // It is awaited in its turn, and may fail before.
      compressed.catch(() => undefined);
      running.push(compressed);
      if (running.length >= blockCount) yield* (await running.shift()) ?? [];
    }
    while (running.length > 0) yield* (await running.shift()) ?? [];
  } finally {
    await Promise.allSettled(running);
  }
}

/** Blocks of one stream on their way; `default` does with a block what is worth its time, the others do as they are told. */
class Members {
  readonly #compress: Compress;
  readonly #level: CompressionLevel;
  /** Of blocks that are done with: memory that is new costs as much as copying to it. As many as are compressed at a time. */
  readonly #free: Buffer[] = [];
  #blockCount = 0;
  #fitting: Promise<CompressingLevel | 'stored'> | undefined;

  constructor(compress: Compress, level: CompressionLevel) {
    this.#compress = compress;
    this.#level = level;
  }

  async of(block: Block): Promise<readonly Uint8Array[]> {
    const level = this.#level === 'default' ? await this.#levelFor(block) : this.#level;
    if (level === 'stored') return storedMember(block.parts);
    const whole = this.#joined(block);
    try {
      return [await this.#compress(whole.subarray(0, block.lengthBytes), level)];
    } finally {
      this.#free.push(whole);
    }
  }

  /** What fits a block is taken to fit the next ones: files of a shard are like each other. */
  #levelFor(block: Block): Promise<CompressingLevel | 'stored'> {
    if (block.lengthBytes <= sampleBytes) return Promise.resolve('default');
    if (this.#blockCount++ % blocksPerSample === 0 || this.#fitting === undefined)
      this.#fitting = fittingLevel(block, this.#compress);
    return this.#fitting;
  }

  #joined({ parts, lengthBytes }: Block): Buffer {
    const free = this.#free.pop();
    const whole =
      free !== undefined && free.length >= lengthBytes ? free : Buffer.allocUnsafeSlow(lengthBytes);
    let at = 0;
    for (const part of parts) {
      whole.set(part, at);
      at += part.length;
    }
    return whole;
  }
}

async function fittingLevel(
  block: Block,
  compress: Compress,
): Promise<CompressingLevel | 'stored'> {
  const sample = sampleOf(block);
  const codedBytes = (await compress(sample, 'entropy')).length;
  const searchedBytes = (await compress(sample, 'speedy')).length;
  if (Math.min(codedBytes, searchedBytes) >= sampleBytes * worthwhileShare) return 'stored';
  return searchedBytes < codedBytes * searchShare ? 'default' : 'entropy';
}

/** From the middle. */
function sampleOf({ parts, lengthBytes }: Block): Uint8Array {
  const from = Math.floor((lengthBytes - sampleBytes) / 2);
  let at = 0;
  const within = parts.map((part) => {
    const start = at;
    at += part.length;
    return part.subarray(Math.max(0, from - start), Math.max(0, from + sampleBytes - start));
  });
  return Buffer.concat(within, sampleBytes);
}

async function* blocksOf(
  pieces: AsyncIterable<Uint8Array>,
  blockBytes: number,
): AsyncGenerator<Block> {
  let [parts, lengthBytes]: [Uint8Array[], number] = [[], 0];
  for await (const piece of pieces) {
    parts.push(piece);
    lengthBytes += piece.length;
    if (lengthBytes < blockBytes) continue;
    yield { parts, lengthBytes };
    [parts, lengthBytes] = [[], 0];
  }
  if (lengthBytes > 0) yield { parts, lengthBytes };
}
