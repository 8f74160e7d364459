/**
 * The keys of a TSM file as its index has them: bytes, and where each begins. No key costs an object; what is asked for is
 * decoded then.
 *
 * Invariants:
 * - All of the index was looked at once: lengths add up, blocks lie within the file, keys ascend. What is decoded later is
 *   sound therefore.
 */
import { FieldType } from '../../models/field-value.ts';
import { TsmColumn, type TsmTimeBounds } from './tsm-column.ts';
import { LeastAndGreatest } from './tsm-directory.ts';
import { indexEntryBytes, keyTailBytes, tsmHeaderBytes } from './tsm-format.ts';
import type { KeyedColumn, LocatedColumn, LocatedKey, TsmKeySet } from './tsm-key-set.ts';

const startsFirst = 64;
/** Keys in a row of which nothing is left, between two places to rest at. */
const goneAtOnce = 1_024;

export class TsmKeys implements TsmKeySet {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  /** Where the entry of each key begins. */
  readonly #starts: Uint32Array;
  /** A byte for each key: 1 once nothing is left of it. */
  #gone: Uint8Array | undefined;
  /** Of all blocks; undefined when there are none. */
  readonly bounds: TsmTimeBounds | undefined;

  private constructor(bytes: Uint8Array, starts: Uint32Array, bounds?: TsmTimeBounds) {
    this.#bytes = bytes;
    this.#view = viewOf(bytes);
    this.#starts = starts;
    this.bounds = bounds ?? this.#findBounds();
  }

  /** `blocksEnd` is where the blocks of the file end. Answers where the index does not add up when it does not. */
  static decode(bytes: Uint8Array, blocksEnd: number): TsmKeys | { readonly wrongAt: number } {
    const view = viewOf(bytes);
    let starts = new Uint32Array(startsFirst);
    let count = 0;
    for (let at = 0; at < bytes.length;) {
      const end = endOfKey(view, at, blocksEnd);
      if (end === undefined) return { wrongAt: at };
      if (count > 0 && compareKeys(bytes, starts[count - 1] ?? 0, at) >= 0) return { wrongAt: at };
      if (count === starts.length) {
        const grown = new Uint32Array(count * 2);
        grown.set(starts);
        starts = grown;
      }
      starts[count++] = at;
      at = end;
    }
    return new TsmKeys(bytes, starts.slice(0, count));
  }

  whole(): TsmKeys {
    return new TsmKeys(this.#bytes, this.#starts, this.bounds);
  }

  get(key: Uint8Array): TsmColumn | undefined {
    const number = this.#find(key);
    return number === undefined ? undefined : new TsmColumn(this.#view, this.#starts[number] ?? 0);
  }

  getNext(bytes: Uint8Array, start: number, end: number): TsmColumn | undefined {
    return this.get(bytes.subarray(start, end));
  }

  locate(key: Uint8Array): LocatedColumn | undefined {
    const number = this.#find(key);
    if (number === undefined) return undefined;
    return { number, column: new TsmColumn(this.#view, this.#starts[number] ?? 0) };
  }

  delete(number: number): void {
    this.#gone ??= new Uint8Array(this.#starts.length);
    this.#gone[number] = 1;
  }

  *columns(): Generator<KeyedColumn | undefined> {
    let goneCount = 0;
    for (const [number, at] of this.#starts.entries())
      if (this.#gone?.[number] !== 1) yield [this.#keyAt(at), new TsmColumn(this.#view, at)];
      else if (++goneCount % goneAtOnce === 0) yield undefined;
  }

  *columnsFrom(first: Uint8Array): Generator<LocatedKey | undefined> {
    let goneCount = 0;
    for (let number = this.#lowerBound(first); number < this.#starts.length; number++) {
      const at = this.#starts[number] ?? 0;
      if (this.#gone?.[number] !== 1)
        yield { key: this.#keyAt(at), number, column: new TsmColumn(this.#view, at) }; // prettier-ignore
      else if (++goneCount % goneAtOnce === 0) yield undefined;
    }
  }

  /** The number of a key of which something is left. */
  #find(wanted: Uint8Array): number | undefined {
    const number = this.#lowerBound(wanted);
    const at = this.#starts[number];
    if (at === undefined || this.#gone?.[number] === 1) return undefined;
    return Buffer.compare(this.#keyAt(at), wanted) === 0 ? number : undefined;
  }

  /** How many keys are before one. */
  #lowerBound(wanted: Uint8Array): number {
    let low = 0;
    let high = this.#starts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (Buffer.compare(this.#keyAt(this.#starts[middle] ?? 0), wanted) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #keyAt(at: number): Uint8Array {
    return this.#bytes.subarray(at + 2, at + 2 + this.#view.getUint16(at));
  }

  #findBounds(): TsmTimeBounds | undefined {
    const bounds = new LeastAndGreatest(this.#view);
    for (const at of this.#starts) {
      const tail = at + 2 + this.#view.getUint16(at);
      bounds.add(tail + keyTailBytes, this.#view.getUint16(tail + 1));
    }
    return bounds.isEmpty ? undefined : bounds.times();
  }
}

/** Where the key at `at` with its blocks ends; undefined when that does not add up. */
export function endOfKey(view: DataView, at: number, blocksEnd: number): number | undefined {
  const lengthBytes = view.byteLength;
  if (at + 2 > lengthBytes) return undefined;
  const tail = at + 2 + view.getUint16(at);
  if (tail + keyTailBytes > lengthBytes) return undefined;
  const first = tail + keyTailBytes;
  const end = first + view.getUint16(tail + 1) * indexEntryBytes;
  if (view.getUint8(tail) > FieldType.unsigned || end > lengthBytes) return undefined;
  for (let entry = first; entry < end; entry += indexEntryBytes) {
    // Blocks lie between the head and the index: a place elsewhere would be read as if it were one.
    const offset = view.getUint32(entry + 16) * 2 ** 32 + view.getUint32(entry + 20);
    if (offset < tsmHeaderBytes || offset + view.getUint32(entry + 24) > blocksEnd)
      return undefined;
  }
  return end;
}

function compareKeys(bytes: Uint8Array, left: number, right: number): number {
  const view = viewOf(bytes);
  const keyAt = (at: number) => bytes.subarray(at + 2, at + 2 + view.getUint16(at));
  return Buffer.compare(keyAt(left), keyAt(right));
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
