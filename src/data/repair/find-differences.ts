/**
 * Where two owners of a shard differ: first the parts of their digests, then of each such part the slices of single series.
 * Memory: the digests of the series of some parts, on one side.
 */
import { sumWords, seriesParts } from '../engine/digests/hash-values.ts';
import type { SeriesSlices } from '../engine/digests/range-points.ts';
import { entryWords, type SeriesDigest } from '../engine/digests/series-digests.ts';
import { timeParts, type DigestTask } from '../engine/digests/shard-digest.ts';
import type { RepairPeer } from './peer.ts';

/** Parts that are looked at together: each look goes through the keys of all series. */
export interface DifferingParts {
  readonly seriesParts: readonly number[];
  /** A bit for each part of time. */
  readonly timeMask: number;
}

/** No more series than values are held at once, and so many of these. */
const valuesTogether = 1_000_000;

export interface DifferingSeries extends SeriesSlices {
  /** In these slices, on the side that has more. */
  readonly valueCount: number;
}

/** An absent digest is that of a shard without points. */
export function differingParts(
  own: Uint32Array | undefined,
  other: Uint32Array | undefined,
): readonly DifferingParts[] {
  const groups: { seriesParts: number[]; timeMask: number; valueCount: number }[] = [];
  for (let seriesPart = 0; seriesPart < seriesParts; seriesPart++) {
    let [timeMask, valueCount] = [0, 0];
    for (let part = 0; part < timeParts; part++) {
      const at = (seriesPart * timeParts + part) * sumWords;
      const differs = [0, 1, 2].some((word) => (own?.[at + word] ?? 0) !== (other?.[at + word] ?? 0)); // prettier-ignore
      if (!differs) continue;
      timeMask |= 1 << part;
      valueCount += Math.max(own?.[at] ?? 0, other?.[at] ?? 0);
    }
    if (timeMask === 0) continue;
    const last = groups[groups.length - 1];
    // Parts of time that only some of them differ in would be looked at for nothing.
    if (last !== undefined && mayJoin(last, { timeMask, valueCount })) {
      last.seriesParts.push(seriesPart);
      last.valueCount += valueCount;
    } else groups.push({ seriesParts: [seriesPart], timeMask, valueCount });
  }
  return groups.map(({ seriesParts: parts, timeMask }) => ({ seriesParts: parts, timeMask }));
}

type Group = { readonly timeMask: number; readonly valueCount: number };

function mayJoin(group: Group, { timeMask, valueCount }: Group): boolean {
  return group.timeMask === timeMask && group.valueCount + valueCount <= valuesTogether;
}

/** The series of some parts that differ. `onBytes` hears what travelled. */
export async function* differingSeries(
  [own, other]: readonly [RepairPeer, RepairPeer],
  task: DigestTask & DifferingParts,
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
