import { expect, test } from 'vitest';
import { batchOf } from '../../../test/support/store-script.ts';
import { MiB } from '../../base/units.ts';
import { makeStamp, stampNs, type StampRange } from '../../models/stamp.ts';
import { valuesOf, type FoundValue } from '../engine/digests/batch-values.ts';
import { HashFilter } from '../engine/digests/hash-filter.ts';
import type { RangePoints } from '../engine/digests/range-points.ts';
import { saltedHashOf } from '../engine/digests/sketch-parts.ts';
import { heldValues, lackingOfPicked } from './merge-picked.ts';
import { conflictOf, lackingValues, type LackingValue } from './merge-points.ts';

const stamp = (ns: number) => makeStamp(BigInt(ns), 1);
const stamped = (from: number, to: number): StampRange => ({ least: stamp(from), greatest: stamp(to) }); // prettier-ignore

async function* given(...batches: readonly RangePoints[]): AsyncGenerator<RangePoints> {
  for (const one of batches) yield Promise.resolve(one);
}

const of = (lines: string, stamps?: StampRange): RangePoints => ({ payload: batchOf(lines), stamps }); // prettier-ignore

async function shown(values: AsyncIterable<LackingValue>): Promise<readonly string[]> {
  const texts: string[] = [];
  for await (const one of values) texts.push(textOf(one));
  return texts;
}

function textOf({ side, key, field, value, timeNs, stamp: at, isConflict }: LackingValue): string {
  return `${side} lacks ${key} ${field}=${value.value} ${timeNs} at ${stampNs(at)}${isConflict ? ' over another' : ''}`;
}

test('merged points: what one owner lacks is brought as early as it may have been written, whichever comes first', async () => {
  const found = lackingValues(
    ['m,h=b', 'm,h=a', 'm,h=c'],
    given(of('m,h=b v=1 10', stamped(20, 30)), of('m,h=a v=1 5\nm,h=a v=1 7', stamped(40, 50))),
    given(of('m,h=a u=1,v=1 5\nm,h=a v=1 6', stamped(3, 9)), of('m,h=c v=1 1')),
  );
  expect(await shown(found)).toEqual([
    'other lacks m,h=b v=1 10 at 20',
    'own lacks m,h=a u=1 5 at 3',
    'own lacks m,h=a v=1 6 at 3',
    'other lacks m,h=a v=1 7 at 40',
    'own lacks m,h=c v=1 1 at 0',
  ]);
});

test('merged points: of two values one is put over the other with a stamp that neither is later than', () => {
  const [one, two] = [...valuesOf(batchOf('m v=1 10\nm v=2 10'))] as [FoundValue, FoundValue];
  const conflict = (own: StampRange | undefined, other: StampRange | undefined) =>
    [...conflictOf({ value: one, stamps: own }, { value: two, stamps: other })].map(textOf);
  expect(conflict(stamped(1, 9), stamped(10, 20))).toEqual(['own lacks m v=2 10 at 20 over another']); // prettier-ignore
  expect(conflict(stamped(10, 20), stamped(1, 9))).toEqual(['other lacks m v=1 10 at 20 over another']); // prettier-ignore
  // Where they do not tell it is the first owner's, and counts more than whatever the other one has.
  expect(conflict(stamped(1, 12), stamped(10, 40))).toEqual(['other lacks m v=1 10 at 40 over another']); // prettier-ignore
  expect(conflict(undefined, stamped(10, 40))).toEqual(['other lacks m v=1 10 at 40 over another']); // prettier-ignore
  expect(conflict(stamped(10, 40), undefined)).toEqual(['other lacks m v=1 10 at 40 over another']); // prettier-ignore
  expect([...conflictOf({ value: one, stamps: stamped(1, 2) }, { value: one, stamps: stamped(3, 4) })]).toEqual([]); // prettier-ignore
});

test('picked points: what the other owner gives besides those that were asked for is no difference', async () => {
  const salt = 7;
  const mine = await heldValues(
    given(of('m v=1 10\nm v=1 11', stamped(20, 30)), of('m v=5 13', stamped(60, 70))),
  );
  if (mine === undefined) throw new Error('they are few');
  const theirs = 'm v=2 11\nm v=1 12\nm v=9 14';
  const asked = [...valuesOf(batchOf(theirs))].slice(0, 2).map((value) => saltedHashOf(value, salt)); // prettier-ignore
  const wanted = HashFilter.exact(Uint32Array.from(asked));
  expect(await shown(lackingOfPicked(mine, given(of(theirs, stamped(2, 4))), { salt, wanted }))).toEqual([
    'other lacks m v=1 11 at 30 over another',
    'own lacks m v=1 12 at 2',
    'other lacks m v=1 10 at 20',
    'other lacks m v=5 13 at 60',
  ]); // prettier-ignore
});

test('picked points: more than a quarter of a gigabyte of them is not held', async () => {
  const large = { payload: new Uint8Array(256 * MiB), stamps: undefined };
  expect(await heldValues(given(of('m v=1 10'), large))).toBeUndefined();
});
