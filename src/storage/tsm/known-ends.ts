/**
 * First and last values of keys that were asked for, beside the part of an index that has the keys: who asks for the last
 * value of each series again and again reads and decodes no block. Texts are not kept.
 */
import { FieldType } from '../../models/field-value.ts';

/** A text is bytes. */
export type EndValue = number | bigint | boolean | Uint8Array;

/** What a key takes: two values, and whether they are known. */
export const knownEndBytes = 17;

export class KnownEnds {
  readonly #count: number;
  /** Made with the first value. */
  #words: BigUint64Array | undefined;
  #numbers: Float64Array = new Float64Array();
  #known: Uint8Array = new Uint8Array();

  constructor(count: number) {
    this.#count = count;
  }

  /** Of key `i`, whose values are of `type`. */
  find(i: number, isFirst: boolean, type: FieldType): EndValue | undefined {
    if (this.#words === undefined || ((this.#known[i] ?? 0) & bitOf(isFirst)) === 0)
      return undefined;
    const at = placeOf(i, isFirst);
    const word = this.#words[at] ?? 0n;
    if (type === FieldType.float) return this.#numbers[at];
    if (type === FieldType.integer) return BigInt.asIntN(64, word);
    return type === FieldType.boolean ? word === 1n : word;
  }

  keep(i: number, isFirst: boolean, value: EndValue): void {
    if (typeof value === 'object') return;
    if (this.#words === undefined) {
      this.#words = new BigUint64Array(this.#count * 2);
      this.#numbers = new Float64Array(this.#words.buffer);
      this.#known = new Uint8Array(this.#count);
    }
    const at = placeOf(i, isFirst);
    if (typeof value === 'number') this.#numbers[at] = value;
    else this.#words[at] = BigInt.asUintN(64, BigInt(value));
    this.#known[i] = (this.#known[i] ?? 0) | bitOf(isFirst);
  }
}

function bitOf(isFirst: boolean): number {
  return isFirst ? 1 : 2;
}

function placeOf(i: number, isFirst: boolean): number {
  return i * 2 + (isFirst ? 0 : 1);
}
