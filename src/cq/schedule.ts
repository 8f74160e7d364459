/**
 * When a continuous query runs, and over which windows (spec F66): pure arithmetic over the time now and the mark of the
 * last run. Windows start at multiples of the interval since 1970, by the wall clock of the query's zone, moved by its
 * offset.
 *
 * Invariants:
 * - From run to run the windows follow each other without a gap, however late a run is: the first window of a run is the
 *   one that was due first after the mark.
 * - A run covers `windowsMax` windows beyond what RESAMPLE asks for, so that a long absence is made up for in slices; after one that
 *   was too much, fewer (attempts.ts).
 * - A mark that is further ahead than clocks of nodes differ is of a clock that has been put right: the windows that were
 *   open by the clock of now run again.
 */
import { secondNs } from '../base/units.ts';
import type { TimeZone } from '../base/time-zone.ts';
import type { Resampling } from './continuous-query.ts';

export interface TimeRange {
  readonly startNs: bigint;
  /** Not in it. */
  readonly endNs: bigint;
}

export interface RunPlan {
  /** The range to select; undefined when no window is complete yet. */
  readonly range: TimeRange | undefined;
  /** What the mark is once it has run. */
  readonly ranUntilNs: bigint;
  /** More is due already: the rest of what was missed. */
  readonly isBehind: boolean;
}

export interface LastRun {
  /** The mark; undefined before the first run. */
  readonly ranUntilNs: bigint | undefined;
  /** From when on windows count before the first run; undefined when nobody knows. */
  readonly createdNs: bigint | undefined;
}

export interface ScheduleOptions {
  /** Windows that ended so long ago are computed again, for points that came late; 0 for none. */
  readonly lateNs: bigint;
  /** What a run makes up for; 0 for nothing but the one run that was due first. */
  readonly windowsMax: number;
}

/** Nodes whose clocks differ by more than this may run a window twice. */
const clockSkewNs = secondNs;

/** The run that is due at `nowNs`, undefined when none is. */
export function dueRun(
  nowNs: bigint,
  rules: Resampling,
  { ranUntilNs, createdNs }: LastRun,
  { lateNs, windowsMax }: ScheduleOptions,
): RunPlan | undefined {
  const { intervalNs, offsetNs, zone } = rules;
  if (intervalNs === 0n) return undefined;
  const everyNs = rules.everyNs === 0n ? intervalNs : rules.everyNs;
  const markAt = (timeNs: bigint) => truncated(timeNs - offsetNs, everyNs, zone) + offsetNs;
  if (ranUntilNs !== undefined && ranUntilNs > nowNs + clockSkewNs)
    return { range: undefined, ranUntilNs: markAt(nowNs), isBehind: false };
  const firstNs = createdNs === undefined || createdNs > nowNs ? nowNs : createdNs;
  const nextNs = ranUntilNs === undefined ? firstNs : runAfter(ranUntilNs, everyNs, zone);
  if (nextNs > nowNs) return undefined;
  // Not past the last window that fits: the rest is due at once.
  const widthNs = BigInt(windowsMax) * intervalNs;
  const sliceNs = windowsMax === 0 || widthNs > everyNs ? widthNs : everyNs;
  const isBehind = nowNs - nextNs > sliceNs;
  const untilNs = isBehind ? nextNs + sliceNs : nowNs;
  const markNs = markAt(untilNs);
  return {
    range: rangeOf({ nextNs, untilNs, everyNs, lateNs }, rules),
    ranUntilNs: ranUntilNs === undefined || markNs > ranUntilNs ? markNs : nextNs,
    isBehind,
  };
}

function rangeOf(
  { nextNs, untilNs, everyNs, lateNs }: { readonly nextNs: bigint; readonly untilNs: bigint; readonly everyNs: bigint; readonly lateNs: bigint }, // prettier-ignore
  { intervalNs, offsetNs, forNs, zone }: Resampling,
): RunPlan['range'] {
  const widestNs = intervalNs < everyNs ? everyNs : intervalNs;
  const spanNs = forNs === 0n ? widestNs : forNs;
  // Windows that are still open are computed too when runs are closer than windows.
  const stepNs = intervalNs < everyNs ? intervalNs : everyNs;
  const firstNs = nextNs + intervalNs - spanNs - offsetNs - 1n - lateNs;
  const startNs = truncated(firstNs, intervalNs, zone) + offsetNs;
  const endNs = truncated(untilNs + intervalNs - stepNs - offsetNs, intervalNs, zone) + offsetNs;
  return endNs > startNs ? { startNs, endNs } : undefined;
}

/** The range of all windows that have any of the times [fromNs, toNs) in them. */
export function wholeWindows(
  { startNs: fromNs, endNs: toNs }: TimeRange,
  { intervalNs, offsetNs, zone }: Pick<Resampling, 'intervalNs' | 'offsetNs' | 'zone'>,
): TimeRange {
  const windowAt = (timeNs: bigint) => truncated(timeNs - offsetNs, intervalNs, zone) + offsetNs;
  const lastNs = windowAt(toNs - 1n);
  const nextNs = windowAt(lastNs + intervalNs);
  // A day of 25 hours goes on where one of 24 would be over.
  const endNs = nextNs > lastNs ? nextNs : windowAt(lastNs + 2n * intervalNs);
  return { startNs: windowAt(fromNs), endNs };
}

/** A day that has 23 or 25 hours in the query's zone is a day all the same. */
function runAfter(lastNs: bigint, everyNs: bigint, zone: TimeZone | undefined): bigint {
  const nextNs = lastNs + everyNs;
  if (zone === undefined) return nextNs;
  const shiftNs = zone.offsetNs(lastNs - 1n) - zone.offsetNs(nextNs - 1n);
  return isShorter(shiftNs, everyNs) ? nextNs + shiftNs : nextNs;
}

/** The multiple of `widthNs` at or before a time, by the clock of the zone. */
export function truncated(timeNs: bigint, widthNs: bigint, zone: TimeZone | undefined): bigint {
  const offsetNs = zone?.offsetNs(timeNs) ?? 0n;
  const past = (timeNs + offsetNs) % widthNs;
  const startNs = timeNs - (past < 0n ? past + widthNs : past);
  const shiftNs = offsetNs - (zone?.offsetNs(startNs) ?? 0n);
  return shiftNs !== 0n && isShorter(shiftNs, widthNs) ? startNs + shiftNs : startNs;
}

function isShorter(shiftNs: bigint, widthNs: bigint): boolean {
  return (shiftNs < 0n ? -shiftNs : shiftNs) < widthNs;
}
