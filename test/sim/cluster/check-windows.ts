import type { OutputSeries } from '../../../src/query/emit/result.ts';
import { isValid } from '../../../src/query/column.ts';
import type { Rows } from './points.ts';
import { weekNs } from './workload.ts';

export interface Window {
  count: bigint;
  sum: bigint;
  max: bigint;
}

/** By series and start of the week. */
export type Windows = ReadonlyMap<string, Window>;

export const windowsQuery = (fromNs: bigint, toNs: bigint): string =>
  `SELECT count(i), sum(i), max(i) FROM m WHERE time >= ${fromNs} AND time < ${toNs} GROUP BY time(1w), client, host fill(none)`;

/** What windowsQuery has to answer of these rows. */
export function windowsOf(rows: Rows): Windows {
  const windows = new Map<string, Window>();
  for (const [key, text] of rows) {
    const value = /(?:^|,)i=(-?\d+)i/.exec(text)?.[1];
    const [series = '', time = '0'] = key.split(' ');
    if (!/^m[, ]/.test(key) || value === undefined) continue;
    const place = `${series} ${BigInt(time) - (BigInt(time) % weekNs)}`;
    const window = windows.get(place) ?? { count: 0n, sum: 0n, max: BigInt(value) };
    window.count++;
    window.sum += BigInt(value);
    if (BigInt(value) > window.max) window.max = BigInt(value);
    windows.set(place, window);
  }
  return windows;
}

export function answeredWindows(answer: readonly OutputSeries[]): Windows {
  const windows = new Map<string, Window>();
  for (const series of answer) {
    if (series.kind !== 'columns') continue;
    const tags = (series.tags ?? []).filter(([, value]) => value !== '');
    const name = ['m', ...tags.map(([key, value]) => `${key}=${value}`)].join(',');
    for (let row = series.start; row < series.end; row++) {
      const [count = 0n, sum = 0n, max = 0n] = series.values.map((column) => {
        if (!isValid(column, row)) return 0n;
        if (column.type !== 'integer') throw new Error(`a window of integers is a ${column.type}`);
        return column.values[row] ?? 0n;
      });
      windows.set(`${name} ${series.timesNs[row] ?? 0n}`, { count, sum, max });
    }
  }
  return windows;
}

/** What the owners of a window hold, by the series and the start of the week. */
export type OwnersWindows = (place: string) => readonly Windows[];

/** Each series and week of the answer is what one of its owners holds, for an owner may lack what it missed. */
export function checkWindows(
  answer: Windows,
  places: Iterable<string>,
  owners: OwnersWindows,
): void {
  for (const place of new Set([...answer.keys(), ...places])) {
    const got = textOf(answer.get(place));
    const wanted = owners(place).map((windows) => textOf(windows.get(place)));
    if (!wanted.includes(got))
      throw new Error(`the window ${place} is ${got}, and no owner's: ${wanted.join(' or ')}`);
  }
}

/**
 * While things break: a window counts at least what all owners had acknowledged before it was asked for, and no more than what
 * anybody has ever asked to write.
 */
export function checkWindowBounds(answer: Windows, sure: Windows, possible: Windows): void {
  for (const [place, { count }] of answer)
    if (count > (possible.get(place)?.count ?? 0n))
      throw new Error(`the window ${place} counts ${count}, of ${possible.get(place)?.count ?? 0n} ever written`); // prettier-ignore
  for (const [place, { count }] of sure)
    if ((answer.get(place)?.count ?? 0n) < count)
      throw new Error(`the window ${place} counts ${answer.get(place)?.count ?? 0n}, and all owners had ${count}`); // prettier-ignore
}

function textOf(window: Window | undefined): string {
  return window === undefined ? 'empty' : `${window.count} ${window.sum} ${window.max}`;
}
