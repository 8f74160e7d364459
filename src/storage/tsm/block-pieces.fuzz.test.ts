import fc from 'fast-check';
import { crc32 } from 'node:zlib';
import { expect, test } from 'vitest';
import type { DiskFile } from '../../env/disk.ts';
import { PageCache } from '../pages/page-cache.ts';
import { BlockPieces } from './block-pieces.ts';

interface Place {
  readonly offset: number;
  readonly lengthBytes: number;
}

/** Blocks one behind the other, as a writer leaves them, and a disk that counts how often it is asked. */
function fileOf(lengths: readonly number[]) {
  const parts: Buffer[] = [Buffer.alloc(5)];
  const places: Place[] = [];
  let offset = 5;
  lengths.forEach((length, i) => {
    const block = Buffer.alloc(length, i + 1);
    const sum = Buffer.alloc(4);
    sum.writeUInt32BE(crc32(block));
    parts.push(sum, block);
    places.push({ offset, lengthBytes: length + 4 });
    offset += length + 4;
  });
  const bytes = Buffer.concat(parts);
  const reads = { count: 0 };
  const file = {
    path: 'a.tsm',
    lengthBytes: bytes.length,
    readIntoSync: (at: number, into: Uint8Array) => {
      reads.count++;
      return bytes.copy(into, 0, at);
    },
  } as unknown as DiskFile;
  return { bytes, places, file, reads };
}

const length = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 1, max: 3_000 }) },
  { weight: 1, arbitrary: fc.integer({ min: 20_000, max: 120_000 }) },
);
const lengths = fc.array(length, { minLength: 1, maxLength: 60 });

test('block pieces: in any order, with any cache, a block is what the file has, and the cache keeps its bound', () => {
  fc.assert(
    fc.property(
      lengths,
      fc.array(fc.nat(), { maxLength: 200 }),
      fc.constantFrom(0, 70_000, 1 << 24),
      (some, order, bytesMax) => {
        const { places, file } = fileOf(some);
        const cache = new PageCache(bytesMax);
        const pieces = new BlockPieces(file, cache);
        // Each is about 37,000 bytes, but for blocks that are larger: one may be held in excess.
        const oneMost = Math.max(...some) * 2 + 80_000;
        for (const turn of order) {
          const i = turn % places.length;
          const { offset, lengthBytes } = places[i] ?? { offset: 0, lengthBytes: 0 };
          expect(Buffer.compare(pieces.block({ offset, lengthBytes }), Buffer.alloc(lengthBytes - 4, i + 1))).toBe(0); // prettier-ignore
          expect(cache.usedBytes).toBeLessThanOrEqual(bytesMax + oneMost);
        }
        pieces.close();
        expect(cache.usedBytes).toBe(0);
      },
    ),
    { numRuns: 200, seed: 1 },
  );
});

test('block pieces: a bit that changed costs the block that has it, each time, and no other', () => {
  fc.assert(
    fc.property(lengths, fc.nat(), fc.nat(7), (some, where, bit) => {
      const { bytes, places, file } = fileOf(some);
      const at = 5 + (where % (bytes.length - 5));
      bytes[at] = (bytes[at] ?? 0) ^ (1 << bit);
      const pieces = new BlockPieces(file, new PageCache(1 << 24));
      for (let round = 0; round < 2; round++)
        for (const place of places) {
          const isHit = at >= place.offset && at < place.offset + place.lengthBytes;
          if (isHit)
            expect(() => pieces.block(place)).toThrow(`a.tsm: the block at ${place.offset} is damaged`); // prettier-ignore
          else expect(pieces.block(place).length).toBe(place.lengthBytes - 4);
        }
    }),
    { numRuns: 200, seed: 1 },
  );
});

test('block pieces: neighbours come with one read, and a warm block with none', () => {
  const { places, file, reads } = fileOf(Array.from({ length: 400 }, () => 100));
  const pieces = new BlockPieces(file, new PageCache(1 << 24));
  for (const place of places) pieces.block(place);
  // 41,605 bytes are two pieces.
  expect(reads.count).toBe(2);
  for (const place of places) pieces.block(place);
  expect(reads.count).toBe(2);
});

test('block pieces: a disk that reads a block right the second time is believed', () => {
  const { bytes, places, file } = fileOf([50, 50]);
  const pieces = new BlockPieces(file, new PageCache(1 << 24));
  const [, second = { offset: 0, lengthBytes: 0 }] = places;
  bytes[second.offset + 9] = 0;
  expect(() => pieces.block(second)).toThrow('is damaged');
  bytes[second.offset + 9] = 2;
  expect(pieces.block(second)).toEqual(Uint8Array.from(Buffer.alloc(50, 2)));
});

test('block pieces: a scan of much pushes itself out, not what is asked for again', () => {
  const { places, file, reads } = fileOf(Array.from({ length: 400 }, () => 4_000));
  // Room for some ten pieces of fifty.
  const pieces = new BlockPieces(file, new PageCache(400_000));
  const [hot = { offset: 0, lengthBytes: 0 }] = places;
  pieces.block(hot);
  for (const place of places) {
    const before = reads.count;
    pieces.block(hot);
    expect(reads.count).toBe(before);
    pieces.block(place);
  }
});
