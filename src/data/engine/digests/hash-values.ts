/**
 * Sums of hashes of values, by slices of time: what two owners compare instead of points. A sum does not depend on the order
 * in which values come, and the hash of a value says its series, field, type, time and bytes.
 */
import type { ShardSource, SourceArena } from '../../../query/source.ts';

/** Values, and both halves of the sum. */
export const sumWords = 3;
/** Of series, by a hash of their keys. */
export const seriesParts = 64;

/** Times from `startNs` on, in slices of `lengthNs`; what is before or behind is in the first or the last one. */
export interface TimeSlices {
  readonly startNs: bigint;
  readonly lengthNs: bigint;
  readonly count: number;
}

/** Of a series and one of its fields. */
export interface ColumnSeed {
  readonly low: number;
  readonly high: number;
}

const encoder = new TextEncoder();
const typeCodes = { float: 1, integer: 2, unsigned: 3, boolean: 4, string: 5 } as const;

export function seriesPartOf(key: Uint8Array): number {
  return hashBytes(key, 0x9e3779b9) % seriesParts;
}

export function columnSeed(key: Uint8Array, field: string): ColumnSeed {
  const column = encoder.encode(`\0${field}`);
  return {
    low: hashBytes(column, hashBytes(key, 0x85ebca6b)),
    high: hashBytes(column, hashBytes(key, 0xc2b2ae35)),
  };
}

export type ValueBatch = Exclude<
  ReturnType<ReturnType<ShardSource['openCursor']>['next']>,
  undefined
>;

/** Adds values of one column to sums: those of slice s are the `sumWords` words from `at + s * sumWords` on. */
export class ValueSums {
  readonly words: Uint32Array;
  readonly #startLow: number;
  readonly #startHigh: number;
  readonly #perNs: number;
  readonly #sliceNs: number;
  readonly #count: number;

  constructor(words: Uint32Array, slices: TimeSlices) {
    this.words = words;
    this.#startLow = Number(BigInt.asUintN(32, slices.startNs));
    this.#startHigh = Number(slices.startNs >> 32n);
    this.#sliceNs = Number(slices.lengthNs);
    this.#perNs = 1 / this.#sliceNs;
    this.#count = slices.count;
  }

  add(
    { type, count, timesPtr, valuesPtr }: ValueBatch,
    seed: ColumnSeed,
    place: { readonly arena: SourceArena; readonly at: number },
  ): void {
    const { words } = this;
    const { buffer } = place.arena.memory;
    const times = new Uint32Array(buffer, timesPtr, count * 2);
    const [low, high] = [seed.low ^ typeCodes[type], seed.high ^ typeCodes[type]];
    const isBoolean = type === 'boolean';
    const bytes = new Uint8Array(buffer, isBoolean ? valuesPtr : 0, isBoolean ? count : undefined);
    const values = isBoolean ? times : new Uint32Array(buffer, valuesPtr, count * 2);
    for (let row = 0; row < count; row++) {
      const [timeLow, timeHigh] = [times[row * 2] ?? 0, times[row * 2 + 1] ?? 0];
      let [valueLow, valueHigh] = [values[row * 2] ?? 0, values[row * 2 + 1] ?? 0];
      if (isBoolean) [valueLow, valueHigh] = [bytes[row] ?? 0, 0];
      if (type === 'string') {
        const text = bytes.subarray(valueLow, valueLow + valueHigh);
        [valueLow, valueHigh] = [hashBytes(text, 0x27d4eb2f), hashBytes(text, 0x165667b1)];
      }
      const at = place.at + this.#sliceOf(timeLow, timeHigh | 0) * sumWords;
      words[at] = (words[at] ?? 0) + 1;
      words[at + 1] = (words[at + 1] ?? 0) + mix(low, timeLow, timeHigh ^ valueLow, valueHigh);
      words[at + 2] = (words[at + 2] ?? 0) + mix(high, valueHigh, valueLow ^ timeHigh, timeLow);
    }
  }

  /** Exact within 104 days of the start, as doubles are; beyond, a few nanoseconds at the bounds of slices may be off. */
  #sliceOf(low: number, high: number): number {
    const sinceNs = (high - this.#startHigh) * 4_294_967_296 + (low - this.#startLow);
    let slice = Math.floor(sinceNs * this.#perNs);
    // The quotient is rounded; the remainder is not.
    const restNs = sinceNs - slice * this.#sliceNs;
    if (restNs < 0) slice--;
    else if (restNs >= this.#sliceNs) slice++;
    return slice < 0 ? 0 : slice >= this.#count ? this.#count - 1 : slice;
  }
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
