import { expect, test } from 'vitest';
import { RepeatedText } from '../../repeated-text.ts';
import type { Column } from '../../column.ts';
import type { RowChunk } from '../series/series-rows.ts';
import { chunkBytes, streamBytes } from './chunk-bytes.ts';
import { listOf, type ChunkStream, type StreamList } from './chunk-stream.ts';
import { mergeChunks } from './merge-chunks.ts';

const rowCount = 100;
/** Of a stream with rows of a time and a float. */
const heldBytes = streamBytes(chunkOf(new BigInt64Array(rowCount)));

/** Rows of a series that are written at the same times as those of others. */
function streamOf(chunkCount: number): ChunkStream {
  let at = 0;
  return {
    next() {
      if (at === chunkCount) return undefined;
      const firstNs = BigInt(at++ * rowCount);
      return chunkOf(BigInt64Array.from({ length: rowCount }, (_, i) => firstNs + BigInt(i)));
    },
  };
}

function chunkOf(timesNs: BigInt64Array): RowChunk {
  return { timesNs, columns: [{ type: 'float', values: new Float64Array(timesNs.length) }] };
}

function merging(streamCount: number, charge: (bytes: number) => void) {
  const streams = Array.from({ length: streamCount }, () => streamOf(3));
  return mergeChunks(listOf(streams), ['float'], { ascending: true, charge });
}

test.each(['to its end', 'given up'])(
  'merge of chunks: a chunk of each stream is charged as long as it is at hand, where it is read %s',
  (how) => {
    let held = 0;
    let most = 0;
    const chunks = merging(50, (bytes) => {
      held += bytes;
      most = Math.max(most, held);
    });
    if (how === 'given up') chunks.next();
    else for (const _ of chunks);
    expect(most).toBe(50 * heldBytes);
    chunks.return(undefined);
    expect(held).toBe(0);
  },
);

test('merge of chunks: who may hold no more ends it, with nothing charged', () => {
  let held = 0;
  const chunks = merging(50, (bytes) => {
    if (held + bytes > 10 * heldBytes) throw new Error('too much');
    held += bytes;
  });
  expect(() => chunks.next()).toThrow('too much');
  expect(held).toBe(0);
});

test('merge of chunks: series of a row each are charged for being open, and others run while they are opened', () => {
  let held = 0;
  let most = 0;
  const streams = Array.from({ length: 1_000 }, (_, i) => streamOfOne(BigInt(i)));
  const charge = (bytes: number): void => {
    held += bytes;
    most = Math.max(most, held);
  };
  const order = { ascending: true, charge };
  let pauseCount = 0;
  for (const { timesNs } of mergeChunks(listOf(streams), ['float'], order)) {
    if (timesNs.length > 0) break;
    pauseCount++;
  }
  expect(pauseCount).toBeGreaterThan(2);
  expect(most).toBeGreaterThan(1_000_000);
});

function streamOfOne(timeNs: bigint): ChunkStream {
  const chunks = [chunkOf(BigInt64Array.of(timeNs)), chunkOf(BigInt64Array.of(timeNs + 5_000n))];
  return { next: () => chunks.shift() };
}

test('chunk bytes: a text that is the same in all rows counts once, and is not made for it', () => {
  const timesNs = new BigInt64Array(1_000);
  const tag = new RepeatedText(Buffer.from('host'), 1_000) as unknown as Column;
  const texts: Column = { type: 'string', values: { offsets: Uint32Array.of(0, 2, 5), bytes: new Uint8Array(5) }, valid: Uint8Array.of(1, 1) }; // prettier-ignore
  expect(chunkBytes({ timesNs, columns: [tag] })).toBe(8_000 + 4);
  expect(chunkBytes({ timesNs: timesNs.subarray(0, 2), columns: [texts] })).toBe(16 + 12 + 5 + 2);
});

/** Series of two chunks each that begin one after the other; tells how many are open. */
function successive(
  count: number,
  tally: { open: number; most: number; made: number },
): StreamList {
  return {
    count,
    boundNs: (place) => (place % 3 === 0 ? 'none' : BigInt(place) * 10n - 3n),
    at(place) {
      tally.open++;
      tally.made++;
      tally.most = Math.max(tally.most, tally.open);
      const chunks = [0n, 5n].map((laterNs) => chunkOf(BigInt64Array.of(BigInt(place) * 10n + laterNs))); // prettier-ignore
      return {
        next() {
          const chunk = chunks.shift();
          if (chunk === undefined) tally.open--;
          return chunk;
        },
      };
    },
  };
}

test('merge of chunks: of series that begin when others have ended few are open at once, and little is charged', () => {
  const tally = { open: 0, most: 0, made: 0 };
  let held = 0;
  let most = 0;
  const charge = (bytes: number): void => {
    held += bytes;
    most = Math.max(most, held);
  };
  const timesNs: bigint[] = [];
  let chunkCount = 0;
  for (const chunk of mergeChunks(successive(30_000, tally), ['float'], { ascending: true, charge })) {timesNs.push(...chunk.timesNs); if (chunk.timesNs.length > 0) chunkCount++;} // prettier-ignore
  const wanted = Array.from({ length: 30_000 }, (_, place) => (place % 3 === 0 ? [] : [BigInt(place) * 10n, BigInt(place) * 10n + 5n])).flat(); // prettier-ignore
  expect(timesNs).toEqual(wanted);
  expect(tally).toEqual({ open: 0, most: 1, made: 20_000 });
  expect(chunkCount).toBeLessThan(100);
  expect(most).toBeLessThan(400_000);
  expect(held).toBe(0);
});

test('merge of chunks: where a few rows are wanted no more series are opened than have them', () => {
  const tally = { open: 0, most: 0, made: 0 };
  const order = { ascending: true, rowsFirst: 4 };
  let rows = 0;
  for (const chunk of mergeChunks(successive(30_000, tally), ['float'], order)) {
    rows += chunk.timesNs.length;
    if (rows >= 4) break;
  }
  expect(rows).toBe(4);
  expect(tally.made).toBeLessThan(5);
});

test('merge of chunks: where a few rows are wanted few series are asked when they begin', () => {
  let [askedCount, madeCount] = [0, 0];
  // Nothing is known of them at first but what is so of all of a shard.
  const beginning: StreamList = {
    count: 30_000,
    boundNs: () => 0n,
    nearerNs(place) {
      askedCount++;
      if (place % 3 === 0) return 'none';
      return place % 3 === 1 ? 7n : 0n;
    },
    at(place) {
      madeCount++;
      const firstNs = place % 3 === 1 ? 7n : 0n;
      return streamOfOne(firstNs);
    },
  };
  const rows: bigint[] = [];
  for (const { timesNs } of mergeChunks(beginning, ['float'], { ascending: true, rowsFirst: 4 }))
    if (rows.push(...timesNs) >= 4) break;
  expect(rows).toEqual([0n, 0n, 0n, 0n]);
  expect([askedCount, madeCount]).toEqual([12, 4]);
});
