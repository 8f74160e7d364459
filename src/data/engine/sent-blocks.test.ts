import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isDbError } from '../../base/errors.ts';
import type { RowsBlock, WindowsBlock } from '../../query/fragment.ts';
import { decodeMessage, encodeMessage } from '../../rpc/message.ts';
import { BlockPacker } from './packed-blocks.ts';
import { decodeSentBlocks, encodeSentBlocks } from './sent-blocks.ts';
import type { FragmentBlock } from './shard-access.ts';

const texts = { offsets: Uint32Array.of(0, 1, 1), bytes: Uint8Array.of(65) };
const rows: RowsBlock = {
  kind: 'rows',
  group: ['a', 'ß'],
  timesNs: BigInt64Array.of(-(2n ** 63n), 5n),
  columns: [
    { type: 'float', values: Float64Array.of(0.5, -0), valid: Uint8Array.of(1, 0) },
    { type: 'string', values: texts },
    { type: 'boolean', values: Uint8Array.of(1, 0) },
  ],
  series: { keys: ['m,h=1', 'm,h=2'], at: Uint32Array.of(1, 0) },
};
const column = { type: 'integer', values: BigInt64Array.of(2n ** 63n - 1n) } as const;
const windows: WindowsBlock = {
  kind: 'windows',
  group: [],
  fields: [
    {
      startsNs: BigInt64Array.of(0n),
      counts: BigInt64Array.of(3n),
      sums: column,
      mins: { timesNs: BigInt64Array.of(1n), values: column },
      maxs: undefined,
      firsts: undefined,
      lasts: { timesNs: BigInt64Array.of(2n), values: column },
    },
  ],
};

function sent(blocks: readonly FragmentBlock[]): Uint8Array {
  const packer = new BlockPacker({ isCopied: true });
  for (const one of blocks) packer.add(one);
  return encodeSentBlocks(packer);
}

function refusalOf(run: () => unknown): unknown {
  try {
    run();
    return undefined;
  } catch (error) {
    return error;
  }
}

test('sent blocks: what arrives is what was sent, wherever the message lies', () => {
  const bytes = sent([rows, windows, rows]);
  for (let shift = 0; shift < 8; shift++) {
    const moved = new Uint8Array(bytes.length + shift);
    moved.set(bytes, shift);
    expect(decodeSentBlocks(moved.subarray(shift))).toEqual([rows, windows, rows]);
  }
});

test('sent blocks: of a column in a larger buffer only its rows are sent', () => {
  const whole = BigInt64Array.from({ length: 100_000 }, (_, i) => BigInt(i));
  const timesNs = whole.subarray(50_000, 52_000);
  const values = whole.subarray(90_000, 92_000);
  const long: RowsBlock = { kind: 'rows', group: [], timesNs, columns: [{ type: 'integer', values }] }; // prettier-ignore
  const bytes = sent([long]);
  expect(bytes.length).toBeLessThan(2 * 16_000 + 1_000);
  expect(decodeSentBlocks(bytes)).toEqual([long]);
});

test.each([1_023, 1_025, 1_351, 2_047, 4_097, 8_191])('sent blocks: %i rows of several series arrive, whatever their bytes fill', (count) => {
  const timesNs = BigInt64Array.from({ length: count }, (_, i) => BigInt(i));
  const one: RowsBlock = { kind: 'rows', group: ['r1'], timesNs, columns: [] };
  const odd = Uint8Array.from(timesNs, (_, i) => i % 2);
  const series = { keys: ['m,h=1', 'm,h=2'], at: Uint32Array.from(odd) };
  // What comes first is longer than the first of what is sent side by side, unless it is a part of its own.
  for (const long of [{ ...one, series }, { ...one, columns: [{ type: 'boolean', values: odd } as const] }])
    expect(decodeSentBlocks(sent([long]))).toEqual([long]);
}); // prettier-ignore

type Parts = Record<'numbers' | 'groups' | 'seriesKeys' | 'parts', unknown>;

test.each<[string, (parts: Parts) => Partial<Parts>]>([
  ['no numbers', () => ({ numbers: [1, 2] })],
  ['a block that is cut short', ({ numbers }) => ({ numbers: (numbers as Uint32Array).subarray(0, -1) })], // prettier-ignore
  ['a block of no kind', ({ numbers }) => ({ numbers: (numbers as Uint32Array).with(0, 7) })],
  ['a block without a group', () => ({ groups: [] })],
  ['no texts', () => ({ groups: [[1]] })],
  ['no texts', () => ({ seriesKeys: ['a'] })],
  ['rows of a list of series that is not there', () => ({ seriesKeys: [] })],
  ['no columns', () => ({ parts: ['a'] })],
  ['a place beyond its buffer', () => ({ parts: [new Uint8Array(8)] })],
  ['a place between two words', ({ numbers }) => ({ numbers: (numbers as Uint32Array).with(3, 1) })], // prettier-ignore
  ['a column of no type', ({ numbers }) => ({ numbers: (numbers as Uint32Array).with(6, 5) })],
])('sent blocks: %s is refused', (why, spoil) => {
  const parts = decodeMessage(sent([rows])) as Parts;
  const error = refusalOf(() => decodeSentBlocks(encodeMessage({ ...parts, ...spoil(parts) })));
  expect(isDbError(error, 'corrupt')).toBe(true);
  expect((error as Error).message).toContain(why);
});

test.each<[string, RowsBlock]>([
  ['uneven columns', { ...rows, timesNs: BigInt64Array.of(1n), columns: rows.columns }],
  ['rows of no series', { ...rows, series: { keys: ['a'], at: Uint32Array.of(0, 1) } }],
  ['rows of no series', { ...rows, series: { keys: ['a'], at: Uint32Array.of(0) } }],
  ['marks for other rows', { ...rows, columns: [{ type: 'boolean', values: Uint8Array.of(1, 1), valid: Uint8Array.of(1) }] }], // prettier-ignore
  ['texts beyond their bytes', { ...rows, columns: [{ type: 'string', values: { ...texts, offsets: Uint32Array.of(0, 1, 9) } }] }], // prettier-ignore
  ['texts beyond their bytes', { ...rows, columns: [{ type: 'string', values: { ...texts, offsets: new Uint32Array() } }] }], // prettier-ignore
  ['texts that end before they begin', { ...rows, columns: [{ type: 'string', values: { ...texts, offsets: Uint32Array.of(1, 0, 1) } }] }], // prettier-ignore
])('sent blocks: %s are refused', (why, block) => {
  const error = refusalOf(() => decodeSentBlocks(sent([block])));
  expect(isDbError(error, 'corrupt')).toBe(true);
  expect((error as Error).message).toContain(why);
});

test('sent blocks: any numbers in place of the right ones are blocks or an error of the message', () => {
  const parts = decodeMessage(sent([rows, windows])) as Parts;
  const length = (parts.numbers as Uint32Array).length;
  const any = fc.oneof(fc.nat({ max: 40 }), fc.nat({ max: 2 ** 32 - 1 }));
  fc.assert(
    fc.property(fc.nat({ max: length - 1 }), any, any, (at, one, other) => {
      const numbers = (parts.numbers as Uint32Array).with(at, one).with((at + 1) % length, other);
      const error = refusalOf(() => decodeSentBlocks(encodeMessage({ ...parts, numbers })));
      expect(error === undefined || isDbError(error, 'corrupt')).toBe(true);
    }),
    { numRuns: 2_000, seed: 1 },
  );
});
