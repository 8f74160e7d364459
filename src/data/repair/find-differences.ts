/**
 * Where two owners of a shard differ in parts of which one lacks much: the slices of single series.
 * Memory: the digests of the series of some parts, on one side.
 */
import type { SeriesSlices } from '../engine/digests/range-points.ts';
import { entryWords, type SeriesDigest, type SeriesDigestTask } from '../engine/digests/series-digests.ts'; // prettier-ignore
import type { RepairPeer } from './peer.ts';

export interface DifferingSeries extends SeriesSlices {
  /** In these slices, on the side that has more. */
  readonly valueCount: number;
}

/** The series of some parts that differ. `onBytes` hears what travelled. */
export async function* differingSeries(
  [own, other]: readonly [RepairPeer, RepairPeer],
  task: SeriesDigestTask,
  { signal, onBytes }: { readonly signal: AbortSignal; readonly onBytes: (bytes: number) => void },
): AsyncGenerator<DifferingSeries> {
  const left = new Map<string, Uint32Array>();
  for await (const series of own.seriesDigests(task, signal))
    for (const { key, entries } of series) left.set(key, entries);
  for await (const series of other.seriesDigests(task, signal)) {
    onBytes(bytesOf(series));
    for (const { key, entries } of series) {
      const difference = compare(left.get(key), entries);
      left.delete(key);
      if (difference.slices.length > 0) yield { key, ...difference };
    }
  }
  for (const [key, entries] of left) yield { key, ...compare(entries, undefined) };
}

function compare(
  own: Uint32Array = new Uint32Array(0),
  other: Uint32Array = new Uint32Array(0),
): Pick<DifferingSeries, 'slices' | 'valueCount'> {
  const [counts, sums] = [new Map<number, number>(), new Map<number, string>()];
  for (let at = 0; at < own.length; at += entryWords) {
    counts.set(own[at] ?? 0, own[at + 1] ?? 0);
    sums.set(own[at] ?? 0, own.subarray(at + 1, at + entryWords).join());
  }
  const slices: number[] = [];
  let valueCount = 0;
  for (let at = 0; at < other.length; at += entryWords) {
    const slice = other[at] ?? 0;
    const isEqual = sums.get(slice) === other.subarray(at + 1, at + entryWords).join();
    sums.delete(slice);
    if (isEqual) continue;
    slices.push(slice);
    valueCount += Math.max(other[at + 1] ?? 0, counts.get(slice) ?? 0);
  }
  for (const slice of sums.keys()) {
    slices.push(slice);
    valueCount += counts.get(slice) ?? 0;
  }
  return { slices: slices.sort((a, b) => a - b), valueCount };
}

function bytesOf(series: readonly SeriesDigest[]): number {
  return series.reduce((sum, { key, entries }) => sum + key.length + entries.byteLength, 0);
}
