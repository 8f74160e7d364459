/**
 * Summaries of a field of numbers as one, column by column: no window is an object. What window-accumulator.ts makes of the same windows,
 * in the order of the parts: sums run in it, min and max keep the earliest time, first and last at one time the larger value, all of them
 * the positive one of two zeros.
 */
import { DbError } from '../../base/errors.ts';
import type { Column } from '../column.ts';
import { isPlusZero, precedes } from '../equal-values.ts';
import type { SelectedValues, WindowSummary } from '../fragment.ts';

type Numbers = Float64Array | BigInt64Array | BigUint64Array;
type SelectedPart = 'mins' | 'maxs' | 'firsts' | 'lasts';

/** Where the windows of each part are among those of all. */
interface Places {
  readonly startsNs: BigInt64Array;
  /** By part; absent where each part has all of them. */
  readonly at: readonly Uint32Array[] | undefined;
  /** By window: the first part that has it. */
  readonly firstPart: Uint32Array;
}

/** Undefined where a part has something else than numbers, or not the same columns as the others. */
export function mergeNumbers(parts: readonly WindowSummary[]): WindowSummary | undefined {
  const [first] = parts;
  if (first === undefined || !parts.every((part) => isLike(part, first))) return undefined;
  const places = placesOf(parts);
  const merged = (part: SelectedPart): SelectedValues | undefined =>
    first[part] &&
    mergeSelected(
      part,
      parts.map((one) => one[part] as SelectedValues),
      places,
    );
  return {
    startsNs: places.startsNs,
    counts: mergeSums(
      parts.map(({ counts }) => counts),
      places,
    ) as BigInt64Array,
    sums: first.sums && columnLike(first.sums, mergeSums(parts.map(({ sums }) => numbersOf(sums)), places)), // prettier-ignore
    mins: merged('mins'),
    maxs: merged('maxs'),
    firsts: merged('firsts'),
    lasts: merged('lasts'),
  };
}

function isLike(part: WindowSummary, first: WindowSummary): boolean {
  if (part.ranked !== undefined || !isPlain(part.sums, first.sums)) return false;
  return (
    isPlain(part.mins?.values, first.mins?.values) &&
    isPlain(part.maxs?.values, first.maxs?.values) &&
    isPlain(part.firsts?.values, first.firsts?.values) &&
    isPlain(part.lasts?.values, first.lasts?.values)
  );
}

function isPlain(column: Column | undefined, first: Column | undefined): boolean {
  if (column === undefined || first === undefined) return column === first;
  const isNumbers = column.type !== 'string' && column.type !== 'boolean';
  return isNumbers && column.type === first.type && column.valid === undefined;
}

function placesOf(parts: readonly WindowSummary[]): Places {
  const [first, ...others] = parts.map(({ startsNs }) => startsNs);
  const own = first ?? new BigInt64Array();
  if (others.every((startsNs) => areEqual(startsNs, own)))
    return { startsNs: own, at: undefined, firstPart: new Uint32Array(own.length) };
  const startsNs = united([own, ...others]);
  const firstPart = new Uint32Array(startsNs.length).fill(parts.length);
  const at = parts.map((part, number) => {
    const places = new Uint32Array(part.startsNs.length);
    let place = 0;
    for (let i = 0; i < places.length; i++) {
      while (place < startsNs.length && startsNs[place] !== part.startsNs[i]) place++;
      // What another node sends is not to hold this one up.
      if (place === startsNs.length) throw new DbError('unavailable', 'windows that another node sent are not in order'); // prettier-ignore
      places[i] = place;
      if ((firstPart[place] ?? 0) > number) firstPart[place] = number;
    }
    return places;
  });
  return { startsNs, at, firstPart };
}

function areEqual(left: BigInt64Array, right: BigInt64Array): boolean {
  if (left.length !== right.length) return false;
  for (let i = 0; i < left.length; i++) if (left[i] !== right[i]) return false;
  return true;
}

/** Each once, ascending. */
function united(lists: readonly BigInt64Array[]): BigInt64Array {
  const all = new BigInt64Array(lists.reduce((sum, { length }) => sum + length, 0));
  let count = 0;
  for (const list of lists) {
    all.set(list, count);
    count += list.length;
  }
  all.sort();
  let last = 0;
  for (let i = 1; i < all.length; i++)
    if (all[i] !== all[last]) {
      last++;
      all[last] = all[i] ?? 0n;
    }
  return all.slice(0, last + 1);
}

/** Integers wrap around, as their arrays do. */
function mergeSums(lists: readonly Numbers[], { startsNs, at, firstPart }: Places): Numbers {
  const sums = likeOf(lists, startsNs.length);
  for (const [part, values] of lists.entries()) {
    const places = at?.[part];
    for (let i = 0; i < values.length; i++) {
      const place = places === undefined ? i : (places[i] ?? 0);
      // A first one is kept as it is: 0 and -0 are not the same.
      if (firstPart[place] === part) sums[place] = values[i] as never;
      else sums[place] = (sums[place] as number) + (values[i] as number);
    }
  }
  return sums;
}

function mergeSelected(
  kind: SelectedPart,
  parts: readonly SelectedValues[],
  { startsNs, at, firstPart }: Places,
): SelectedValues {
  const lists = parts.map(({ values }) => numbersOf(values));
  const kept = likeOf(lists, startsNs.length);
  const timesNs = new BigInt64Array(startsNs.length);
  const takes = takings[kind];
  for (const [part, own] of parts.entries()) {
    const places = at?.[part];
    const values = lists[part] ?? kept;
    for (let i = 0; i < values.length; i++) {
      const place = places === undefined ? i : (places[i] ?? 0);
      const value = values[i] ?? 0;
      const timeNs = own.timesNs[i] ?? 0n;
      const isFirst = firstPart[place] === part;
      if (!isFirst && !takes(value, kept[place] ?? 0, timeNs, timesNs[place] ?? 0n)) continue;
      kept[place] = value;
      timesNs[place] = timeNs;
    }
  }
  return { timesNs, values: columnLike(parts[0]?.values, kept) };
}

type Value = number | bigint;

/** Whether a point takes the place of the one that is kept. */
type Taking = (value: Value, keptValue: Value, timeNs: bigint, keptNs: bigint) => boolean;

const takings: Readonly<Record<SelectedPart, Taking>> = {
  mins: (value, kept, timeNs, keptNs) =>
    value < kept || (value === kept && precedes(value, timeNs, kept, keptNs)),
  maxs: (value, kept, timeNs, keptNs) =>
    value > kept || (value === kept && precedes(value, timeNs, kept, keptNs)),
  firsts: (value, kept, timeNs, keptNs) =>
    timeNs < keptNs || (timeNs === keptNs && (value > kept || isPlusZero(value, kept))),
  lasts: (value, kept, timeNs, keptNs) =>
    timeNs > keptNs || (timeNs === keptNs && (value > kept || isPlusZero(value, kept))),
};

function numbersOf(column: Column | undefined): Numbers {
  return (column?.values ?? new Float64Array()) as Numbers;
}

function likeOf([first]: readonly Numbers[], length: number): Numbers {
  if (first instanceof BigInt64Array) return new BigInt64Array(length);
  return first instanceof BigUint64Array ? new BigUint64Array(length) : new Float64Array(length);
}

function columnLike(first: Column | undefined, values: Numbers): Column {
  return { type: first?.type ?? 'float', values } as Column;
}
