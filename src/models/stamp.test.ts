import { expect, test } from 'vitest';
import { isBrought, isOfClock, laterBy, makeStamp, markBrought, stampBatch, stampKey, stampNs, stampOfBatch, type Stamp } from './stamp.ts'; // prettier-ignore

test('stamp key: what a hash table sees of it differs between stamps of one coordinator', () => {
  const lowestBits = (key: bigint): bigint => BigInt.asUintN(64, key);
  const first = makeStamp(1_700_000_000_000_000_000n, 3, 77);
  const stamps = Array.from({ length: 1_000 }, (_, i): Stamp => laterBy(first, i));
  expect(new Set(stamps.map((stamp) => lowestBits(stampKey(stamp)))).size).toBe(1_000);
});

test('stamp key: two stamps never share one', () => {
  const keys = [makeStamp(5n, 1), makeStamp(5n, 2), makeStamp(5n, 1, 1), makeStamp(1n, 5), makeStamp(-5n, 1), makeStamp(-5n, 2)]; // prettier-ignore
  expect(new Set(keys.map(stampKey)).size).toBe(keys.length);
});

test('stamp: a batch that is brought again has the key and the time of before', () => {
  const payload = new Uint8Array(48);
  const stamp = makeStamp(1_700_000_000_000_000_000n, 3, 77);
  markBrought(payload);
  expect(payload).toEqual(new Uint8Array(48));
  stampBatch(payload, stamp);
  for (let times = 0; times < 2; times++) {
    markBrought(payload);
    const brought = stampOfBatch(payload);
    expect([isBrought(brought), isBrought(stamp), isOfClock(brought)]).toEqual([true, false, true]);
    expect([stampNs(brought), stampKey(brought)]).toEqual([stampNs(stamp), stampKey(stamp)]);
  }
});
