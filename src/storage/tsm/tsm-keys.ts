/**
 * The keys of a TSM file as its index has them: bytes, and where each begins. No key costs an object; what is asked for is
 * decoded then.
 *
 * Invariants:
 * - All of the index was looked at once: lengths add up, blocks lie within the file, keys ascend. What is decoded later is
 *   sound therefore.
 */
import { FieldType } from '../../models/field-value.ts';
import { LeastAndGreatest } from './tsm-directory.ts';
import { indexEntryBytes, tsmHeaderBytes } from './tsm-format.ts';
import type { TsmEntry, TsmKey, TsmKeySet, TsmTimeBounds } from './tsm-key-set.ts';

export type { TsmEntry } from './tsm-key-set.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
/** Behind a key: its type, and how many blocks it has. */
const tailBytes = 3;
const startsFirst = 64;

export class TsmKeys implements TsmKeySet {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  /** Where the entry of each key begins. */
  readonly #starts: Uint32Array;
  /** A byte for each key: 1 once nothing is left of it. */
  #gone: Uint8Array | undefined;
  /** Of all blocks; undefined when there are none. */
  readonly bounds: TsmTimeBounds | undefined;

  private constructor(bytes: Uint8Array, starts: Uint32Array) {
    this.#bytes = bytes;
    this.#view = viewOf(bytes);
    this.#starts = starts;
    this.bounds = this.#findBounds();
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

  has(key: string): boolean {
    return this.#find(key) !== undefined;
  }

  get(key: string): TsmKey | undefined {
    const number = this.#find(key);
    return number === undefined ? undefined : this.#valueAt(this.#starts[number] ?? 0);
  }

  /** Nothing is left of a key. */
  delete(key: string): void {
    const number = this.#find(key);
    if (number === undefined) return;
    this.#gone ??= new Uint8Array(this.#starts.length);
    this.#gone[number] = 1;
  }

  /** In the order of the keys' bytes. */
  *[Symbol.iterator](): Generator<readonly [key: string, value: TsmKey]> {
    for (const [number, at] of this.#starts.entries())
      if (this.#gone?.[number] !== 1) yield [decoder.decode(this.#keyAt(at)), this.#valueAt(at)];
  }

  /** The same without a text or an object for what they have. */
  *bytes(): Generator<readonly [key: Uint8Array, type: FieldType]> {
    for (const [number, at] of this.#starts.entries()) {
      if (this.#gone?.[number] === 1) continue;
      const key = this.#keyAt(at);
      yield [key, this.#view.getUint8(at + 2 + key.length) as FieldType];
    }
  }

  /** The number of a key of which something is left. */
  #find(key: string): number | undefined {
    const wanted = encoder.encode(key);
    let low = 0;
    let high = this.#starts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const order = Buffer.compare(this.#keyAt(this.#starts[middle] ?? 0), wanted);
      if (order === 0) return this.#gone?.[middle] === 1 ? undefined : middle;
      if (order < 0) low = middle + 1;
      else high = middle;
    }
    return undefined;
  }

  #keyAt(at: number): Uint8Array {
    return this.#bytes.subarray(at + 2, at + 2 + this.#view.getUint16(at));
  }

  #valueAt(at: number): TsmKey {
    return valueAt(this.#view, at);
  }

  #findBounds(): TsmTimeBounds | undefined {
    const bounds = new LeastAndGreatest(this.#view);
    for (const at of this.#starts) {
      const tail = at + 2 + this.#view.getUint16(at);
      bounds.add(tail + tailBytes, this.#view.getUint16(tail + 1));
    }
    return bounds.isEmpty ? undefined : bounds.times();
  }
}

/** What the index has of the key at `at`. */
export function valueAt(view: DataView, at: number): TsmKey {
  const tail = at + 2 + view.getUint16(at);
  const count = view.getUint16(tail + 1);
  const first = tail + tailBytes;
  return {
    type: view.getUint8(tail) as FieldType,
    entries: Array.from({ length: count }, (_, i) => entryAt(view, first + i * indexEntryBytes)),
  };
}

function entryAt(view: DataView, at: number): TsmEntry {
  return {
    minTimeNs: view.getBigInt64(at),
    maxTimeNs: view.getBigInt64(at + 8),
    offset: Number(view.getBigInt64(at + 16)),
    lengthBytes: view.getUint32(at + 24),
  };
}

/** Where the key at `at` with its blocks ends; undefined when that does not add up. */
export function endOfKey(view: DataView, at: number, blocksEnd: number): number | undefined {
  const lengthBytes = view.byteLength;
  if (at + 2 > lengthBytes) return undefined;
  const tail = at + 2 + view.getUint16(at);
  if (tail + tailBytes > lengthBytes) return undefined;
  const first = tail + tailBytes;
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
