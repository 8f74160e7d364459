import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ShardGroup } from './catalog.ts';
import { compareGroups, withGroups } from './shard-groups.ts';

const group = fc.record({
  id: fc.nat(9),
  startNs: fc.bigInt(0n, 20n),
  endNs: fc.bigInt(20n, 40n),
  truncatedAtNs: fc.option(fc.bigInt(0n, 40n), { nil: undefined }),
  deletedAtNs: fc.constantFrom(undefined, 7n),
  shards: fc.constant([]),
});

test('shard groups: new ones are put where sorting all of them would have them', () => {
  const runs = fc.array(fc.array(group, { minLength: 1, maxLength: 6 }), { maxLength: 8 });
  fc.assert(
    fc.property(fc.array(group, { maxLength: 6 }), runs, (restored, added) => {
      // What a snapshot or an import has may be in any order.
      let groups: readonly ShardGroup[] = restored;
      for (const one of added) {
        const [first, ...others] = one.toSorted(compareGroups);
        if (first === undefined) continue;
        const wanted = [...groups, first, ...others].sort(compareGroups);
        const before = [...groups];
        const all = withGroups(groups, [first, ...others]);
        expect(all).toEqual(wanted);
        expect(groups).toEqual(before);
        groups = all;
      }
    }),
    { numRuns: 100, seed: 3 },
  );
});
