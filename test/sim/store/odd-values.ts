/** What lines of a run of the store's planner have beside numbers: times of both ends, several to a block, texts of all lengths. */
import { allTimes, type Bounds } from './read-ways.ts';

export const fields = ['f', 'i', 's', 'b'] as const;

const farTimes = [allTimes.minTimeNs, -1n];

/** The time with that number; they ascend. */
export function timeOf(number: number, count: number): bigint {
  if (number === count - 1) return allTimes.maxTimeNs;
  return farTimes[number] ?? BigInt(number - farTimes.length);
}

export function numberOf(timeNs: bigint, count: number): number {
  if (timeNs === allTimes.maxTimeNs) return count - 1;
  const far = farTimes.indexOf(timeNs);
  return far >= 0 ? far : Number(timeNs) + farTimes.length;
}

export function rangeOf(minTime: number, maxTime: number, count: number): Bounds {
  return { minTimeNs: timeOf(minTime, count), maxTimeNs: timeOf(Math.min(maxTime, count - 1), count) }; // prettier-ignore
}

/** As it is read. */
export function valueText(field: string, number: number, time: number): string {
  if (field === 'b') return String(number % 3 === 0);
  // They are hard to pack.
  if (field === 'f') return String(-number - ((time * 7_919) % 10_007) / 10_007);
  if (field === 'i') return String(number % 11 === 0 ? -number : number);
  return number % 13 === 0 ? '' : `${number}${'x'.repeat(number % 17 === 0 ? 700 : 0)}`;
}

/** As it is written. */
export function valueLine(field: string, number: number, time: number): string {
  const text = valueText(field, number, time);
  return field === 's' ? `"${text}"` : field === 'i' ? `${text}i` : text;
}
