import { expect, test } from 'vitest';
import { TimeZone } from '../../base/time-zone.ts';
import { dayNs, hourNs } from '../../base/units.ts';
import type { Window } from '../functions/function.ts';
import { firstOutside, isInside, windowAt } from './windows.ts';

const secondNs = 1_000_000_000n;
const at = (text: string): bigint => BigInt(Date.parse(text)) * 1_000_000n;
/** One of each for all grids: what it has asked of the machine's tables it keeps. */
const zones = ['Europe/Rome', 'America/Los_Angeles', 'Australia/Lord_Howe', 'Asia/Kathmandu'].map((name) => new TimeZone(name)); // prettier-ignore
const grids = [[7n * dayNs, 4n * dayNs], [7n * dayNs, 0n], [dayNs, 0n], [dayNs, hourNs], [6n * hourNs, 0n], [2n * hourNs, 0n], [hourNs, 0n], [hourNs / 2n, 0n]] as const; // prettier-ignore

/** Each half hour of 2020 lies in one window, and windows follow each other without a gap. */
test.each(zones.flatMap((zone) => grids.map((grid) => [zone.name, ...grid, zone] as const)))(
  'windows: %s, %d ns, offset %d: no time is in two, none in none',
  (_name, intervalNs, offsetNs, zone) => {
    const grid = { intervalNs, offsetNs, zone, startNs: 0n, endNs: 0n };
    let last: Window | undefined;
    const wrong: unknown[] = [];
    for (let timeNs = at('2020-01-01'); timeNs < at('2021-01-01'); timeNs += hourNs / 2n) {
      const window = windowAt(timeNs, grid);
      const { startNs, endNs } = window;
      const isInside = startNs <= timeNs && timeNs < endNs;
      const isNext = last === undefined || startNs === last.endNs;
      const isSame = last?.startNs === startNs && last.endNs === endNs;
      if (!isInside || !(isNext || isSame)) wrong.push([timeNs, window]);
      last = window;
    }
    expect(wrong).toEqual([]);
  },
);

test('windows: a week with an offset begins at midnight on both sides of a change of the clocks', () => {
  const grid = { intervalNs: 7n * dayNs, offsetNs: 4n * dayNs, zone: new TimeZone('Europe/Rome'), startNs: 0n, endNs: 0n }; // prettier-ignore
  expect(windowAt(at('2020-03-30T08:00:00Z'), grid)).toEqual({ startNs: at('2020-03-29T22:00:00Z'), endNs: at('2020-04-05T22:00:00Z') }); // prettier-ignore
  expect(windowAt(at('2020-03-29T21:59:59Z'), grid)).toEqual({ startNs: at('2020-03-22T23:00:00Z'), endNs: at('2020-03-29T22:00:00Z') }); // prettier-ignore
});

test('windows: where the clock shows a start twice it is the first one', () => {
  const grid = { intervalNs: dayNs, offsetNs: hourNs, zone: new TimeZone('America/Los_Angeles'), startNs: 0n, endNs: 0n }; // prettier-ignore
  const start = at('2020-11-01T08:00:00Z');
  for (const timeNs of [start, start + hourNs, start + 2n * hourNs - secondNs])
    expect(windowAt(timeNs, grid).startNs).toBe(start);
  expect(windowAt(start - 1n, grid).endNs).toBe(start);
});

test('windows: where the clock goes back between two midnights a day without points before the second begins with that', () => {
  const grid = { intervalNs: dayNs, offsetNs: 0n, zone: new TimeZone('America/St_Johns'), startNs: 0n, endNs: 0n }; // prettier-ignore
  const [first, change, second] = [at('2000-10-29T02:30:00Z'), at('2000-10-29T02:31:00Z'), at('2000-10-29T03:30:00Z')]; // prettier-ignore
  const endNs = at('2000-10-30T03:30:00Z');
  expect(windowAt(first - 1n, grid)).toEqual({ startNs: at('2000-10-28T02:30:00Z'), endNs: first });
  for (const timeNs of [first, change - 1n, change, second - 1n])
    expect(windowAt(timeNs, grid)).toEqual({ startNs: first, endNs });
  for (const timeNs of [second, second + hourNs])
    expect(windowAt(timeNs, grid)).toEqual({ startNs: second, endNs });
});

test('windows: the first row outside is found as by a look at each time', () => {
  const edges = [-(2n ** 63n), -(2n ** 62n), -1n, 0n, 2n ** 32n, 2n ** 32n - 1n, 2n ** 40n, 2n ** 53n, 2n ** 63n - 1n]; // prettier-ignore
  const times = edges.flatMap((edge) => [edge - 1n, edge, edge + 1n]).filter((time) => BigInt.asIntN(64, time) === time); // prettier-ignore
  for (const startNs of times)
    for (const endNs of times) {
      const window = { startNs, endNs };
      if (endNs <= startNs) continue;
      for (const timeNs of times)
        expect(firstOutside(BigInt64Array.of(timeNs), 0, window)).toBe(isInside(timeNs, window) ? 1 : 0); // prettier-ignore
    }
});
