import { exactBytesOf } from '../base/exact-text.ts';
/**
 * The parts that a shard is digested in: series by a hash of their keys, times by the time of the shard's group. What says where a
 * shard has changed (storage/engine/content) and what says how two owners differ (data/engine/digests) mean the same parts.
 */

/** Of a shard's group: [startNs, endNs). */
export interface DigestRange {
  readonly startNs: bigint;
  readonly endNs: bigint;
}

/** Of series, by a hash of their keys. */
export const seriesParts = 64;
/** Of the shard's time. */
export const timeParts = 16;
/** Of each part of time, where series are looked at one by one. */
export const slicesPerPart = 16;
export const sliceCount = timeParts * slicesPerPart;
/** A bit for each part of time. */
export const allTimes = (1 << timeParts) - 1;

/** Whole nanoseconds, so that parts and slices have the same bounds for whoever adds and whoever reads. */
export function sliceLengthNs({ startNs, endNs }: DigestRange): bigint {
  const lengthNs = (endNs - startNs + BigInt(sliceCount) - 1n) / BigInt(sliceCount);
  return lengthNs < 1n ? 1n : lengthNs;
}

/** Slice of a time; what is before or behind all is in the first or the last one. */
export function sliceOf(range: DigestRange, timeNs: bigint): number {
  if (timeNs < range.startNs) return 0;
  const slice = (timeNs - range.startNs) / sliceLengthNs(range);
  return slice >= BigInt(sliceCount) ? sliceCount - 1 : Number(slice);
}

/** The parts that times within inclusive bounds may be in. */
export function timeMaskOf(
  range: DigestRange,
  { minTimeNs, maxTimeNs }: { readonly minTimeNs: bigint; readonly maxTimeNs: bigint },
): number {
  const first = Math.floor(sliceOf(range, minTimeNs) / slicesPerPart);
  const last = Math.floor(sliceOf(range, maxTimeNs) / slicesPerPart);
  return ((1 << (last + 1)) - 1) & ~((1 << first) - 1);
}

export function keyBytesOf(key: string): Uint8Array {
  return exactBytesOf(key);
}

/** `key`: as keyBytesOf() gives it. */
export function seriesPartOf(key: Uint8Array): number {
  return seededHash(key, 0x9e3779b9) % seriesParts;
}

export function seededHash(bytes: Uint8Array, seed: number): number {
  let hash = seed | 0;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
}
