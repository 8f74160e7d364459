import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isDbError } from '../base/errors.ts';
import { FieldType } from '../models/field-value.ts';
import type { BatchColumn } from '../models/point-batch.ts';
import { textColumn } from '../models/batch-writer.ts';
import { decodeByKernel, expectSameByKernel } from '../../test/support/decode-by-kernel.ts';
import { decodeBlock, encodeBlock, type Block } from './block.ts';

function expectRoundTrip(type: FieldType, timesNs: readonly bigint[], values: BatchColumn): void {
  const block = { type, timesNs: BigInt64Array.from(timesNs), values };
  const bytes = encodeBlock(block);
  expect(decodeBlock(bytes)).toEqual(block);
  expectSameByKernel(bytes);
}

const int64 = fc.oneof(
  fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n),
  fc.bigInt(-300n, 300n),
  fc.constantFrom(2n ** 53n, -(2n ** 53n), 2n ** 60n, -(2n ** 63n), 2n ** 63n - 1n),
);
const ascending = fc
  .tuple(
    int64,
    fc.array(
      fc.oneof(fc.bigInt(1n, 20n), fc.constantFrom(10_000_000_000n, 1_000_000_000n, 1n, 2n ** 54n)),
      { maxLength: 300 },
    ),
  ) // prettier-ignore
  .map(([first, steps]) => {
    const times = [first];
    for (const step of steps) {
      const next = (times[times.length - 1] ?? first) + step;
      if (next < 2n ** 63n) times.push(next);
    }
    return times;
  });

test('blocks: times and values of every type come back the same', () => {
  fc.assert(
    fc.property(
      ascending,
      fc.infiniteStream(int64),
      fc.infiniteStream(fc.double()),
      fc.infiniteStream(fc.string()),
      (times, ints, doubles, texts) => {
        // prettier-ignore
        const count = times.length;
        const take = <T>(stream: Iterator<T>) => Array.from({ length: count }, () => stream.next().value as T); // prettier-ignore
        expectRoundTrip(FieldType.integer, times, BigInt64Array.from(take(ints)));
        expectRoundTrip(FieldType.unsigned, times, BigUint64Array.from(take(ints), (value) => BigInt.asUintN(64, value))); // prettier-ignore
        expectRoundTrip(FieldType.float, times, Float64Array.from(take(doubles), (value) => Number.isNaN(value) ? 0 : value)); // prettier-ignore
        expectRoundTrip(FieldType.boolean, times, Uint8Array.from(take(ints), (value) => Number(value & 1n))); // prettier-ignore
        expectRoundTrip(FieldType.string, times, textColumn(take(texts)));
      },
    ),
    { numRuns: 300, seed: 1 },
  );
});

test('blocks: regular series are small, as the reference makes them', () => {
  const times = BigInt64Array.from({ length: 1000 }, (_, i) => 1_704_067_200_000_000_000n + BigInt(i) * 10_000_000_000n); // prettier-ignore
  const size = (type: FieldType, values: BatchColumn) => encodeBlock({ type, timesNs: times, values }).length; // prettier-ignore
  expect(size(FieldType.integer, new BigInt64Array(1000).fill(7n))).toBe(26);
  expect(size(FieldType.integer, BigInt64Array.from({ length: 1000 }, (_, i) => BigInt(i % 50)))).toBeLessThan(1_100); // prettier-ignore
  expect(size(FieldType.float, new Float64Array(1000).fill(1.5))).toBeLessThan(170);
  expect(size(FieldType.boolean, new Uint8Array(1000).fill(1))).toBeLessThan(150);
});

test('blocks: cut anywhere or with any bit changed they are an error or a block, the same by the kernel', () => {
  const timesNs = BigInt64Array.from({ length: 40 }, (_, i) => BigInt(i * i));
  const blocks: Block[] = [
    { type: FieldType.integer, timesNs, values: BigInt64Array.from(timesNs, (v) => v * 3n) },
    { type: FieldType.float, timesNs, values: Float64Array.from({ length: 40 }, (_, i) => i / 3) },
    { type: FieldType.boolean, timesNs, values: Uint8Array.from({ length: 40 }, (_, i) => i & 1) },
    {
      type: FieldType.string,
      timesNs,
      values: textColumn(Array.from({ length: 40 }, (_, i) => `t${i}`)),
    },
  ];
  const outcome = (decode: (bytes: Uint8Array) => Block | undefined, bytes: Uint8Array) => {
    try {
      return decode(bytes);
    } catch (error) {
      expect(isDbError(error, 'corrupt'), String(error)).toBe(true);
      return 'corrupt';
    }
  };
  const attempt = (bytes: Uint8Array): void => {
    const byTwin = outcome(decodeBlock, bytes);
    const byKernel = outcome(decodeByKernel, bytes);
    if (byKernel !== undefined) expect(byKernel).toEqual(byTwin);
  };
  for (const block of blocks) {
    const good = encodeBlock(block);
    for (let end = 0; end < good.length; end++) attempt(good.subarray(0, end));
    for (let bit = 0; bit < good.length * 8; bit++) {
      const bad = good.slice();
      bad[bit >>> 3] = (bad[bit >>> 3] ?? 0) ^ (1 << (bit & 7));
      attempt(bad);
    }
  }
});

test('blocks: as many texts come back as an aggressive compaction puts into one', () => {
  const timesNs = Array.from({ length: 100_000 }, (_, i) => BigInt(i));
  expectRoundTrip(FieldType.string, timesNs, textColumn(timesNs.map(String)));
});
