/**
 * Texts as their bytes, one behind the other: a list of a million of them is three pieces of memory, and not a million
 * objects. What is added is put in order of bytes, each text once, by whoever calls settle().
 */
import { Buffer } from 'node:buffer';
import { exactBytesOf } from './exact-text.ts';

const textBytesUsual = 16;
const textsFirst = 256;
/** Texts that are merged between two chances to rest. */
const mergedAtOnce = 4_096;
/** Shorter texts are copied faster by hand. */
const copiedByHandMax = 32;

/** How many bytes a text has at most, by the length of its string. */
const utf8BytesMax = 3;

export class TextPile {
  /** Those of text i are bytes [ends[i - 1], ends[i]), where the first begins at 0. */
  bytes: Buffer;
  ends: Uint32Array;
  count = 0;
  lengthBytes = 0;
  /** Where runs begin whose first text is not behind the one before it, since `settle` was called last. */
  readonly #breaks: number[] = [];
  #settledCount = 0;

  /** With room for so many texts of some ten bytes. */
  constructor(textCount = textsFirst) {
    this.bytes = Buffer.allocUnsafe(Math.max(1, textCount) * textBytesUsual);
    this.ends = new Uint32Array(Math.max(1, textCount));
  }

  clear(): void {
    [this.count, this.lengthBytes, this.#settledCount] = [0, 0, 0];
    this.#breaks.length = 0;
  }

  start(i: number): number {
    return i === 0 ? 0 : (this.ends[i - 1] ?? 0);
  }

  /** Bytes [start, end) of a larger array; a text that is the one before it again is left out. */
  add(source: Uint8Array, start: number, end: number): void {
    const lengthBytes = end - start;
    this.reserve(lengthBytes);
    const { bytes } = this;
    let at = this.lengthBytes;
    if (lengthBytes > copiedByHandMax) bytes.set(source.subarray(start, end), at);
    else for (let i = start; i < end; i++) bytes[at++] = source[i] ?? 0;
    this.finish(this.lengthBytes + lengthBytes);
  }

  addText(text: string): void {
    if (!text.isWellFormed()) {
      const bytes = exactBytesOf(text);
      this.add(bytes, 0, bytes.length);
      return;
    }
    this.reserve(text.length * utf8BytesMax);
    this.finish(this.lengthBytes + this.bytes.write(text, this.lengthBytes, 'utf8'));
  }

  /** Makes room for one more text of so many bytes, which may be written to `bytes` from `lengthBytes` on. */
  reserve(lengthBytes: number): void {
    const needed = this.lengthBytes + lengthBytes;
    if (needed > this.bytes.length) {
      const grown = Buffer.allocUnsafe(Math.max(needed, this.bytes.length * 2));
      this.bytes.copy(grown, 0, 0, this.lengthBytes);
      this.bytes = grown;
    }
    if (this.count < this.ends.length) return;
    const ends = new Uint32Array(this.ends.length * 2);
    ends.set(this.ends);
    this.ends = ends;
  }

  /** A text has been written that ends there. */
  finish(end: number): void {
    const { count } = this;
    if (count > this.#settledCount) {
      const last = this.start(count - 1);
      const order = compareBytes(this.bytes, { start: last, end: this.lengthBytes }, this.bytes, { start: this.lengthBytes, end }); // prettier-ignore
      if (order === 0) return;
      if (order > 0) this.#breaks.push(count);
    }
    this.ends[count] = end;
    this.count = count + 1;
    this.lengthBytes = end;
  }

  /** Puts what was added since the last time in order, each text once: at once where it is, else in steps. */
  settle(): Generator<undefined, void> | undefined {
    if (this.#breaks.length > 0) return this.#merge();
    this.#settledCount = this.count;
    return undefined;
  }

  /** Leaves `count` texts of those that were settled. */
  truncate(count: number): void {
    if (count >= this.count) return;
    this.lengthBytes = this.start(count);
    this.count = count;
    this.#settledCount = count;
  }

  /** Runs side by side, the shortest ones first where they lie beside each other. */
  *#merge(): Generator<undefined, void> {
    const first = this.#settledCount;
    let starts = [first, ...this.#breaks, this.count];
    this.#breaks.length = 0;
    while (starts.length > 2) {
      const merged = new TextPile();
      merged.reserve(this.lengthBytes - this.start(first));
      const next = [0];
      for (let i = 0; i + 1 < starts.length; i += 2) {
        const [start = 0, middle = 0, end = middle] = starts.slice(i, i + 3);
        yield* this.#mergeTwo({ start, middle, end }, merged);
        next.push(merged.count);
        merged.#settledCount = merged.count;
      }
      this.#take(merged, first);
      starts = next.map((at) => at + first);
    }
    this.#settledCount = this.count;
  }

  *#mergeTwo(
    {
      start,
      middle,
      end,
    }: { readonly start: number; readonly middle: number; readonly end: number },
    into: TextPile,
  ): Generator<undefined, void> {
    const { bytes, ends } = this;
    let [l, r] = [start, middle];
    let [lStart, rStart] = [this.start(l), this.start(r)];
    for (let step = 1; l < middle || r < end; step++) {
      const [lEnd, rEnd] = [ends[l] ?? 0, ends[r] ?? 0];
      const order = l === middle ? 1 : r === end ? -1 : compareBytes(bytes, { start: lStart, end: lEnd }, bytes, { start: rStart, end: rEnd }); // prettier-ignore
      if (order <= 0) into.add(bytes, lStart, lEnd);
      else into.add(bytes, rStart, rEnd);
      if (order <= 0) [l, lStart] = [l + 1, lEnd];
      if (order >= 0) [r, rStart] = [r + 1, rEnd];
      if (step % mergedAtOnce === 0) yield undefined;
    }
  }

  /** In place of all from `first` on. */
  #take({ bytes, ends, count, lengthBytes }: TextPile, first: number): void {
    const base = this.start(first);
    bytes.copy(this.bytes, base, 0, lengthBytes);
    for (let i = 0; i < count; i++) this.ends[first + i] = base + (ends[i] ?? 0);
    this.count = first + count;
    this.lengthBytes = base + lengthBytes;
  }
}

/** Bytes [start, end) of an array. */
export interface ByteSpan {
  readonly start: number;
  readonly end: number;
}

/** Orders by bytes, which for UTF-8 is by code points. */
export function compareBytes(
  left: Uint8Array,
  { start: a, end: aEnd }: ByteSpan,
  right: Uint8Array,
  { start: b, end: bEnd }: ByteSpan,
): number {
  const length = Math.min(aEnd - a, bEnd - b);
  for (let i = 0; i < length; i++) {
    const step = (left[a + i] ?? 0) - (right[b + i] ?? 0);
    if (step !== 0) return step;
  }
  return aEnd - a - (bEnd - b);
}
