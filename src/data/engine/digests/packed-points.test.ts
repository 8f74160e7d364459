import { expect, test } from 'vitest';
import fc from 'fast-check';
import { DbError } from '../../../base/errors.ts';
import { Prng } from '../../../base/prng.ts';
import { exactTextOf } from '../../../base/exact-text.ts';
import type { FieldValue } from '../../../models/field-value.ts';
import { PointBatchBuilder } from '../../../models/point-batch-builder.ts';
import { valuesOf } from './batch-values.ts';
import { packPoints, unpackPoints } from './packed-points.ts';

type Point = readonly [key: string, field: string, timeNs: bigint, value: FieldValue];

function batchOf(points: readonly Point[]): Uint8Array {
  const builder = new PointBatchBuilder();
  for (const [key, field, timeNs, value] of points) {
    const measurement = key.split(',')[0] ?? '';
    builder.add(key, { measurement, tags: [], fields: new Map([[field, value]]), timeNs });
  }
  return builder.finish();
}

const namesOf = (payload: Uint8Array): string[] =>
  [...valuesOf(payload)].map(({ key, measurement, field, timeNs, value }) => JSON.stringify([key, measurement, field, `${timeNs}`, value.type, typeof value.value === 'number' ? [Object.is(value.value, -0), value.value] : `${value.value}`])); // prettier-ignore

const extremes = [-(2n ** 63n), -1n, 0n, 1n, 2n ** 63n - 1n];
const value = fc.oneof(
  fc.double({ noNaN: true }).map((one): FieldValue => ({ type: 'float', value: one })),
  fc.constantFrom(...extremes).map((one): FieldValue => ({ type: 'integer', value: one })),
  fc.constantFrom(0n, 2n ** 63n, 2n ** 64n - 1n).map((one): FieldValue => ({ type: 'unsigned', value: one })), // prettier-ignore
  fc.boolean().map((one): FieldValue => ({ type: 'boolean', value: one })),
  fc.uint8Array({ maxLength: 20 }).map((one): FieldValue => ({ type: 'string', value: exactTextOf(one) })), // prettier-ignore
);
const point = fc.tuple(
  fc.constantFrom('m', 'm,h=a', 'm,h=ü\udcff', 'n,x=y'),
  fc.constantFrom('f', 'g'),
  fc.oneof(fc.constantFrom(...extremes), fc.bigInt({ min: -50n, max: 1_000_000n })),
  value,
);

test('packed points: whatever they are, they come back', () => {
  fc.assert(
    fc.property(fc.array(point, { maxLength: 40 }), (points) => {
      const payload = batchOf(points);
      expect(namesOf(unpackPoints(packPoints(payload))).sort()).toEqual(namesOf(payload).sort());
    }),
    { numRuns: 300, seed: 4 },
  );
});

test('packed points: of two thousand points here and there each is ten bytes, eight of them its value', () => {
  const random = Prng.fromSeed(5);
  const points = Array.from({ length: 2_000 }, (_, i): Point => {
    const timeNs = BigInt(random.u32() % 2_000) * 2_000_000_000n + BigInt(i % 20) * 4_000_000_000_000n; // prettier-ignore
    return [`b,h=h${Math.floor(i / 20)}`, 'f', timeNs, { type: 'float', value: Math.sin(i * i) * 1_000 }]; // prettier-ignore
  });
  expect(packPoints(batchOf(points)).length).toBeLessThan(2_000 * 10.5);
});

test('packed points: damaged bytes are refused, none of them is believed', () => {
  const packed = packPoints(batchOf([['m', 'f', 5n, { type: 'string', value: 'text' }], ['m', 'f', 9n, { type: 'string', value: 'more' }]])); // prettier-ignore
  const random = Prng.fromSeed(9);
  for (let run = 0; run < 500; run++) {
    const bytes = packed.slice(0, run % 3 === 0 ? random.u32() % packed.length : undefined);
    if (bytes.length > 0) bytes[random.u32() % bytes.length] = random.u32() & 255;
    try {
      expect(unpackPoints(bytes).length).toBeLessThan(1 << 20);
    } catch (error) {
      expect(error).toBeInstanceOf(DbError);
    }
  }
});
