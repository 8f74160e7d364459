import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { PackedList } from '../engine/lists/packed-list.ts';
import type { ListPiece } from '../engine/lists/schema-list.ts';
import { mergeLists } from './merge-lists.ts';
import { mergePacked, packedOf, runsOf } from './merge-packed.ts';

async function* inBatches(pieces: readonly ListPiece[]): AsyncGenerator<readonly ListPiece[]> {
  for (let i = 0; i < pieces.length; i += 2) yield await Promise.resolve(pieces.slice(i, i + 2));
}

async function rowsOf(parts: AsyncIterable<PackedList>): Promise<string[]> {
  const rows: string[] = [];
  for await (const part of parts)
    for (const { at, key, first, end } of runsOf(part))
      for (let i = first; i < end; i++)
        rows.push(`${at} ${key} ${Buffer.from(part.bytes.subarray(i === 0 ? 0 : part.ends[i - 1], part.ends[i])).toString()}`); // prettier-ignore
  return rows;
}

async function mergedRows(lanes: readonly (readonly ListPiece[])[]): Promise<string[]> {
  const rows: string[] = [];
  for await (const { at, key, texts } of mergeLists(lanes.map(inBatches)))
    rows.push(...texts.map((text) => `${at} ${key} ${text}`));
  return rows;
}

/** Lists in their order, cut into pieces. */
const lane = fc
  .array(fc.tuple(fc.nat(2), fc.constantFrom('', 'h', 'k'), fc.nat(30)), { maxLength: 60 })
  .chain((rows) => fc.tuple(fc.constant(rows), fc.integer({ min: 1, max: 7 })))
  .map(([rows, step]) => {
    const known = [...new Set(rows.map(([at, key, number]) => `${at} ${key} ${String(number).padStart(2, '0')}`))].sort(); // prettier-ignore
    const pieces: { at: number; key: string; texts: string[] }[] = [];
    let open = { at: -1, key: '', texts: [''] };
    for (const row of known) {
      const [at = '', key = '', text = ''] = row.split(' ');
      if (open.at !== Number(at) || open.key !== key || open.texts.length >= step)
        pieces.push((open = { at: Number(at), key, texts: [] }));
      open.texts.push(text);
    }
    return pieces;
  });

test('merged lists as bytes: the same as of texts, however each lane is cut', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(lane, { maxLength: 4 }), async (lanes) => {
      const parts = lanes.map((pieces) => packedOf(inBatches(pieces)));
      expect(await rowsOf(mergePacked(parts))).toEqual(await mergedRows(lanes));
    }),
    { seed: 112, numRuns: 200 },
  );
});

test('merged lists as bytes: a reader that leaves ends all lanes, and so does one that fails', async () => {
  const ended: number[] = [];
  async function* endless(number: number): AsyncGenerator<readonly ListPiece[]> {
    try {
      for (let i = 0; ; i++) yield await Promise.resolve([{ at: i, key: '', texts: ['x'.repeat(200_000)] }]); // prettier-ignore
    } finally {
      ended.push(number);
    }
  }
  async function* failing(): AsyncGenerator<readonly ListPiece[]> {
    yield await Promise.resolve([{ at: 0, key: '', texts: ['a'] }]);
    throw new Error('the node is away');
  }
  for await (const _ of mergePacked([packedOf(endless(1)), packedOf(endless(2))])) break;
  expect(ended.sort()).toEqual([1, 2]);
  await expect(rowsOf(mergePacked([packedOf(endless(3)), packedOf(failing())]))).rejects.toThrow('the node is away'); // prettier-ignore
});
