import { expect, test } from 'vitest';
import { RecentMap } from './recent-map.ts';

function filled(countMax: number, weightMax: number, weights: readonly number[]) {
  const map = new RecentMap<number, string>({ countMax, weightMax });
  weights.forEach((weight, i) => {
    map.set(i, `${i}`, weight);
  });
  return map;
}

function keysOf(map: RecentMap<number, string>): readonly number[] {
  return Array.from({ length: 20 }, (_, i) => i).filter((i) => map.get(i) !== undefined);
}

test('recent map: past its number of entries the one asked for longest ago goes', () => {
  const map = filled(3, 100, [1, 1, 1]);
  expect(map.get(0)).toBe('0');
  map.set(3, '3', 1);
  expect(keysOf(map)).toEqual([0, 2, 3]);
  expect(map.get(1)).toBeUndefined();
});

test('recent map: past what all may weigh as many go as have to', () => {
  const map = filled(100, 10, [4, 3, 3]);
  map.set(3, '3', 7);
  expect(keysOf(map)).toEqual([2, 3]);
  expect(map.weight).toBe(10);
});

test('recent map: what weighs more than all may is not kept, nor is what stood there before', () => {
  const map = filled(100, 10, [4, 3]);
  map.set(0, 'other', 11);
  expect(keysOf(map)).toEqual([1]);
  expect(map.weight).toBe(3);
});

test('recent map: an entry that is set again weighs what it weighs now', () => {
  const map = filled(100, 10, [4, 3]);
  map.set(0, 'other', 5);
  expect([map.weight, map.size, map.get(0)]).toEqual([8, 2, 'other']);
  expect([map.delete(0), map.delete(0), map.weight]).toEqual([true, false, 3]);
});
