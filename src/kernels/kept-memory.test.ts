import { expect, test } from 'vitest';
import { KeptMemory } from './kept-memory.ts';

function entries(kept: KeptMemory) {
  const gone: string[] = [];
  const make = (name: string, bytes: number) => {
    const entry = {
      sizeBytes: bytes,
      release: () => {
        gone.push(name);
      },
    };
    kept.add(entry);
    return entry;
  };
  return { gone, make };
}

test('kept memory: others go once there is too much, the one in use never', () => {
  const kept = new KeptMemory(100);
  const { gone, make } = entries(kept);
  const a = make('a', 40);
  make('b', 40);
  expect([gone, kept.usedBytes]).toEqual([[], 80]);
  a.sizeBytes = 90;
  kept.resized(a, 40);
  expect([gone, kept.usedBytes]).toEqual([['b'], 90]);
  make('c', 400);
  expect([gone, kept.usedBytes]).toEqual([['b', 'a'], 400]);
});

test('kept memory: of a little more than there is room for, asked for in turns, most is there the next time', () => {
  const kept = new KeptMemory(850);
  const there = new Set<number>();
  let foundCount = 0;
  for (let turn = 0; turn < 50; turn++)
    for (let i = 0; i < 100; i++) {
      if (there.has(i)) {
        foundCount++;
        continue;
      }
      there.add(i);
      kept.add({ sizeBytes: 10, release: () => void there.delete(i) });
    }
  expect(kept.usedBytes).toBeLessThanOrEqual(850);
  expect(foundCount).toBeGreaterThan(3_000);
});

test('kept memory: what was removed is not released twice, and everything goes when asked', () => {
  const kept = new KeptMemory(100);
  const { gone, make } = entries(kept);
  const a = make('a', 10);
  make('b', 10);
  kept.remove(a);
  kept.remove(a);
  expect([gone, kept.usedBytes]).toEqual([['a'], 10]);
  make('c', 10);
  kept.clear();
  kept.clear();
  expect([gone.sort(), kept.usedBytes]).toEqual([['a', 'b', 'c'], 0]);
});
