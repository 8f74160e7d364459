import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PersistentMap } from './persistent-map.ts';

const byNumber = (left: number, right: number): number => left - right;

test('persistent map: does what a Map does, in order, and older ones stay what they were', () => {
  const step = fc.record({ key: fc.nat(40), isRemoval: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const model = new Map<number, number>();
      let map = PersistentMap.empty<number, number>(byNumber);
      for (const [i, { key, isRemoval }] of steps.entries()) {
        const before = [...map.values()];
        const next = isRemoval ? map.without(key) : map.with(key, i);
        expect([...map.values()]).toEqual(before);
        map = next;
        if (isRemoval) model.delete(key);
        else model.set(key, i);
        const sorted = [...model].sort(([a], [b]) => a - b);
        expect([...map.values()]).toEqual(sorted.map(([, value]) => value));
        expect(map.size).toBe(model.size);
        expect(map.lastKey).toBe(
          Math.max(...model.keys()) === -Infinity ? undefined : Math.max(...model.keys()),
        );
        expect(map.get(key)).toBe(model.get(key));
        expect(map.has(key)).toBe(model.has(key));
      }
    }),
    { numRuns: 50, seed: 1 },
  );
});

test('persistent map: entries behind its last key are as if they had been added one by one', () => {
  const runs = fc.array(fc.nat(300), { maxLength: 12 });
  const height = (size: number): number => 1.45 * Math.log2(size + 2) + 1;
  fc.assert(
    fc.property(runs, fc.nat(3), (lengths, gap) => {
      let looks = 0;
      let map = PersistentMap.empty<number, string>((left, right) => (looks++, left - right));
      let key = 0;
      for (const length of lengths) {
        const entries = Array.from({ length }, () => [(key += 1 + gap), `of ${key}`] as const);
        const before = [...map.values()];
        const longer = map.withLast(entries);
        expect([...map.values()]).toEqual(before);
        expect([...longer.values()]).toEqual([...before, ...entries.map(([, value]) => value)]);
        expect(longer.size).toBe(map.size + length);
        map = length % 2 === 0 ? longer : longer.without(key);
      }
      for (const value of map.values()) {
        looks = 0;
        expect(map.get(Number(value.slice(3)))).toBe(value);
        expect(looks).toBeLessThan(height(map.size));
      }
    }),
    { numRuns: 50, seed: 2 },
  );
});

test.each(['rising', 'falling', 'mixed'])(
  'persistent map: a change looks at no more keys than the height of the tree, %s keys',
  (order) => {
    let looks = 0;
    let map = PersistentMap.empty<number, number>((left, right) => (looks++, left - right));
    const size = 20_000;
    const keyOf = (i: number): number =>
      order === 'rising' ? i : order === 'falling' ? size - i : (i * 7_919) % 20_011;
    const most = 3 * 1.45 * Math.log2(size);
    for (let i = 0; i < size; i++) {
      looks = 0;
      map = map.with(keyOf(i), i);
      expect(looks).toBeLessThan(most);
    }
    for (let i = 0; i < size; i++) {
      looks = 0;
      map = map.without(keyOf(i));
      expect(looks).toBeLessThan(most);
    }
    expect(map.size).toBe(0);
  },
);
