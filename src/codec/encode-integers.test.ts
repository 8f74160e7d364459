import { expect, test } from 'vitest';
import { Prng } from '../base/prng.ts';
import { decodeBlock, encodeBlock } from './block.ts';
import { decodeIntegers, encodeIntegers } from './integers.ts';
import { encodeTimes } from './times.ts';
import { FieldType } from '../models/field-value.ts';
import { ColumnKernel } from '../kernels/column-kernel.ts';
import { compiledKernels } from '../kernels/module/kernel-module.ts';

const kernel = new ColumnKernel(compiledKernels(), { bytesMax: 1 << 24 });

/** Quickly and closely packed. */
function expectSame(values: BigInt64Array, timesNs: BigInt64Array, name: string): void {
  const parts = [{ times: timesNs, values: new Uint8Array(values.buffer), count: values.length }];
  const block = { type: FieldType.integer, timesNs, values };
  const [quick = 0, close = 0] = [false, true].map((isClose) => {
    const packed = kernel.encode(FieldType.integer, parts, isClose);
    const twin = encodeBlock(block, encodeTimes(timesNs), isClose);
    expect(Buffer.from(packed).equals(twin), `${name}, ${isClose ? 'closely' : 'quickly'}`).toBe(
      true,
    );
    expect(decodeBlock(packed), name).toEqual(block);
    return packed.length;
  });
  expect(close, name).toBeLessThanOrEqual(quick);
}

const greatest = 2n ** 63n - 1n;

test.each([
  ['one value', [7n]],
  ['two, far apart', [-(2n ** 63n), greatest]],
  ['a run', [1n, 3n, 5n, 7n]],
  ['three of one step and another', [1n, 3n, 5n, 7n, 8n]],
  ['the widest that is packed', [0n, 2n ** 52n - 1n, 0n]],
  ['the least that is not', [0n, 2n ** 52n, 0n]],
  ['a difference that is no int64, at the end', [0n, 1n, 3n, -(2n ** 62n), greatest]],
] as const)('integers of a flush are packed as by their twin: %s', (name, values) => {
  const timesNs = BigInt64Array.from(values, (_, i) => BigInt(i * 10));
  expectSame(BigInt64Array.from(values), timesNs, name);
});

test('integers that are packed closely take fewer words where as many as fit leave short ones behind', () => {
  // As many as fit are 15 of 4 bits, then 8 and 1; twice 12 of 5 bits take them all.
  const narrow = Array.from({ length: 15 }, (_, i) => i % 2);
  const wide = Array.from({ length: 9 }, (_, i) => (i % 2 === 0 ? 7 : 1));
  let sum = 0;
  const values = BigInt64Array.from([0, ...narrow, ...wide], (delta) => BigInt((sum += delta)));
  const [quick, close] = [encodeIntegers(values), encodeIntegers(values, true)];
  expect([quick.length - 9, close.length - 9]).toEqual([24, 16]);
  expect(decodeIntegers(close, values.length)).toEqual(values);
});

test('integers and times of a flush are packed as by their twins, whatever widths follow each other', () => {
  for (let seed = 0; seed < 400; seed++) {
    const random = Prng.fromSeed(seed);
    const chance = (): number => random.u32() / 2 ** 32;
    const count = 1 + Math.floor(chance() * (seed % 5 === 0 ? 1_000 : 90));
    const values = new BigInt64Array(count);
    const timesNs = new BigInt64Array(count);
    const stepNs = 10n ** BigInt(seed % 13);
    let bits = 0;
    for (let i = 0; i < count; i++) {
      if (chance() < 0.1) bits = Math.floor(chance() * 54);
      const step = BigInt(Math.floor(chance() * 2 ** bits));
      values[i] = (values[i - 1] ?? 0n) + (chance() < 0.5 ? step : -step);
      timesNs[i] = (timesNs[i - 1] ?? 0n) + stepNs * (chance() < 0.7 ? 1n : 1n + BigInt(Math.floor(chance() * 2 ** (bits % 20)))); // prettier-ignore
    }
    expectSame(values, timesNs, `seed ${seed}`);
  }
});
