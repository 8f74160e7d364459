/**
 * The numbers of a window as they lie in their columns, gathered from batch to batch: 8 bytes each and no object. Memory is
 * kept from window to window.
 */
import type { Column } from '../column.ts';
import { unstableOrder } from './unstable-order.ts';

export type NumberColumn = Extract<Column, { readonly type: 'float' | 'integer' | 'unsigned' }>;
export type Numbers = NumberColumn['values'];

const countFirst = 64;
/** Doubles below it stand for one integer each. */
const exactMax = 2 ** 53;

export class GatheredNumbers {
  #room: Numbers | undefined;
  #count = 0;

  get count(): number {
    return this.#count;
  }

  get heldBytes(): number {
    return this.#room?.byteLength ?? 0;
  }

  /** `values` are of one type each time. */
  add(values: Numbers): void {
    const count = this.#count + values.length;
    if (this.#room === undefined || count > this.#room.length) this.#grow(values, count);
    setAt(this.#room as Numbers, values, this.#count);
    this.#count = count;
  }

  /** A view of them that holds until the next are added; they are gone from here. */
  take(): Numbers {
    const taken = (this.#room ?? new Float64Array(0)).subarray(0, this.#count);
    this.#count = 0;
    return taken;
  }

  #grow({ constructor }: Numbers, count: number): void {
    const Kind = constructor as new (length: number) => Numbers;
    const room = new Kind(Math.max(countFirst, count, (this.#room?.length ?? 0) * 2));
    if (this.#room !== undefined) setAt(room, this.#room.subarray(0, this.#count), 0);
    this.#room = room;
  }
}

/** Both are of one type. */
function setAt(room: Numbers, values: Numbers, at: number): void {
  (room as Float64Array).set(values as Float64Array, at);
}

/** Whether values that are equal look alike too, and have an order: not so NaN and the two zeros. */
export function isPlain(values: Numbers): boolean {
  if (!(values instanceof Float64Array)) return true;
  for (const value of values) if (value !== value || (value === 0 && Object.is(value, -0))) return false; // prettier-ignore
  return true;
}

/**
 * Values in the reference's order: those of them that look alike sorted where they are, else in an array of its own with the
 * steps that the reference takes.
 */
export function ordered(values: Numbers): Numbers {
  if (isPlain(values)) return values.sort();
  const order = orderOf(values);
  return (values as Float64Array).map((_, at) => Number(values[order[at] ?? 0] ?? 0));
}

/** Positions of values in the reference's order, the one among equals included; NaN comes before nothing. */
export function orderOf(values: Numbers): Int32Array {
  const doubles = exactDoubles(values);
  return unstableOrder(
    values.length,
    doubles === undefined
      ? (left, right) => (values[left] ?? 0) < (values[right] ?? 0)
      : (left, right) => (doubles[left] ?? 0) < (doubles[right] ?? 0),
  );
}

/** The values as doubles; undefined where one of them is none. */
export function exactDoubles(values: Numbers): Float64Array | undefined {
  if (values instanceof Float64Array) return values;
  const doubles = doublesOfIntegers(values);
  for (const double of doubles) if (double >= exactMax || double <= -exactMax) return undefined;
  return doubles;
}

/** Each as the nearest double, without a bigint between. */
export function doublesOfIntegers(values: BigInt64Array | BigUint64Array): Float64Array {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length * 2);
  const doubles = new Float64Array(values.length);
  const isSigned = values instanceof BigInt64Array;
  for (let i = 0; i < doubles.length; i++) {
    const high = words[i * 2 + 1] ?? 0;
    doubles[i] = (isSigned ? high | 0 : high) * 0x1_0000_0000 + (words[i * 2] ?? 0);
  }
  return doubles;
}
