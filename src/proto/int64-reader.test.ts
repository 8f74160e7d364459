import fc from 'fast-check';
import { expect, test } from 'vitest';
import { count, int64, uint64 } from './field.ts';
import { varve } from './gen/wire.js';
import { Int64Reader, wireInt64 } from './int64-reader.ts';
import { message } from './message.ts';

/** One int64 and one uint64 of the contract. */
const signed = message(varve.data.v1.ListQueriesReply.Query, { durationNs: int64 });
const unsigned = message(varve.data.v1.JoinRequest, { clusterId: uint64 });

const edges = [0n, 1n, 2n ** 31n, 2n ** 32n, 2n ** 53n - 1n, 2n ** 53n, 2n ** 53n + 1n, 2n ** 63n - 1n]; // prettier-ignore

test('int64: exact at every edge, 2^53 + 1 among them', () => {
  for (const value of [...edges, ...edges.map((one) => -one), -(2n ** 63n)])
    expect(signed.decode(signed.encode({ durationNs: value }))).toEqual({ durationNs: value });
  for (const value of [...edges, 2n ** 63n, 2n ** 64n - 1n])
    expect(unsigned.decode(unsigned.encode({ clusterId: value }))).toEqual({ clusterId: value });
});

test('int64: any value comes back', () => {
  fc.assert(
    fc.property(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n), (durationNs) => {
      expect(signed.decode(signed.encode({ durationNs }))).toEqual({ durationNs });
    }),
    { seed: 1 },
  );
});

test('int64: what is beyond is an error, never another number', () => {
  expect(() => wireInt64(2n ** 64n)).toThrow(RangeError);
  expect(() => wireInt64(-(2n ** 63n) - 1n)).toThrow(RangeError);
  for (const value of [1e300, 0.5, NaN, Infinity, 2 ** 53])
    expect(() => wireInt64(value), String(value)).toThrow(RangeError);
  const asCount = message(varve.data.v1.JoinRequest, { clusterId: count() });
  const bytes = unsigned.encode({ clusterId: 2n ** 53n });
  expect(() => asCount.decode(bytes)).toThrow('clusterId is no whole number below 2^53');
});

test('int64: a varint that is cut or does not end is an error', () => {
  expect(() => new Int64Reader(Uint8Array.of(0x80)).uint64()).toThrow(RangeError);
  expect(() => new Int64Reader(new Uint8Array(11).fill(0x80)).uint64()).toThrow(RangeError);
});
