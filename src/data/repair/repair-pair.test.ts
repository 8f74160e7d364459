import { expect, test } from 'vitest';
import fc from 'fast-check';
import { makeStamp, noStamp, type StampRange } from '../../models/stamp.ts';
import { filterOf } from '../engine/delete-filters.ts';
import { ownedRange, RepairOwner, type OwnerPoints, type OwnerValue } from '../../../test/support/repair-owner.ts'; // prettier-ignore
import { DbError } from '../../base/errors.ts';
import type { RepairReport } from '../../services/anti-entropy.ts';
import { digestWords } from '../engine/digests/shard-digest.ts';
import { repairPair, type RepairPorts } from './repair-pair.ts';

const shard = { shardId: 1, database: 'd', retentionPolicy: 'p', ...ownedRange };
const origin = 7n;

async function repair(
  own: RepairOwner,
  other: RepairOwner,
  write: RepairPorts['write'] = (nodeId, { payload }) => {
    (nodeId === own.nodeId ? own : other).write(payload);
    return Promise.resolve({ kind: 'written', droppedCount: 0, reason: '' });
  },
): Promise<RepairReport> {
  return repairPair([own, other], shard, {
    write,
    delete: async (nodeId, one) => {
      // Takes longer than anything else.
      for (let i = 0; i < 100; i++) await Promise.resolve();
      (nodeId === own.nodeId ? own : other).delete(one);
    },
    take: () => Promise.resolve(),
    pace: () => Promise.resolve(),
    origin,
    signal: new AbortController().signal,
  });
}

test('repair: however long texts are that an owner lacks, what it is brought at once is short', async () => {
  const points: OwnerPoints = Array.from({ length: 100 }, (_, i) => [`m,h=h${i}`, 's', 5n, `${i}`.repeat(30_000)] as const); // prettier-ignore
  const lengths: number[] = [];
  class Lacking extends RepairOwner {
    override write(payload: Uint8Array): void {
      lengths.push(payload.length);
      super.write(payload);
    }
  }
  const own = new Lacking(1, []);
  await repair(own, new RepairOwner(2, points));
  expect(own.content.length).toBe(100);
  expect(Math.max(...lengths)).toBeLessThan(2 << 20);
  // Of 30,000 or 60,000 letters each: no more batches than that takes.
  expect(lengths.length).toBeLessThan(7);
});

const stamped = (from: number, to: number): StampRange => ({
  least: makeStamp(BigInt(from), 1),
  greatest: makeStamp(BigInt(to), 1),
});

test('repair: both end with all that either has, and what is equal does not travel', async () => {
  const many: OwnerPoints = Array.from({ length: 2_000 }, (_, i) => [`m,h=h${i % 20}`, 'v', BigInt(i * 500), i / 3] as const); // prettier-ignore
  const own = new RepairOwner(1, many.filter((_, i) => i % 100 !== 7)); // prettier-ignore
  const other = new RepairOwner(2, [...many.slice(0, 1_900), ['m,h=new', 's', 5n, 'text'], ['m,h=h1', 'b', -9n, true]]); // prettier-ignore
  const report = await repair(own, other);
  expect(own.content).toEqual(other.content);
  expect(own.content.length).toBe(2_001);
  expect(report).toMatchObject({ ownCount: 21, otherCount: 99, conflictCount: 0, refusedCount: 0 });
  const before = other.sentBytes;
  expect(await repair(own, other)).toMatchObject({ ownCount: 0, otherCount: 0, movedBytes: 0 });
  expect(other.sentBytes).toBe(before);
});

test('repair: an owner whose digest says what is not so is asked for one that it reads anew', async () => {
  const points: OwnerPoints = Array.from({ length: 500 }, (_, i) => [`m,h=h${i % 20}`, 'v', BigInt(i * 500), i / 3] as const); // prettier-ignore
  const [own, other] = [new RepairOwner(1, points), new RepairOwner(2, points)];
  other.stale = new Uint32Array(digestWords).fill(7);
  await repair(own, other);
  expect(other.digestCount).toBe(2);
  // What hides behind a part that differs is found, whichever the owner is wrong about.
  const lacking = new RepairOwner(2, points.slice(1));
  lacking.stale = new Uint32Array(digestWords);
  expect((await repair(own, lacking)).otherCount).toBe(1);
  expect(lacking.content).toEqual(own.content);
  const same = new RepairOwner(2, points);
  await repair(own, same);
  expect(same.digestCount).toBe(1);
});

test('repair: what an owner refuses is told as that, and one that takes nothing fails the repair', async () => {
  const owners = () => [new RepairOwner(1, [['m', 'v', 1n, 1]]), new RepairOwner(2, [['n', 'v', 1n, 1], ['n', 'v', 2n, 1]])] as const; // prettier-ignore
  const refusing: RepairPorts['write'] = () => Promise.resolve({ kind: 'written', droppedCount: 1, reason: 'field type conflict' }); // prettier-ignore
  expect(await repair(...owners(), refusing)).toMatchObject({ ownCount: 1, otherCount: 1, refusedCount: 1 }); // prettier-ignore
  const full = new DbError('disk_full', 'no space left');
  await expect(repair(...owners(), () => Promise.resolve({ kind: 'failed', error: full }))).rejects.toBe(full); // prettier-ignore
  await expect(repair(...owners(), () => Promise.resolve({ kind: 'failed', error: 'gone' }))).rejects.toMatchObject({ code: 'unavailable', cause: 'gone' }); // prettier-ignore
});

test('repair: an owner of an earlier release is offered packed points once', async () => {
  const texts: OwnerPoints = Array.from({ length: 20 }, (_, i) => ['m', 's', BigInt(i), 'text'.repeat(15_000)] as const); // prettier-ignore
  const [own, other] = [new RepairOwner(1, texts), new RepairOwner(2, [])];
  other.isEarlier = true;
  let offeredCount = 0;
  const bring = other.bring.bind(other);
  other.bring = (batch) => {
    offeredCount++;
    return bring(batch);
  };
  expect((await repair(own, other)).otherCount).toBe(20);
  expect([offeredCount, other.seenStamps.length]).toEqual([1, 2]);
});

test('repair: a shard that one has nothing of, and one that nobody has anything of', async () => {
  const points: OwnerPoints = [['m', 'i', 1n, 5n], ['m', 'f', 2n, -0], ['m,a=b', 'u', 999_999n, 2n ** 62n]]; // prettier-ignore
  const [empty, whole] = [new RepairOwner(1, []), new RepairOwner(2, points)];
  expect((await repair(empty, whole)).ownCount).toBe(3);
  expect(empty.content).toEqual(whole.content);
  const [fresh, again] = [new RepairOwner(1, points), new RepairOwner(2, [])];
  expect((await repair(fresh, again)).otherCount).toBe(3);
  expect(again.content).toEqual(fresh.content);
  expect(await repair(new RepairOwner(1, []), new RepairOwner(2, []))).toMatchObject({
    movedBytes: 0,
  });
});

test('repair: of two values of a point the one of later stamps stays, and where they do not tell, the first owner’s', async () => {
  const at = (value: OwnerValue): OwnerPoints => [['m', 'v', 10n, value]];
  const later = new RepairOwner(2, at(2), stamped(50, 60));
  const earlier = new RepairOwner(1, at(1), stamped(1, 9));
  expect(await repair(earlier, later)).toMatchObject({ ownCount: 1, conflictCount: 1 });
  expect(earlier.content).toEqual(later.content);
  expect(earlier.content[0]).toContain(' 2');
  const [first, second] = [new RepairOwner(1, at(1), stamped(1, 55)), new RepairOwner(2, at('2'), stamped(50, 60))]; // prettier-ignore
  expect(await repair(first, second)).toMatchObject({ otherCount: 1, conflictCount: 1 });
  expect(second.content[0]).toContain('number 1');
});

test('repair: what is brought has the stamps of the owner that has it, and no batch that of another', async () => {
  const points: OwnerPoints = Array.from({ length: 12_000 }, (_, i) => ['m', 'v', BigInt(i), i] as const); // prettier-ignore
  const own = new RepairOwner(1, [], undefined);
  const other = new RepairOwner(2, points, stamped(100, 900));
  await repair(own, other);
  expect(own.seenStamps.length).toBe(3);
  expect(new Set(own.seenStamps).size).toBe(3);
  for (const stamp of own.seenStamps) {
    // What is later than the first of it may be a delete that is on its way.
    expect(stamp).toBeGreaterThan(makeStamp(100n, 1));
    expect(stamp).toBeLessThan(makeStamp(200n, 1));
  }
  expect(own.seenStamps).not.toContain(noStamp);
});

test('repair: a delete that one owner has not heard of reaches it before points do', async () => {
  const points: OwnerPoints = [['m', 'v', 1n, 1], ['m', 'v', 9n, 2], ['n', 'v', 1n, 3]]; // prettier-ignore
  const [own, other] = [new RepairOwner(1, points), new RepairOwner(2, points)];
  const one = {
    stamp: makeStamp(70n, 2),
    minTimeNs: 0n,
    maxTimeNs: 5n,
    filter: filterOf([{ name: 'm', predicate: undefined }]),
  };
  other.delete(one);
  expect(await repair(own, other)).toMatchObject({ deleteCount: 1, ownCount: 0, otherCount: 0 });
  expect(own.content).toEqual(other.content);
  expect(own.content.length).toBe(2);
  expect(own.forgotten).toEqual([one]);
  expect((await repair(own, other)).deleteCount).toBe(0);
});

test('repair: what has survived a delete is brought as later than it, and the rest of its series is not', async () => {
  const points: OwnerPoints = [['m', 'v', 3n, 1], ['m', 'v', 9n, 2], ['n', 'v', 3n, 3]]; // prettier-ignore
  const one = { stamp: makeStamp(70n, 2), minTimeNs: 0n, maxTimeNs: 5n, filter: filterOf([{ name: 'm', predicate: undefined }]) }; // prettier-ignore
  const [own, other] = [new RepairOwner(1, []), new RepairOwner(2, [], stamped(10, 90))];
  for (const owner of [own, other]) owner.delete(one);
  for (const point of points) other.put(point);
  expect(await repair(own, other)).toMatchObject({ deleteCount: 0, ownCount: 3 });
  expect(own.content).toEqual(other.content);
  const since = own.seenStamps.map((stamp) => stamp > one.stamp);
  expect(since).toEqual([true, false]);
  for (const stamp of own.seenStamps) expect(stamp).toBeGreaterThan(makeStamp(10n, 1));
});

test('repair: whatever two owners have, they end equal', async () => {
  const point = fc.tuple(
    fc.constantFrom('m', 'm,h=a', 'm,h=b', 'n,x=ü', 'k'),
    fc.constantFrom('f', 'g'),
    fc.bigInt({ min: -5n, max: 1_000_100n }),
    fc.constantFrom(1.5, -0, 0, 1e300),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(point, { maxLength: 60 }),
      fc.array(point, { maxLength: 60 }),
      fc.array(point, { maxLength: 60 }),
      async (a, b, both) => {
        // prettier-ignore
        const [own, other] = [new RepairOwner(1, [...both, ...a]), new RepairOwner(2, [...both, ...b])];
        await repair(own, other);
        expect(own.content).toEqual(other.content);
      },
    ),
    { numRuns: 200, seed: 5 },
  );
});

/** So many values in a hundred series; `has` says which of them an owner has, and `value` what they are. */
function manyPoints(
  count: number,
  has: (i: number) => boolean,
  value = (i: number): OwnerValue => Math.sin(i * i) * 1_000,
): OwnerPoints {
  const all: [string, string, bigint, OwnerValue][] = [];
  for (let i = 0; i < count; i++)
    if (has(i)) all.push([`m,h=h${i % 100}`, 'v', BigInt(Math.floor((i * 1_000_000) / count)), value(i)]); // prettier-ignore
  return all;
}

const isScattered = (i: number, of: number, share = 100): boolean =>
  Math.imul(i + of * 7_919, 0x9e3779b1) >>> 0 < 2 ** 32 / share;

test.each([
  ['this one lacks them', 1, 0],
  ['the other one lacks them', 0, 1],
  ['each lacks half of them', 0.5, 0.5],
])('repair: of values that are lost here and there little more than these travels: %s', async (_, mine, theirs) => {
  const count = 20_000;
  const lost = (side: number, share: number) => (i: number) => share === 0 || !isScattered(i, side, 100 / share); // prettier-ignore
  const own = new RepairOwner(1, manyPoints(count, lost(1, mine)));
  const other = new RepairOwner(2, manyPoints(count, lost(2, theirs)));
  const differences = 2 * count - own.content.length - other.content.length;
  const report = await repair(own, other);
  expect(own.content).toEqual(other.content);
  expect(report.ownCount + report.otherCount).toBe(differences);
  expect(differences).toBeGreaterThan(100);
  // Besides the digest at most 25 bytes a value, 3 % of what a hundred incompressible ones take; a few hundred that are lost on
  // both sides may need a second sketch.
  expect((report.movedBytes - 12_288) / differences).toBeLessThan(mine === theirs ? 30 : 25);
  expect(report.conflictCount).toBe(0);
}); // prettier-ignore

test('repair: values that were changed here and there are found, and all owners have the one of later stamps', async () => {
  const changed = (i: number): OwnerValue => (isScattered(i, 3, 500) ? i : Math.sin(i * i) * 1_000);
  const own = new RepairOwner(1, manyPoints(5_000, () => true), stamped(1, 9)); // prettier-ignore
  const other = new RepairOwner(2, manyPoints(5_000, () => true, changed), stamped(50, 60)); // prettier-ignore
  const wanted = other.content;
  const { conflictCount, ownCount } = await repair(own, other);
  expect(own.content).toEqual(wanted);
  expect(other.content).toEqual(wanted);
  expect([conflictCount > 5, ownCount]).toEqual([true, conflictCount]);
});

test('repair: sketches that cannot tell, and an owner of an earlier release that has none, end equal all the same', async () => {
  // As many values on both sides, and most of them others: nothing says beforehand how many.
  const own = new RepairOwner(1, manyPoints(8_000, () => true)); // prettier-ignore
  const other = new RepairOwner(2, manyPoints(8_000, () => true, (i) => i)); // prettier-ignore
  await repair(own, other);
  expect(own.content).toEqual(other.content);
  expect(other.sketchCount).toBeGreaterThan(1);
  const [left, right] = [new RepairOwner(1, manyPoints(5_000, (i) => !isScattered(i, 1))), new RepairOwner(2, manyPoints(5_000, (i) => !isScattered(i, 2)))]; // prettier-ignore
  right.isEarlier = true;
  await repair(left, right);
  expect(left.content).toEqual(right.content);
  expect(right.sketchCount).toBe(0);
});

test('repair: whatever little two owners of much lack, they end equal', async () => {
  const base = manyPoints(1_000, () => true);
  const place = fc.integer({ min: 0, max: 999 });
  await fc.assert(
    fc.asyncProperty(
      fc.array(place, { maxLength: 30 }),
      fc.array(place, { maxLength: 30 }),
      fc.array(place, { maxLength: 10 }),
      async (mine, theirs, changed) => {
        const own = new RepairOwner(1, base.filter((_, i) => !mine.includes(i))); // prettier-ignore
        const other = new RepairOwner(2, base.filter((_, i) => !theirs.includes(i)).map(([key, field, timeNs, value], i) => [key, field, timeNs, changed.includes(i) ? i : value] as const)); // prettier-ignore
        await repair(own, other);
        expect(own.content).toEqual(other.content);
      },
    ),
    { numRuns: 15, seed: 6 },
  );
});
