import { hourNs, maxTimeNs, minTimeNs } from '../../base/units.ts';
import type { Window } from '../functions/function.ts';
import type { Grid } from '../plan/level-plan.ts';

/**
 * The window that holds a time (spec 6.3): starts are congruent to the offset modulo the interval, counted on the clock
 * of the zone. Where the zone's offset changes inside of a window, its start or end is moved along, unless the change is
 * longer than the interval. Bounds saturate at the ends of time.
 */
export function windowAt(timeNs: bigint, grid: Grid): Window {
  const { intervalNs, offsetNs, zone } = grid;
  if (intervalNs === 0n) return { startNs: grid.startNs, endNs: grid.endNs + 1n };
  const shiftedNs = timeNs - offsetNs;
  // Of the time itself: the reference asks for that of the shifted one, and puts points behind a change a window early.
  const zoneNs = zone?.offsetNs(timeNs) ?? 0n;
  let into = (shiftedNs + zoneNs) % intervalNs;
  if (into < 0n) into += intervalNs;
  let startNs = minTimeNs + into >= shiftedNs ? minTimeNs : shiftedNs - into;
  startNs += offsetNs;
  const leftNs = intervalNs - into;
  let endNs = maxTimeNs - leftNs <= shiftedNs ? maxTimeNs : shiftedNs + leftNs;
  endNs += offsetNs;
  if (zone === undefined) return { startNs, endNs };
  const startChange = zoneNs - zone.offsetNs(startNs);
  if (startChange !== 0n && magnitude(startChange) < intervalNs) startNs += startChange;
  if (zone.offsetNs(startNs - 1n) !== zone.offsetNs(startNs)) startNs -= repeatedNs(startNs, grid);
  const endZoneNs = zone.offsetNs(endNs);
  const endChange = zoneNs - endZoneNs;
  if (endChange !== 0n && magnitude(endChange) < intervalNs) {
    // Hours that come twice belong to the window before the change; hours that are skipped to the one in which they are.
    if (endChange > 0n || zone.offsetNs(endNs + endChange) === endZoneNs) endNs += endChange;
    return { startNs, endNs };
  }
  // Between two midnights of one day, as at St. John's: the day has begun with the first.
  const firstNs = endNs - repeatedNs(endNs, grid);
  return firstNs < endNs && timeNs >= firstNs ? windowAt(firstNs, grid) : { startNs, endNs };
}

/**
 * How long before a start of a window the clock showed the same, less than a window. A window begins with the first of two
 * such times where the clock goes back at the second; where it does so in between, as in the reference the first begins
 * one that has points up to the second, and the second one that has none.
 */
function repeatedNs(timeNs: bigint, { intervalNs, zone }: Grid): bigint {
  if (zone === undefined) return 0n;
  const zoneNs = zone.offsetNs(timeNs);
  const backNs = zone.offsetNs(timeNs - hourNs) - zoneNs;
  const isRepeated = backNs > 0n && zone.offsetNs(timeNs - backNs) === zoneNs + backNs;
  return isRepeated && backNs < intervalNs ? backNs : 0n;
}

/** What a window is called that starts there: one that starts at the beginning of time shows 1970 (trap 51). */
export function shownStartNs(startNs: bigint): bigint {
  return startNs === minTimeNs ? 0n : startNs;
}

/** The same of ascending starts: only the first can be that one. */
export function shownStartsNs(startsNs: BigInt64Array): BigInt64Array {
  if (startsNs[0] !== minTimeNs) return startsNs;
  const shown = startsNs.slice();
  shown[0] = shownStartNs(minTimeNs);
  return shown;
}

export function magnitude(value: bigint): bigint {
  return value < 0n ? -value : value;
}

export function isInside(timeNs: bigint, { startNs, endNs }: Window): boolean {
  return timeNs >= startNs && timeNs < endNs;
}

/** Doubles below it stand for one integer each. */
const exactMax = 2n ** 53n;
const wordRange = 2 ** 32;

/** The first row from `from` on whose time is not in the window. Times are looked at as words: a bigint each is what it cost. */
export function firstOutside(timesNs: BigInt64Array, from: number, window: Window): number {
  const { startNs, endNs } = window;
  let row = from;
  if (endNs - startNs >= exactMax) {
    while (row < timesNs.length && isInside(timesNs[row] ?? 0n, window)) row++;
    return row;
  }
  const words = new Int32Array(timesNs.buffer, timesNs.byteOffset, timesNs.length * 2);
  const lengthNs = Number(endNs - startNs);
  const startHigh = Number(startNs >> 32n);
  const startLow = Number(BigInt.asUintN(32, startNs));
  for (; row < timesNs.length; row++) {
    const high = (words[row * 2 + 1] ?? 0) - startHigh;
    // Rounded where it is far outside only, and never to within.
    const sinceNs = high * wordRange + (((words[row * 2] ?? 0) >>> 0) - startLow);
    if (sinceNs < 0 || sinceNs >= lengthNs) break;
  }
  return row;
}
