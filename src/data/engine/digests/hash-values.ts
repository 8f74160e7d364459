/**
 * Sums of hashes of values, by slices of time: what two owners compare instead of points. A sum does not depend on the order
 * in which values come, and the hash of a value says its series, field, type, time and bytes.
 */
import { seededHash } from '../../../models/digest-grid.ts';
import { exactBytesOf } from '../../../base/exact-text.ts';
import type { FieldValue } from '../../../models/field-value.ts';
import type { ShardSource, SourceArena } from '../../../query/source.ts';

/** Values, and both halves of the sum. */
export const sumWords = 3;

/** Whether a digest is that of a shard without a value. */
export function isOfNothing(digest: Uint32Array): boolean {
  return digest.every((word) => word === 0);
}

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

/** More than what is off in numbers of 63 bits that are kept, and multiplied, as doubles. */
const roundedNsMax = 8_192;
const typeCodes = { float: 1, integer: 2, unsigned: 3, boolean: 4, string: 5 } as const;

export function columnSeed(key: Uint8Array, field: string): ColumnSeed {
  const column = exactBytesOf(`\0${field}`);
  return {
    low: seededHash(column, seededHash(key, 0x85ebca6b)),
    high: seededHash(column, seededHash(key, 0xc2b2ae35)),
  };
}

export type ValueBatch = Exclude<
  ReturnType<ReturnType<ShardSource['openCursor']>['next']>,
  undefined
>;

/** The hashes of the values of a batch, row by row: both halves of them. */
export class BatchHashes {
  #low = new Int32Array(0);
  #high = new Int32Array(0);

  /** What it gives holds until it is asked again; `times` are pairs of words, until the arena is let go. */
  of(
    { type, count, timesPtr, valuesPtr }: ValueBatch,
    seed: ColumnSeed,
    { memory: { buffer } }: SourceArena,
  ): { readonly times: Uint32Array; readonly low: Int32Array; readonly high: Int32Array } {
    if (this.#low.length < count) {
      this.#low = new Int32Array(count);
      this.#high = new Int32Array(count);
    }
    const [lows, highs] = [this.#low, this.#high];
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
        [valueLow, valueHigh] = textWords(text);
      }
      lows[row] = mix(low, timeLow, timeHigh ^ valueLow, valueHigh);
      highs[row] = mix(high, valueHigh, timeHigh ^ valueLow, timeLow);
    }
    return { times, low: lows, high: highs };
  }
}

/** The same of one value. */
export function hashOfValue(
  seed: ColumnSeed,
  timeNs: bigint,
  value: FieldValue,
): { readonly low: number; readonly high: number } {
  const code = typeCodes[value.type];
  const [timeLow, timeHigh] = wordsOf(timeNs);
  const [valueLow, valueHigh] = valueWords(value);
  const middle = timeHigh ^ valueLow;
  return {
    low: mix(seed.low ^ code, timeLow, middle, valueHigh),
    high: mix(seed.high ^ code, valueHigh, middle, timeLow),
  };
}

function valueWords(value: FieldValue): readonly [low: number, high: number] {
  switch (value.type) {
    case 'float': {
      const [low = 0, high = 0] = new Uint32Array(Float64Array.of(value.value).buffer);
      return [low, high];
    }
    case 'boolean':
      return [Number(value.value), 0];
    case 'string':
      return textWords(exactBytesOf(value.value));
    default:
      return wordsOf(value.value);
  }
}

function wordsOf(value: bigint): readonly [low: number, high: number] {
  return [Number(BigInt.asUintN(32, value)), Number(BigInt.asUintN(32, value >> 32n))];
}

function textWords(text: Uint8Array): [low: number, high: number] {
  return [seededHash(text, 0x27d4eb2f), seededHash(text, 0x165667b1)];
}

/** Adds values of one column to sums: those of slice s are the `sumWords` words from `at + s * sumWords` on. */
export class ValueSums {
  readonly words: Uint32Array;
  readonly #hashes = new BatchHashes();
  readonly #startLow: number;
  readonly #startHigh: number;
  readonly #perNs: number;
  readonly #sliceNs: number;
  readonly #count: number;
  readonly #slices: TimeSlices;

  constructor(words: Uint32Array, slices: TimeSlices) {
    this.words = words;
    this.#startLow = Number(BigInt.asUintN(32, slices.startNs));
    this.#startHigh = Number(slices.startNs >> 32n);
    this.#sliceNs = Number(slices.lengthNs);
    this.#perNs = 1 / this.#sliceNs;
    this.#count = slices.count;
    this.#slices = slices;
  }

  add(
    batch: ValueBatch,
    seed: ColumnSeed,
    { arena, at }: { readonly arena: SourceArena; readonly at: number },
  ): void {
    const { words } = this;
    const { times, low, high } = this.#hashes.of(batch, seed, arena);
    for (let row = 0; row < batch.count; row++) {
      const slice = this.#sliceOf(times[row * 2] ?? 0, (times[row * 2 + 1] ?? 0) | 0);
      const cell = at + slice * sumWords;
      words[cell] = (words[cell] ?? 0) + 1;
      words[cell + 1] = (words[cell + 1] ?? 0) + (low[row] ?? 0);
      words[cell + 2] = (words[cell + 2] ?? 0) + (high[row] ?? 0);
    }
  }

  /** Exact: who reads some slices only reads what is counted in them. */
  #sliceOf(low: number, high: number): number {
    const sinceNs = (high - this.#startHigh) * 4_294_967_296 + (low - this.#startLow);
    let slice = Math.floor(sinceNs * this.#perNs);
    // The quotient is rounded; the remainder is not, within 104 days of the start.
    const restNs = sinceNs - slice * this.#sliceNs;
    const isFar = sinceNs > Number.MAX_SAFE_INTEGER;
    if (isFar && (restNs < roundedNsMax || restNs > this.#sliceNs - roundedNsMax))
      return this.#exactSliceOf(low, high);
    if (restNs < 0) slice--;
    else if (restNs >= this.#sliceNs) slice++;
    return slice < 0 ? 0 : slice >= this.#count ? this.#count - 1 : slice;
  }

  #exactSliceOf(low: number, high: number): number {
    const { startNs, lengthNs, count } = this.#slices;
    const timeNs = (BigInt(high) << 32n) | BigInt(low);
    return Math.min(Number((timeNs - startNs) / lengthNs), count - 1);
  }
}

function mix(seed: number, first: number, second: number, third: number): number {
  let hash = Math.imul(seed ^ first, 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 15) ^ second, 0xc2b2ae35);
  hash = Math.imul(hash ^ (hash >>> 13) ^ third, 0x27d4eb2f);
  hash = Math.imul(hash ^ (hash >>> 16), 0x165667b1);
  return hash ^ (hash >>> 15);
}
