/**
 * One page of a sorted table: keys in ascending order of bytes, each with a value. Payload, little-endian: u32 number of the
 * first entry in its table, u32 entries, u32 bytes of all keys, u32 bytes of all values; then per entry varint bytes that the
 * key shares with the one before, varint bytes of the rest, the rest, varint bytes of the value, the value.
 */
import { exactTextIn } from '../../base/exact-text.ts';
import { BytesCursor, GrowingBytes } from '../../base/growing-bytes.ts';

/** Encoded, and with keys written out: what a page has at least before the next one begins. */
export const pageBytesFull = 4_096;
const decodedBytesFull = 32_768;
const keyBytesMax = 1 << 26;

export class TablePage {
  readonly first: number;
  readonly count: number;
  readonly keys: Uint8Array;
  /** Key i is keys[keyEnds[i], keyEnds[i + 1]), and likewise values. */
  readonly keyEnds: Uint32Array;
  readonly values: Uint8Array;
  readonly valueEnds: Uint32Array;
  readonly sizeBytes: number;
  readonly #text: Buffer;

  private constructor(
    first: number,
    keys: { readonly bytes: Uint8Array; readonly ends: Uint32Array },
    values: { readonly bytes: Uint8Array; readonly ends: Uint32Array },
  ) {
    this.first = first;
    this.count = keys.ends.length - 1;
    this.keys = keys.bytes;
    this.#text = Buffer.from(keys.bytes.buffer, keys.bytes.byteOffset, keys.bytes.length);
    this.keyEnds = keys.ends;
    this.values = values.bytes;
    this.valueEnds = values.ends;
    this.sizeBytes = keys.bytes.length + values.bytes.length + (this.count + 1) * 8;
  }

  /** Undefined when it does not add up. */
  static decode(payload: Uint8Array): TablePage | undefined {
    const cursor = new BytesCursor(payload);
    const [first, count, keyBytes, valueBytes] = [cursor.u32(), cursor.u32(), cursor.u32(), cursor.u32()]; // prettier-ignore
    if (count === 0 || count > payload.length || keyBytes > keyBytesMax || valueBytes > payload.length) return undefined; // prettier-ignore
    const keys = new Uint8Array(keyBytes);
    const values = new Uint8Array(valueBytes);
    const keyEnds = new Uint32Array(count + 1);
    const valueEnds = new Uint32Array(count + 1);
    let [keyEnd, valueEnd, last] = [0, 0, 0];
    for (let i = 0; i < count; i++) {
      const shared = cursor.varint();
      const restBytes = cursor.varint();
      if (shared > keyEnd - last || keyEnd + shared + restBytes > keyBytes) return undefined;
      keys.copyWithin(keyEnd, last, last + shared);
      keys.set(cursor.take(restBytes), keyEnd + shared);
      last = keyEnd;
      keyEnd += shared + restBytes;
      const lengthBytes = cursor.varint();
      if (valueEnd + lengthBytes > valueBytes) return undefined;
      values.set(cursor.take(lengthBytes), valueEnd);
      valueEnd += lengthBytes;
      keyEnds[i + 1] = keyEnd;
      valueEnds[i + 1] = valueEnd;
    }
    if (cursor.isOver || keyEnd !== keyBytes || valueEnd !== valueBytes) return undefined;
    return new TablePage(first, { bytes: keys, ends: keyEnds }, { bytes: values, ends: valueEnds });
  }

  key(i: number): Uint8Array {
    return this.keys.subarray(this.keyEnds[i], this.keyEnds[i + 1]);
  }

  /** What of a key is behind its head. By Buffer, as a decoder takes longer for a short text than all the rest. */
  keyText(i: number, headBytes: number): string {
    return exactTextIn(this.#text, (this.keyEnds[i] ?? 0) + headBytes, this.keyEnds[i + 1]);
  }

  value(i: number): Uint8Array {
    return this.values.subarray(this.valueEnds[i], this.valueEnds[i + 1]);
  }

  /** How many keys are before `key`. */
  lowerBound(key: Uint8Array): number {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#compare(middle, key) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  isKey(i: number, key: Uint8Array): boolean {
    return i < this.count && this.#compare(i, key) === 0;
  }

  #compare(i: number, key: Uint8Array): number {
    const { keys } = this;
    const start = this.keyEnds[i] ?? 0;
    const lengthBytes = (this.keyEnds[i + 1] ?? 0) - start;
    const shared = Math.min(lengthBytes, key.length);
    for (let at = 0; at < shared; at++) {
      const step = (keys[start + at] ?? 0) - (key[at] ?? 0);
      if (step !== 0) return step;
    }
    return lengthBytes - key.length;
  }
}

/** Bytes of a key: [start, end) of a larger array, behind a head of its own. */
export interface KeyPart {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
}

/** Gathers the entries of one page after the other. */
export class TablePageBuilder {
  readonly #entries = new GrowingBytes(pageBytesFull * 2);
  readonly #payload = new GrowingBytes(pageBytesFull * 2);
  /** The last key, and the first of the page. */
  #last: Uint8Array = new Uint8Array(256);
  #lastBytes = 0;
  #firstKey: Uint8Array = new Uint8Array(0);
  #first = 0;
  #count = 0;
  #keyBytes = 0;
  #valueBytes = 0;

  get count(): number {
    return this.#count;
  }

  get firstKey(): Uint8Array {
    return this.#firstKey;
  }

  get first(): number {
    return this.#first;
  }

  /** Two entries are there at least: the levels of a table of the longest keys end too. */
  get isFull(): boolean {
    const decodedBytes = this.#keyBytes + this.#valueBytes;
    const isLarge = this.#entries.lengthBytes >= pageBytesFull || decodedBytes >= decodedBytesFull;
    return this.#count > 1 && isLarge;
  }

  /** `key` follows all earlier ones; `first` is its number when the page is empty. */
  add(head: Uint8Array, { bytes, start, end }: KeyPart, value: Uint8Array, first: number): void {
    const lengthBytes = head.length + end - start;
    if (this.#last.length < lengthBytes) {
      const grown = new Uint8Array(lengthBytes * 2);
      grown.set(this.#last);
      this.#last = grown;
    }
    const last = this.#last;
    const most = this.#count === 0 ? 0 : Math.min(this.#lastBytes, lengthBytes);
    let shared = 0;
    while (shared < most && shared < head.length && last[shared] === head[shared]) shared++;
    if (shared === head.length)
      while (shared < most && last[shared] === bytes[start + shared - head.length]) shared++;
    this.#entries.varint(shared);
    this.#entries.varint(lengthBytes - shared);
    if (shared < head.length) this.#entries.pushPart(head, shared, head.length);
    this.#entries.pushPart(bytes, start + Math.max(0, shared - head.length), end);
    this.#entries.varint(value.length);
    if (value.length > 0) this.#entries.push(value);
    for (let i = shared; i < head.length; i++) last[i] = head[i] ?? 0;
    for (let i = Math.max(shared, head.length); i < lengthBytes; i++) last[i] = bytes[start + i - head.length] ?? 0; // prettier-ignore
    this.#lastBytes = lengthBytes;
    if (this.#count === 0) {
      this.#first = first;
      this.#firstKey = last.slice(0, lengthBytes);
    }
    this.#count++;
    this.#keyBytes += lengthBytes;
    this.#valueBytes += value.length;
  }

  /** The payload, which holds until the next one; the page is empty then. */
  finish(): Uint8Array {
    this.#payload.clear();
    for (const word of [this.#first, this.#count, this.#keyBytes, this.#valueBytes]) this.#payload.u32(word); // prettier-ignore
    this.#payload.push(this.#entries.view());
    this.#entries.clear();
    [this.#count, this.#keyBytes, this.#valueBytes] = [0, 0, 0];
    return this.#payload.view();
  }
}
