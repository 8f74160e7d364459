import { expect, test } from 'vitest';
import type { RowChunk } from '../series/series-rows.ts';
import { listOf, type ChunkStream } from './chunk-stream.ts';
import { mergeChunks } from './merge-chunks.ts';

/** Chunks of so many rows each, of which row n is of time n. */
function rowsOf(...chunks: readonly (readonly [from: number, end: number])[]): ChunkStream {
  const left = chunks.map(([from, end]): RowChunk => {
    const timesNs = BigInt64Array.from({ length: end - from }, (_, i) => BigInt(from + i));
    return { timesNs, columns: [{ type: 'integer', values: timesNs.slice() }] };
  });
  return { next: () => left.shift() };
}

test('merged chunks: one that has moved to another thread before the next is asked for is not read again', () => {
  const streams = listOf([
    rowsOf([0, 2_000], [2_000, 4_000], [6_000, 6_010]),
    rowsOf([5_000, 7_000]),
  ]);
  const times: number[] = [];
  for (const { timesNs, columns } of mergeChunks(streams, ['integer'], { ascending: true })) {
    for (const time of timesNs) times.push(Number(time));
    const [column] = columns;
    const buffers = [timesNs.buffer, ...(column?.type === 'integer' ? [column.values.buffer] : [])];
    if (timesNs.length > 0) structuredClone(undefined, { transfer: buffers as ArrayBuffer[] });
  }
  const to = (from: number, end: number) => Array.from({ length: end - from }, (_, i) => from + i);
  const expected = [...to(0, 4_000), ...to(5_000, 6_000), ...to(6_000, 7_000), ...to(6_000, 6_010)];
  expect(times.length).toBe(expected.length);
  expect(times).toEqual(expected.sort((a, b) => a - b));
});
