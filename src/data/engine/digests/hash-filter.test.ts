import { expect, test } from 'vitest';
import { Prng } from '../../../base/prng.ts';
import { HashFilter } from './hash-filter.ts';

function drawn(count: number): Uint32Array {
  const random = Prng.fromSeed(count + 1);
  return Uint32Array.from({ length: count }, () => random.u32());
}

function read(filter: HashFilter, max = 100_000): HashFilter {
  const again = HashFilter.of(filter.bytes, max);
  if (again === undefined) throw new Error('its own bytes are not taken');
  return again;
}

test.each([0, 1, 2, 100, 5_000])('hash filter: all of %i hashes are in it, on the other side too', (count) => {
  const hashes = Uint32Array.of(0, 0xffffffff, ...drawn(count));
  for (const filter of [HashFilter.exact(hashes), HashFilter.among(200_000, hashes), HashFilter.among(0, hashes)]) {
    const other = read(filter);
    expect([...hashes].every((hash) => other.has(hash) && filter.has(hash))).toBe(true);
    expect(other.bytes).toEqual(filter.bytes);
  }
}); // prettier-ignore

test('hash filter: few others are taken for one of them, and it is less than two bytes each', () => {
  const filter = HashFilter.among(200_000, drawn(2_000));
  expect(filter.bytes.length).toBeLessThan(2_000 * 2);
  const random = Prng.fromSeed(77);
  const others = Array.from({ length: 200_000 }, () => random.u32());
  expect(others.filter((hash) => filter.has(hash)).length).toBeLessThan(100);
  const exact = HashFilter.exact(drawn(2_000));
  expect(others.filter((hash) => exact.has(hash)).length).toBeLessThan(5);
});

test('hash filter: bytes that are none are refused, and no number in them is believed', () => {
  const bytes = HashFilter.among(5_000, drawn(300)).bytes;
  expect(HashFilter.of(bytes, 299)).toBeUndefined();
  for (let length = 0; length < bytes.length; length++)
    expect(HashFilter.of(bytes.subarray(0, length), 10_000)).toBeUndefined();
  expect(HashFilter.of(Uint8Array.of(0, 1, 3, 9), 10)).toBeUndefined();
  expect(HashFilter.of(Uint8Array.of(33, 1, 3, 9), 10)).toBeUndefined();
  expect(HashFilter.of(Uint8Array.of(20, 1, 40, 9, 9, 9, 9, 9, 9), 10)).toBeUndefined();
  expect(HashFilter.of(new Uint8Array(64).fill(255), 1_000)).toBeUndefined();
});
