import { expect, test } from 'vitest';
import { dayNs, hourNs } from '../../../base/units.ts';
import { UnroutedTimes } from './unrouted-times.ts';

function timesOf(
  times: readonly bigint[],
  groups: readonly { readonly startNs: bigint; readonly endNs: bigint }[] = [],
  groupDurationNs?: bigint,
): readonly bigint[] {
  const unrouted = new UnroutedTimes({ groups: groups.map((group) => ({ ...group, shardIds: [1] })), groupDurationNs }); // prettier-ignore
  for (const timeNs of times) unrouted.add(timeNs);
  return unrouted.timesNs;
}

test('unrouted times: of each group that is to be made the first, in whatever order they come', () => {
  expect(timesOf([5n, 6n, dayNs, 7n, dayNs + 1n, -1n, -dayNs], [], dayNs)).toEqual([
    5n,
    dayNs,
    -1n,
  ]);
});

test('unrouted times: where nobody says how long groups are, as many as there may be', () => {
  expect(timesOf([0n, hourNs - 1n, hourNs])).toEqual([0n, hourNs]);
});

test('unrouted times: groups that are there part an interval', () => {
  const noon = { startNs: 12n * hourNs, endNs: 13n * hourNs };
  const evening = { startNs: 20n * hourNs, endNs: 21n * hourNs };
  const hours = [9n, 14n, 10n, 22n, 15n, 23n, 11n].map((hour) => hour * hourNs);
  expect(timesOf(hours, [noon, evening], dayNs)).toEqual([9n, 14n, 22n].map((hour) => hour * hourNs)); // prettier-ignore
});

test('unrouted times: as many as may be made at once', () => {
  const starts = Array.from({ length: 10_001 }, (_, i) => BigInt(i) * dayNs);
  expect(timesOf(starts, [], dayNs)).toEqual(starts.slice(0, 10_000));
});
