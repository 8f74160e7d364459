/**
 * What a shard has, in a few kilobytes: the number of points, and a sum of their hashes, for each of some parts of its series
 * and of its time. Two owners that have the same points have the same digest, however their files came to be; a part in which
 * they differ says where to look.
 *
 * Invariants:
 * - A point counts as a reader sees it: once, with the value that stands, and not at all where it was deleted.
 * - A sum does not depend on the order, so that each owner reads as its files lie.
 * - The memory that it takes does not grow with the shard.
 */
import type { ShardSource, SourceArena } from '../../../query/source.ts';

/** Of series, by a hash of their keys, and of the shard's time. */
export const seriesParts = 64;
export const timeParts = 16;
/** Of a part: points, and both halves of the sum. */
export const partWords = 3;
export const digestWords = seriesParts * timeParts * partWords;

export interface DigestRange {
  /** Of the shard's group: [startNs, endNs). */
  readonly startNs: bigint;
  readonly endNs: bigint;
}

export interface DigestTask extends DigestRange {
  readonly shardId: number;
}

interface Hashes {
  readonly low: number;
  readonly high: number;
}

const encoder = new TextEncoder();
const typeCodes = { float: 1, integer: 2, unsigned: 3, boolean: 4, string: 5 } as const;

/** Yields undefined whenever it has done a little, and the digest at its end. */
export function* digestShard(
  source: ShardSource,
  range: DigestRange,
  arena: SourceArena,
): Generator<Uint32Array | undefined, void> {
  const sums = new Uint32Array(digestWords);
  const spread = spreadOf(range);
  for (const measurement of source.measurements()) {
    const fields = source.fields(measurement);
    for (const seriesId of source.seriesIds(measurement)) {
      const key = encoder.encode(source.seriesKey(seriesId));
      const part = hashBytes(key, 0x9e3779b9) % seriesParts;
      for (const { name } of fields) {
        const column = encoder.encode(`\0${name}`);
        const seed = {
          low: hashBytes(column, hashBytes(key, 0x85ebca6b)),
          high: hashBytes(column, hashBytes(key, 0xc2b2ae35)),
        };
        const cursor = source.openCursor({ seriesId, field: name, ...always, ascending: true });
        for (;;) {
          const mark = arena.mark();
          const batch = cursor.next(arena);
          if (batch !== undefined) addBatch(sums, batch, { arena, seed, part, spread });
          arena.release(mark);
          if (batch === undefined) break;
          yield undefined;
        }
      }
    }
  }
  yield sums;
}

const always = { minTimeNs: -(2n ** 63n), maxTimeNs: 2n ** 63n - 1n };

/** From a time to its part, in doubles: the same for the same time on every node, which is all that is asked of it. */
interface Spread {
  readonly start: number;
  readonly perNs: number;
}

function spreadOf({ startNs, endNs }: DigestRange): Spread {
  return { start: Number(startNs), perNs: timeParts / Math.max(1, Number(endNs - startNs)) };
}

interface BatchPlace {
  readonly arena: SourceArena;
  readonly seed: Hashes;
  readonly part: number;
  readonly spread: Spread;
}

type Batch = Exclude<ReturnType<ReturnType<ShardSource['openCursor']>['next']>, undefined>;

function addBatch(
  sums: Uint32Array,
  { type, count, timesPtr, valuesPtr }: Batch,
  { arena, seed, part, spread }: BatchPlace,
): void {
  const { buffer } = arena.memory;
  const times = new Uint32Array(buffer, timesPtr, count * 2);
  const [low, high] = [seed.low ^ typeCodes[type], seed.high ^ typeCodes[type]];
  const isBoolean = type === 'boolean';
  const bytes = new Uint8Array(buffer, isBoolean ? valuesPtr : 0, isBoolean ? count : undefined);
  const words = isBoolean ? times : new Uint32Array(buffer, valuesPtr, count * 2);
  for (let row = 0; row < count; row++) {
    const [timeLow, timeHigh] = [times[row * 2] ?? 0, times[row * 2 + 1] ?? 0];
    let [valueLow, valueHigh] = [words[row * 2] ?? 0, words[row * 2 + 1] ?? 0];
    if (isBoolean) [valueLow, valueHigh] = [bytes[row] ?? 0, 0];
    if (type === 'string') {
      const text = bytes.subarray(valueLow, valueLow + valueHigh);
      [valueLow, valueHigh] = [hashBytes(text, 0x27d4eb2f), hashBytes(text, 0x165667b1)];
    }
    const at = (part * timeParts + partOf((timeHigh | 0) * 4294967296 + timeLow, spread)) * partWords; // prettier-ignore
    sums[at] = (sums[at] ?? 0) + 1;
    sums[at + 1] = (sums[at + 1] ?? 0) + mix(low, timeLow, timeHigh ^ valueLow, valueHigh);
    sums[at + 2] = (sums[at + 2] ?? 0) + mix(high, valueHigh, valueLow ^ timeHigh, timeLow);
  }
}

function partOf(time: number, { start, perNs }: Spread): number {
  const part = Math.floor((time - start) * perNs);
  return part < 0 ? 0 : part >= timeParts ? timeParts - 1 : part;
}

function mix(seed: number, first: number, second: number, third: number): number {
  let hash = Math.imul(seed ^ first, 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 15) ^ second, 0xc2b2ae35);
  hash = Math.imul(hash ^ (hash >>> 13) ^ third, 0x27d4eb2f);
  hash = Math.imul(hash ^ (hash >>> 16), 0x165667b1);
  return hash ^ (hash >>> 15);
}

function hashBytes(bytes: Uint8Array, seed: number): number {
  let hash = seed | 0;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
}
