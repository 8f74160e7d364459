/**
 * The keys of a TSM file whose index is read part by part, by its directory and through the cache: the file costs the same
 * however many keys it has. Twin: TsmKeys, which has the whole index in memory.
 *
 * Invariants:
 * - a part is checked against its sum and looked through whenever it is read: one that is damaged makes what asked for it
 *   throw `corrupt`, with path and offset, and nothing else.
 */
import type { FieldType } from '../../models/field-value.ts';
import type { PageFile } from '../pages/page-file.ts';
import { SortedTable } from '../pages/sorted-table.ts';
import { decodePart, type IndexPart, type TsmDirectory } from './tsm-directory.ts';
import type { TsmKey, TsmKeySet, TsmTimeBounds } from './tsm-key-set.ts';
import { endOfKey, valueAt } from './tsm-keys.ts';

/** A part of the index as it is used. */
interface Part {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** Where each key begins. */
  readonly starts: readonly number[];
  readonly firstKey: number;
  readonly sizeBytes: number;
}

/** Where a key is. */
interface Place {
  readonly part: Part;
  readonly at: number;
  readonly number: number;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const startBytes = 8;

export class PagedKeys implements TsmKeySet {
  readonly bounds: TsmTimeBounds | undefined;
  readonly #pages: PageFile;
  readonly #table: SortedTable;
  readonly #keyCount: number;
  readonly #indexOffset: number;
  /** A byte for each key: 1 once nothing is left of it; made with the first. */
  #gone: Uint8Array | undefined;

  constructor(
    pages: PageFile,
    { directory, indexOffset }: { readonly directory: TsmDirectory; readonly indexOffset: number },
  ) {
    const { root, keyCount, minTimeNs, maxTimeNs } = directory;
    this.bounds = { minTimeNs, maxTimeNs };
    this.#pages = pages;
    this.#table = new SortedTable(pages, root, 0);
    this.#keyCount = keyCount;
    this.#indexOffset = indexOffset;
  }

  has(key: string): boolean {
    return this.#find(key) !== undefined;
  }

  get(key: string): TsmKey | undefined {
    const place = this.#find(key);
    return place && valueAt(place.part.view, place.at);
  }

  delete(key: string): void {
    const place = this.#find(key);
    if (place === undefined) return;
    this.#gone ??= new Uint8Array(this.#keyCount);
    this.#gone[place.number] = 1;
  }

  *[Symbol.iterator](): Generator<readonly [key: string, value: TsmKey]> {
    for (const { part, at } of this.#all())
      yield [decoder.decode(keyAt(part, at)), valueAt(part.view, at)];
  }

  *bytes(): Generator<readonly [key: Uint8Array, type: FieldType]> {
    for (const { part, at } of this.#all()) {
      const key = keyAt(part, at);
      yield [key, part.view.getUint8(at + 2 + key.length) as FieldType];
    }
  }

  /** Past the cache: whoever goes through all of a file needs none of it twice. */
  *#all(): Generator<Place> {
    for (let number = 0; number < this.#table.count; number++) {
      const place = this.#placed(number);
      const part = this.#decode(this.#pages.part(place), place);
      if (part === undefined) throw this.#pages.damaged(place.offset);
      for (const [i, at] of part.starts.entries())
        if (this.#gone?.[part.firstKey + i] !== 1) yield { part, at, number: part.firstKey + i };
    }
  }

  /** The place of a key of which something is left. */
  #find(key: string): Place | undefined {
    const wanted = encoder.encode(key);
    const next = this.#table.lowerBound(wanted);
    const isFirst = next < this.#table.count && Buffer.compare(this.#table.key(next), wanted) === 0;
    const own = isFirst ? next : next - 1;
    if (own < 0) return undefined;
    const place = this.#placed(own);
    const part = this.#pages.readPart(place, (bytes) => this.#decode(bytes, place));
    const i = indexOf(part, wanted);
    const at = part.starts[i];
    const number = part.firstKey + i;
    return at === undefined || this.#gone?.[number] === 1 ? undefined : { part, at, number };
  }

  #placed(number: number): IndexPart {
    const part = decodePart(this.#table.value(number));
    return { ...part, offset: this.#indexOffset + part.offset };
  }

  #decode(bytes: Uint8Array, { firstKey }: IndexPart): Part | undefined {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const starts: number[] = [];
    for (let at = 0; at < bytes.length;) {
      const end = endOfKey(view, at, this.#indexOffset);
      if (end === undefined) return undefined;
      starts.push(at);
      at = end;
    }
    if (starts.length === 0 || firstKey + starts.length > this.#keyCount) return undefined;
    return { bytes, view, starts, firstKey, sizeBytes: bytes.length + starts.length * startBytes };
  }
}

function keyAt({ bytes, view }: Part, at: number): Uint8Array {
  return bytes.subarray(at + 2, at + 2 + view.getUint16(at));
}

/** The number of a key in a part; -1 when it is not there. */
function indexOf(part: Part, wanted: Uint8Array): number {
  let low = 0;
  let high = part.starts.length - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    const order = Buffer.compare(keyAt(part, part.starts[middle] ?? 0), wanted);
    if (order === 0) return middle;
    if (order < 0) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}
