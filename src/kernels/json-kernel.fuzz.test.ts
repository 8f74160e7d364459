import { expect, test } from 'vitest';
import { Prng } from '../base/prng.ts';
import { JsonKernel } from './json-kernel.ts';
import { compiledKernels } from './module/kernel-module.ts';

/** Texts of floats, with those that the host was asked for. */
function textsOf(values: readonly number[]): {
  readonly texts: string[];
  readonly asked: number[];
} {
  const asked: number[] = [];
  const kernel = new JsonKernel(compiledKernels(), (value) => {
    asked.push(value);
    return 'host';
  });
  const written = kernel.write({
    timesNs: new BigInt64Array(values.length),
    columns: [{ type: 'float', values: Float64Array.from(values) }],
    missing: ['null'],
    start: 0,
    end: values.length,
    unitNs: 1n,
  });
  const rows = Buffer.from(written ?? [])
    .toString('latin1')
    .slice(1);
  return { texts: rows.split('],[').map((row) => row.replace(/[[\]]/g, '').slice(2)), asked };
}

function expectOwnTexts(values: readonly number[]): void {
  const { texts, asked } = textsOf(values);
  expect(asked).toEqual([]);
  expect(texts).toEqual(values.map(String));
}

/** A float of these bits with an exponent between those of 1e-3 and 1e15. */
function floatOf(exponent: number, fraction: bigint, isNegative: boolean): number {
  const word = new DataView(new ArrayBuffer(8));
  word.setBigUint64(0, (BigInt(1023 + exponent) << 52n) | fraction);
  return isNegative ? -word.getFloat64(0) : word.getFloat64(0);
}

const roundCount = 100;
const rowCount = 1_000;

test('json kernel: any float of up to fifteen digits before the point is its shortest text, without the host', () => {
  const random = Prng.fromSeed(11);
  const odd = [0n, 1n, 2n, (1n << 52n) - 1n, (1n << 52n) - 2n, 1n << 51n];
  for (let round = 0; round < roundCount; round++)
    expectOwnTexts(
      Array.from({ length: rowCount }, () => {
        const any = (BigInt(random.u32() % (1 << 20)) << 32n) | BigInt(random.u32());
        const fraction = random.u32() % 4 === 0 ? (odd[random.u32() % odd.length] ?? 0n) : any;
        return floatOf((random.u32() % 58) - 9, fraction, random.u32() % 2 === 0);
      }),
    );
});

test('json kernel: means, decimals and their neighbours are their shortest texts', () => {
  const random = Prng.fromSeed(12);
  const whole = (digits: number) => (random.u32() * 2 ** 21 + (random.u32() % 2 ** 21)) % 10 ** digits; // prettier-ignore
  for (let round = 0; round < roundCount; round++)
    expectOwnTexts(
      Array.from({ length: rowCount }, () => {
        if (random.u32() % 2 === 0) return (1 + whole(12)) / (1 + (random.u32() % 5_000));
        const near = Number(`${1 + whole(15)}e-${random.u32() % 16}`);
        return neighbour(near, (random.u32() % 5) - 2);
      }).filter((value) => value >= 1e-3 && value < 1e15),
    );
});

function neighbour(value: number, steps: number): number {
  const word = new DataView(new ArrayBuffer(8));
  word.setFloat64(0, value);
  word.setBigInt64(0, word.getBigInt64(0) + BigInt(steps));
  return word.getFloat64(0);
}

test('json kernel: what has an exponent, too many digits or a sign of nothing is asked of the host', () => {
  const values = [9.9e-4, 1e15 + 0.25, 1e21, -0, 5e-324, 1.7976931348623157e308];
  expect(textsOf(values)).toEqual({ texts: values.map(() => 'host'), asked: values });
  expectOwnTexts([1e-3, 999_999_999_999_999.9, 999_999_999_999_999, 0, 0.1, 1 / 3, 123_456.789]);
});
