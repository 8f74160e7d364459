import fc from 'fast-check';
import { expect, test } from 'vitest';
import { GoneSeries } from './gone-series.ts';

test('gone series: what is counted and listed of any range is what was added and not removed', () => {
  const ids = fc.uniqueArray(fc.nat(300));
  fc.assert(
    fc.property(
      ids,
      ids,
      fc.tuple(fc.nat(320), fc.nat(320), fc.nat(1 << 20)),
      (added, removed, [start, count, base]) => {
        const gone = new GoneSeries();
        for (const id of added) gone.add(id);
        for (const id of removed) gone.remove(id);
        const left = new Set(added.filter((id) => !removed.includes(id)));
        const range = Array.from({ length: count }, (_, i) => start + i);
        const others = range.filter((id) => !left.has(id));
        expect(gone.count).toBe(left.size);
        expect(gone.countIn(start, start + count)).toBe(count - others.length);
        expect([...gone.othersOf(start, count, base)]).toEqual(others.map((id) => id + base));
        expect([...gone.ids()]).toEqual([...left].sort((a, b) => a - b));
      },
    ),
    { seed: 5, numRuns: 300 },
  );
});
