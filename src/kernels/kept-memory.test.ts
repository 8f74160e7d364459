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

test('kept memory: the longest unused goes first once there is too much, the one in use never', () => {
  const kept = new KeptMemory(100);
  const { gone, make } = entries(kept);
  const a = make('a', 40);
  make('b', 40);
  kept.used(a);
  make('c', 40);
  expect([gone, kept.usedBytes]).toEqual([['b'], 80]);
  a.sizeBytes = 90;
  kept.resized(a, 40);
  expect([gone, kept.usedBytes]).toEqual([['b', 'c'], 90]);
  make('d', 400);
  expect([gone, kept.usedBytes]).toEqual([['b', 'c', 'a'], 400]);
});

test('kept memory: what was removed is not released twice, and everything goes when asked', () => {
  const kept = new KeptMemory(100);
  const { gone, make } = entries(kept);
  const a = make('a', 10);
  make('b', 10);
  kept.remove(a);
  kept.remove(a);
  kept.used(a);
  expect([gone, kept.usedBytes]).toEqual([['a'], 10]);
  kept.clear();
  kept.clear();
  expect([gone, kept.usedBytes]).toEqual([['a', 'b'], 0]);
});
