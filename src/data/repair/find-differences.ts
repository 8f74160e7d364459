/**
 * Where two owners of a shard differ: first the parts of their digests, then of each such part the slices of single series.
 * Memory: the digests of the series of one part, on one side.
 */
import { sumWords, seriesParts } from '../engine/digests/hash-values.ts';
import type { SeriesSlices } from '../engine/digests/range-points.ts';
import { entryWords, type SeriesDigest } from '../engine/digests/series-digests.ts';
import { timeParts, type DigestTask } from '../engine/digests/shard-digest.ts';
import type { RepairPeer } from './peer.ts';

export interface DifferingPart {
  readonly seriesPart: number;
  /** A bit for each part of time. */
  readonly timeMask: number;
}

export interface DifferingSeries extends SeriesSlices {
  /** In these slices, on the side that has more. */
  readonly valueCount: number;
}

/** An absent digest is that of a shard without points. */
export function differingParts(
  own: Uint32Array | undefined,
  other: Uint32Array | undefined,
): readonly DifferingPart[] {
  const parts: DifferingPart[] = [];
  for (let seriesPart = 0; seriesPart < seriesParts; seriesPart++) {
    let timeMask = 0;
    for (let part = 0; part < timeParts; part++) {
      const at = (seriesPart * timeParts + part) * sumWords;
      for (let word = at; word < at + sumWords; word++)
        if ((own?.[word] ?? 0) !== (other?.[word] ?? 0)) timeMask |= 1 << part;
    }
    if (timeMask !== 0) parts.push({ seriesPart, timeMask: timeMask >>> 0 });
  }
  return parts;
}

/** The series of one part that differ. `onBytes` hears what travelled. */
export async function* differingSeries(
  [own, other]: readonly [RepairPeer, RepairPeer],
  task: DigestTask & DifferingPart,
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
