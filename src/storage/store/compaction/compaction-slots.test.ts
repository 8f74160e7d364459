import { expect, test } from 'vitest';
import { compactionLimits, CompactionSlots, sharedCompactionSlots } from './compaction-slots.ts';

test('max-concurrent-compactions: 0 is half of the cores, and no more run than there are; of the last level 0 is one', () => {
  const limitsOf = (concurrent: number, optimized: number, cores: number): string => {
    const limits = compactionLimits({ concurrent, optimized }, cores);
    return `${limits.concurrentMax} ${limits.optimizedMax}`;
  };
  expect(limitsOf(0, 0, 1)).toBe('1 1');
  expect(limitsOf(0, 0, 8)).toBe('4 1');
  expect(limitsOf(0, 9, 8)).toBe('4 4');
  expect(limitsOf(3, 2, 8)).toBe('3 2');
  expect(limitsOf(99, 0, 8)).toBe('8 1');
});

function workers(
  count: number,
  concurrentMax: number,
  optimizedMax = concurrentMax,
): CompactionSlots[] {
  const cells = sharedCompactionSlots(count);
  const limits = { concurrentMax, optimizedMax };
  return Array.from({ length: count }, (_, worker) => new CompactionSlots(cells, worker, limits));
}

test('compactions of all workers together are no more than the limit', () => {
  const [one, two, three] = workers(3, 2) as [CompactionSlots, CompactionSlots, CompactionSlots];
  expect([one.tryTake('level1'), two.tryTake('full'), three.tryTake('level1')]).toEqual([
    true,
    true,
    false,
  ]);
  one.give('level1');
  expect(three.tryTake('level1')).toBe(true);
  expect(one.tryTake('level1')).toBe(false);
});

test('compactions of the last level have a limit of their own, and others run beside them', () => {
  const [one, two] = workers(2, 2, 1) as [CompactionSlots, CompactionSlots];
  expect(one.tryTake('optimize')).toBe(true);
  expect(two.tryTake('optimize')).toBe(false);
  expect(two.tryTake('level1')).toBe(true);
  two.give('level1');
  one.give('optimize');
  expect(two.tryTake('optimize')).toBe(true);
});

test('a worker with plans without end does not keep another from its own, nor itself when that has none left', () => {
  const [busy, other] = workers(2, 1) as [CompactionSlots, CompactionSlots];
  expect(busy.tryTake('level1')).toBe(true);
  expect(other.tryTake('level1')).toBe(false);
  busy.give('level1');
  expect(busy.tryTake('level1')).toBe(false);
  expect(other.tryTake('level1')).toBe(true);
  expect(busy.tryTake('level1')).toBe(false);
  other.give('level1');
  // It stood back once, and takes what the other does not want.
  expect(busy.tryTake('level1')).toBe(true);
  busy.give('level1');
  expect(busy.tryTake('level1')).toBe(true);
});
