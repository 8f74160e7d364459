/** One value of many as they would stand in order, without putting them in order. */
import { doublesOfIntegers, isPlain, ordered, type Numbers } from './gathered-numbers.ts';

/** Integers that are so near to each other are counted, one place each: their counts stay in the processor's first cache. */
const countedRange = 1_024;
/** Doubles below it stand for one integer each. */
const exactMax = 2 ** 53;
/** So few are put in order one by one. */
const fewMax = 12;
/** Values in an order made for it leave little behind with each pivot: those that are left then are put in order. */
const pivotsMax = 48;

const counts = new Uint32Array(countedRange);

/** What ordered() has at `rank`, which is below their number. The values may change places. */
export function valueAtRank(values: Numbers, rank: number): number | bigint {
  if (values instanceof Float64Array) {
    if (!isPlain(values)) return ordered(values)[rank] ?? 0;
    return select(values, rank);
  }
  const doubles = doublesOfIntegers(values);
  let least = Number.POSITIVE_INFINITY;
  let greatest = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < doubles.length; i++) {
    const value = doubles[i] as number;
    if (value < least) least = value;
    if (value > greatest) greatest = value;
  }
  if (least <= -exactMax || greatest >= exactMax) return values.sort()[rank] ?? 0n;
  const value =
    greatest - least < countedRange ? counted(doubles, least, rank) : select(doubles, rank);
  return BigInt(value);
}

function counted(values: Float64Array, least: number, rank: number): number {
  counts.fill(0);
  for (let i = 0; i < values.length; i++) (counts[(values[i] as number) - least] as number)++;
  let at = 0;
  for (let left = rank; ; at++) {
    const count = counts[at] as number;
    if (left < count) return least + at;
    left -= count;
  }
}

/** Hoare's selection: parts the values around one of them until those at the rank are few. */
function select(values: Float64Array, rank: number): number {
  let low = 0;
  let high = values.length - 1;
  for (let pivots = 0; pivots < pivotsMax && high - low > fewMax; pivots++) {
    const pivot = middleOf(values, low, high);
    let left = low;
    let right = high;
    while (left <= right) {
      while ((values[left] as number) < pivot) left++;
      while ((values[right] as number) > pivot) right--;
      if (left > right) break;
      const value = values[left] as number;
      values[left++] = values[right] as number;
      values[right--] = value;
    }
    if (rank <= right) high = right;
    else if (rank >= left) low = left;
    else return pivot;
  }
  return values.subarray(low, high + 1).sort()[rank - low] as number;
}

/** Of three of them, so that values in order do not take long. */
function middleOf(values: Float64Array, low: number, high: number): number {
  const [a, b, c] = [values[low] as number, values[(low + high) >>> 1] as number, values[high] as number]; // prettier-ignore
  if (a < b) return b < c ? b : a < c ? c : a;
  return a < c ? a : b < c ? c : b;
}
