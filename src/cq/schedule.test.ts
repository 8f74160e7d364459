import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { dayNs, hourNs, minuteNs, secondNs } from '../base/units.ts';
import { formatRfc3339 } from '../base/rfc3339.ts';
import { TimeZone } from '../base/time-zone.ts';
import { parseContinuousQuery, type Resampling } from './continuous-query.ts';
import { dueRun, truncated, wholeWindows, type RunPlan } from './schedule.ts';

const options = { lateNs: 0n, windowsMax: 1_000 };

interface Recorded {
  readonly text: string;
  /** Seconds from the origin on: when it ran, start and end of the range. */
  readonly runs: readonly (readonly [number, number, number])[];
}

/** 2026-11-26T16:58:10Z. */
const originNs = 1_795_712_290n * secondNs;
const recorded = readFileSync(new URL('./testdata/runs-1.12.4.jsonl', import.meta.url), 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as Recorded);

/** As the recorded server was set to look. */
const lookS = 0.1;

test.each(recorded)(
  'schedule: a real 1.12.4 ran $text then and over these ranges',
  ({ text, runs }) => {
    const atNs = (seconds: number): bigint => originNs + BigInt(Math.round(seconds * 1e6)) * 1_000n;
    // Made a moment before its first look.
    const createdNs = atNs(Math.min(runs[0]?.[0] ?? 0, 0.31));
    let ranUntilNs: bigint | undefined;
    const look = (seconds: number): RunPlan['range'] => {
      const nowNs = atNs(seconds);
      const rules = parseContinuousQuery(text).resampling(nowNs);
      const plan = dueRun(nowNs, rules, { ranUntilNs, createdNs }, options);
      ranUntilNs = plan?.ranUntilNs ?? ranUntilNs;
      return plan?.range;
    };
    let lookedS = 0.35;
    for (const [nowS, startS, endS] of runs) {
      // Each look in between ran nothing.
      for (; lookedS < nowS - 1.5 * lookS; lookedS += lookS)
        expect([lookedS, look(lookedS)]).toEqual([lookedS, undefined]);
      expect([nowS, look(nowS)]).toEqual([nowS, { startNs: atNs(startS), endNs: atNs(endS) }]);
      lookedS = nowS + lookS / 2;
    }
    expect(runs.length).toBeGreaterThan(15);
  },
);

const minutely: Resampling = {
  intervalNs: minuteNs,
  offsetNs: 0n,
  everyNs: 0n,
  forNs: 0n,
  zone: undefined,
};
const noonNs = 20_000n * dayNs + 12n * hourNs;

/** Ranges of the runs that looks each 10 s make, in minutes from noon on. */
function rangesOf(
  rules: Resampling,
  looksS: readonly number[],
  start: {
    readonly ranUntilNs?: bigint;
    readonly createdNs?: bigint;
    readonly lateNs?: bigint;
    readonly windowsMax?: number;
  } = {},
): readonly string[] {
  let { ranUntilNs } = start;
  return looksS.flatMap((seconds) => {
    const nowNs = noonNs + BigInt(Math.round(seconds * 1e3)) * 1_000_000n;
    const last = { ranUntilNs, createdNs: start.createdNs };
    const plan = dueRun(nowNs, rules, last, { ...options, ...start });
    ranUntilNs = plan?.ranUntilNs ?? ranUntilNs;
    if (plan?.range === undefined) return [];
    const minutes = (timeNs: bigint) => Number(timeNs - noonNs) / 6e10;
    return [
      `${minutes(plan.range.startNs)} ${minutes(plan.range.endNs)}${plan.isBehind ? ' behind' : ''}`,
    ];
  });
}

test('schedule: without GROUP BY time() nothing ever runs', () => {
  expect(rangesOf({ ...minutely, intervalNs: 0n }, [0, 60, 120])).toEqual([]);
});

test('schedule: late runs leave no window out', () => {
  expect(rangesOf(minutely, [1, 60, 190, 200, 240], { ranUntilNs: noonNs })).toEqual([
    '0 1',
    '1 3',
    '3 4',
  ]);
});

test('schedule: windows of before its first run count from when it was made', () => {
  expect(rangesOf(minutely, [245], { createdNs: noonNs + 30n * secondNs })).toEqual(['0 4']);
  expect(rangesOf(minutely, [245])).toEqual([]);
  // One made by a clock that is ahead: as if it were made now.
  expect(rangesOf(minutely, [245, 300], { createdNs: noonNs + hourNs })).toEqual(['4 5']);
});

test('schedule: what was missed is made up for in slices that follow each other', () => {
  const looks = [1_000, 1_000, 1_000, 1_000];
  const slices = rangesOf(minutely, looks, { ranUntilNs: noonNs, windowsMax: 7 });
  expect(slices).toEqual(['0 8 behind', '8 16 behind']);
});

test('schedule: points that come late have their windows computed again', () => {
  const looks = [60, 120];
  expect(rangesOf(minutely, looks, { ranUntilNs: noonNs, lateNs: 150n * secondNs })).toEqual([
    '-2 1',
    '-1 2',
  ]);
  expect(rangesOf(minutely, looks, { ranUntilNs: noonNs, lateNs: 60n * secondNs })).toEqual([
    '-1 1',
    '0 2',
  ]);
});

test('schedule: after a clock was put back the windows that are open then run again when they end', () => {
  // Marks of an hour ahead, left by a clock that was wrong.
  const ahead = noonNs + hourNs;
  expect(rangesOf(minutely, [30, 60, 90, 120], { ranUntilNs: ahead })).toEqual(['0 1', '1 2']);
  // Within what clocks of nodes differ by, the mark holds.
  expect(rangesOf(minutely, [59.5, 60, 119, 120], { ranUntilNs: noonNs + minuteNs })).toEqual([
    '1 2',
  ]);
});

test('schedule: a clock that jumps forward leaves no window out', () => {
  expect(rangesOf(minutely, [60, 60 + 3_600, 60 + 3_660], { ranUntilNs: noonNs })).toEqual([
    '0 1',
    '1 61',
    '61 62',
  ]);
});

test('schedule: days of 23 and 25 hours are days', () => {
  const zone = new TimeZone('America/New_York');
  const days: Resampling = { ...minutely, intervalNs: dayNs, zone };
  const hoursOf = (from: string, hours: number): readonly string[] => {
    const startNs = BigInt(Date.parse(from)) * 1_000_000n;
    let ranUntilNs: bigint | undefined = startNs;
    const found: string[] = [];
    for (let hour = 1; hour <= hours; hour++) {
      const plan = dueRun(
        startNs + BigInt(hour) * hourNs,
        days,
        { ranUntilNs, createdNs: undefined },
        options,
      );
      ranUntilNs = plan?.ranUntilNs ?? ranUntilNs;
      if (plan?.range !== undefined)
        found.push(`${hour}: ${Number(plan.range.endNs - plan.range.startNs) / 3.6e12}`);
    }
    return found;
  };
  expect(hoursOf('2026-03-07T05:00:00Z', 73)).toEqual(['24: 24', '47: 23', '71: 24']);
  expect(hoursOf('2026-10-31T04:00:00Z', 73)).toEqual(['24: 24', '49: 25', '73: 24']);
});

test('schedule: times before 1970 have their windows too', () => {
  expect(truncated(-1n, minuteNs, undefined)).toBe(-minuteNs);
  expect(truncated(-minuteNs, minuteNs, undefined)).toBe(-minuteNs);
});

test.each([
  // Days of Berlin of 24, 25 and 23 hours.
  ['2026-10-24T22:00:00Z', '2026-10-24T22:30:00Z', '2026-10-24T22:00:00Z 2026-10-25T23:00:00Z'],
  ['2026-10-25T12:00:00Z', '2026-10-25T22:30:00Z', '2026-10-24T22:00:00Z 2026-10-25T23:00:00Z'],
  ['2026-10-25T12:00:00Z', '2026-10-25T23:00:00Z', '2026-10-24T22:00:00Z 2026-10-25T23:00:00Z'],
  ['2026-10-23T22:00:00Z', '2026-10-24T22:00:00Z', '2026-10-23T22:00:00Z 2026-10-24T22:00:00Z'],
  ['2026-03-27T23:00:00Z', '2026-03-28T23:00:00Z', '2026-03-27T23:00:00Z 2026-03-28T23:00:00Z'],
  ['2026-03-28T23:00:00Z', '2026-03-29T22:00:00Z', '2026-03-28T23:00:00Z 2026-03-29T22:00:00Z'],
  ['2026-03-29T21:59:59Z', '2026-03-29T22:00:01Z', '2026-03-28T23:00:00Z 2026-03-30T22:00:00Z'],
])('schedule: days of Berlin that have times from %s to %s are whole', (from, to, expected) => {
  const atNs = (text: string): bigint => BigInt(Date.parse(text)) * 1_000_000n;
  const rules = { intervalNs: dayNs, offsetNs: 0n, zone: new TimeZone('Europe/Berlin') };
  const { startNs, endNs } = wholeWindows({ startNs: atNs(from), endNs: atNs(to) }, rules);
  expect(`${formatRfc3339(startNs)} ${formatRfc3339(endNs)}`).toBe(expected);
});
