import { constants, gunzipSync, gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { Latch } from '../base/async/latch.ts';
import { Prng } from '../base/prng.ts';
import { gzipBlocks, type CompressingLevel } from './gzip-blocks.ts';

// eslint-disable-next-line @typescript-eslint/require-await
async function* pieces(bytes: Uint8Array, pieceBytes: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
}

const levels: CompressingLevel[] = [];
const compress = (block: Uint8Array, level: CompressingLevel): Promise<Uint8Array> => {
  levels.push(level);
  const strategy = level === 'entropy' ? constants.Z_HUFFMAN_ONLY : constants.Z_DEFAULT_STRATEGY;
  return Promise.resolve(gzipSync(block, { level: constants.Z_BEST_SPEED, strategy }));
};

async function packed(
  bytes: Uint8Array,
  options: Partial<Parameters<typeof gzipBlocks>[2]>,
): Promise<Buffer> {
  levels.length = 0;
  const all: Uint8Array[] = [];
  const given = { level: 'default', blockBytes: 100_000, blockCount: 3, ...options } as const;
  for await (const part of gzipBlocks(pieces(bytes, 7_000), compress, given)) all.push(part);
  return Buffer.concat(all);
}

test('gzip: blocks after each other are one gzip file, in order', async () => {
  const text = Buffer.from(Array.from({ length: 60_000 }, (_, i) => `${i} `).join(''));
  for (const level of ['default', 'full', 'speedy', 'stored'] as const)
    expect(gunzipSync(await packed(text, { level }))).toEqual(text);
  expect((await packed(Buffer.alloc(0), {})).length).toBe(0);
});

test('gzip: by default what gets no smaller is stored, and what does is not', async () => {
  const random = new Prng([5, 6, 7, 8]);
  const noise = Buffer.from(Array.from({ length: 250_000 }, () => random.u32() & 255));
  expect(gunzipSync(await packed(noise, {}))).toEqual(noise);
  // Samples alone.
  expect(new Set(levels)).toEqual(new Set(['entropy', 'speedy']));
  await packed(Buffer.alloc(250_000, 'abcdef'), {});
  expect(levels.filter((level) => level === 'default').length).toBe(3);
});

test('gzip: by default what repeats is searched for only where that makes it much smaller than codes alone', async () => {
  const random = new Prng([9, 6, 7, 8]);
  const digits = Buffer.from(Array.from({ length: 300_000 }, () => 48 + (random.u32() & 15)));
  expect(gunzipSync(await packed(digits, {}))).toEqual(digits);
  // One sample, and three blocks.
  expect(levels.filter((level) => level === 'entropy').length).toBe(4);
  expect(levels.filter((level) => level === 'default').length).toBe(0);
});

test('gzip: what fits is looked at again while a stream goes on', async () => {
  const random = new Prng([3, 6, 7, 8]);
  const noise = Array.from({ length: 800_000 }, () => random.u32() & 255);
  const bytes = Buffer.concat([Buffer.from(noise), Buffer.alloc(800_000, 'abcdef')]);
  const gzip = await packed(bytes, {});
  expect(gunzipSync(gzip).equals(bytes)).toBe(true);
  expect(gzip.length).toBeLessThan(1_000_000);
  expect(levels.filter((level) => level === 'entropy').length).toBe(2);
});

test('gzip: what is stored has views of the pieces and heads between them, at every length', async () => {
  levels.length = 0;
  const random = new Prng([1, 2, 3, 4]);
  const bytes = Buffer.from(Array.from({ length: 200_000 }, () => random.u32() & 255));
  for (const lengthBytes of [1, 2, 65_535, 65_536, 131_070, 131_071, 200_000])
    for (const pieceBytes of [1_000, 65_535, 65_536, 200_000]) {
      const whole = bytes.subarray(0, lengthBytes);
      const all: Uint8Array[] = [];
      const options = { level: 'stored', blockBytes: 100_000, blockCount: 2 } as const;
      for await (const part of gzipBlocks(pieces(whole, pieceBytes), compress, options)) all.push(part); // prettier-ignore
      expect(gunzipSync(Buffer.concat(all)).equals(whole)).toBe(true);
      const copied = all.filter((part) => part.length > 18 && part.buffer !== bytes.buffer);
      expect(copied).toEqual([]);
    }
  expect(levels).toEqual([]);
});

test('gzip: a block that fails fails the stream, after those under way have ended', async () => {
  const held = new Latch<Uint8Array>();
  let calls = 0;
  const failing = (): Promise<Uint8Array> => {
    calls++;
    return calls === 2 ? Promise.reject(new Error('no memory')) : held.promise;
  };
  const options = { level: 'full', blockBytes: 10, blockCount: 3 } as const;
  const run = (async () => {
    for await (const _ of gzipBlocks(pieces(Buffer.alloc(100), 10), failing, options));
  })();
  held.open(Buffer.from('x'));
  await expect(run).rejects.toThrow('no memory');
});
