import { expect, test } from 'vitest';
import { expectSameByKernel } from '../../test/support/decode-by-kernel.ts';
import { Prng } from '../base/prng.ts';
import { ColumnKernel } from '../kernels/column-kernel.ts';
import { compiledKernels } from '../kernels/module/kernel-module.ts';
import { FieldType } from '../models/field-value.ts';
import { decodeBlock, encodeBlock } from './block.ts';
import { encodeTimes } from './times.ts';

const count = 1_000;
const kernel = new ColumnKernel(compiledKernels(), { bytesMax: 1 << 24 });

/** Gauges as they are written: with two digits, by steps, or with all that a double has. */
function gauges(random: () => number): Readonly<Record<string, () => number>> {
  let [walk, steps, large] = [50, 50, 8e9];
  return {
    'any of 0 to 100': () => Number((random() * 100).toFixed(2)),
    'a walk of two digits': () => Number((walk += (random() - 0.5) * 2).toFixed(2)),
    'a walk of whole numbers': () => (steps += Math.round((random() - 0.5) * 3)),
    'large whole numbers': () => (large += Math.round((random() - 0.5) * 1e6)),
    'one value': () => 1.5,
    'any double': () => (random() - 0.5) * 10 ** Math.round((random() - 0.5) * 600),
  };
}

/** Bits of values as the reference writes them: a window stays as long as it holds. */
function simpleBits(values: Float64Array): number {
  const words = new BigUint64Array(Float64Array.from([...values, 0]).buffer);
  words[values.length] = 0x7ff8000000000001n;
  let bits = 64;
  let window: { readonly lead: number; readonly tail: number } | undefined;
  for (let i = 1; i < words.length; i++) {
    const change = ((words[i] ?? 0n) ^ (words[i - 1] ?? 0n)).toString(2).padStart(64, '0');
    if (!change.includes('1')) {
      bits += 1;
      continue;
    }
    const own = { lead: change.indexOf('1') & 31, tail: 63 - change.lastIndexOf('1') };
    const isHeld = window !== undefined && own.lead >= window.lead && own.tail >= window.tail;
    if (!isHeld) window = own;
    bits += (isHeld ? 2 : 13) + 64 - (window?.lead ?? 0) - (window?.tail ?? 0);
  }
  return bits;
}

/** Bytes in front of the bits: type, length of the times, the times of one step, encoding. */
const headBytes = 1 + 1 + 12 + 1;

test.each(Object.keys(gauges(() => 0)))(
  'floats: %s take no more than the reference has of them, and come back the same',
  (kind) => {
    const source = new Prng([1, 2, 3, 4]);
    const next = gauges(() => source.u32() / 2 ** 32)[kind] ?? (() => 0);
    const values = Float64Array.from({ length: count }, next);
    const timesNs = BigInt64Array.from({ length: count }, (_, i) => BigInt(i));
    const block = { type: FieldType.float, timesNs, values };
    const rows = { count, times: timesNs, values: new Uint8Array(values.buffer) };
    const [quick, bytes] = [false, true].map((isClose) => {
      const packed = encodeBlock(block, encodeTimes(timesNs), isClose);
      expect(decodeBlock(packed)).toEqual(block);
      expectSameByKernel(packed);
      expect(kernel.encode(FieldType.float, [rows], isClose)).toEqual(packed);
      return packed;
    }) as [Uint8Array, Uint8Array];
    const simpleBytes = simpleBits(values) / 8;
    expect(quick.length - headBytes).toBe(Math.ceil(simpleBytes));
    expect(bytes.length - headBytes).toBeLessThanOrEqual(Math.ceil(simpleBytes) + 1);
    if (kind === 'any of 0 to 100') expect(bytes.length).toBeLessThan(simpleBytes * 0.9);
    if (kind === 'a walk of two digits') expect(bytes.length).toBeLessThan(simpleBytes * 0.96);
    if (kind === 'large whole numbers') expect(bytes.length).toBeLessThan(simpleBytes * 0.8);
  },
);
