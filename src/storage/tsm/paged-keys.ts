/**
 * The keys of a TSM file whose index is read part by part, by its directory and through the cache: the file costs the same
 * however many keys it has. Twin: TsmKeys, which has the whole index in memory.
 *
 * Invariants:
 * - a part is checked against its sum and looked through whenever it is read: one that is damaged makes what asked for it
 *   throw `corrupt`, with path and offset, and nothing else.
 *
 * Readers mostly ask for key after key in order, and for the same field of each series: the part that was asked for last
 * is at hand, and in it the place as far behind the last one as it was when a key of this kind was found before. Others are
 * where they were found the last time (key-places.ts).
 */
import type { DbError } from '../../base/errors.ts';
import type { PageFile } from '../pages/page-file.ts';
import { SortedTable } from '../pages/sorted-table.ts';
import { KeyPlaces } from './key-places.ts';
import { KnownEnds, knownEndBytes } from './known-ends.ts';
import { TsmColumn, type TsmTimeBounds } from './tsm-column.ts';
import { decodePart, type IndexPart, type TsmDirectory } from './tsm-directory.ts';
import type { KeyedColumn, LocatedColumn, LocatedKey, TsmKeySet } from './tsm-key-set.ts';
import { endOfKey } from './tsm-keys.ts';

/** A part of the index as it is used. */
interface Part {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** Where each key begins. */
  readonly starts: readonly number[];
  readonly firstKey: number;
  readonly ends: KnownEnds;
  readonly sizeBytes: number;
}

/** A part and its number, and where in it a key was found last. */
interface PartAtHand {
  readonly number: number;
  readonly part: Part;
  index: number;
}

/** Where a key is. */
interface Place {
  readonly part: Part;
  readonly at: number;
  readonly number: number;
}

const startBytes = 8;
/** Among what the file has at hand: of the directory, and of its parts. */
const [tableAtHand, partAtHand] = [0, 1];
/** Of what is kept of places, among pages of the file: none begins there. */
const placesOffset = -1;

interface PagedIndex {
  readonly directory: TsmDirectory;
  readonly indexOffset: number;
}

export class PagedKeys implements TsmKeySet {
  readonly bounds: TsmTimeBounds | undefined;
  readonly #pages: PageFile;
  readonly #table: SortedTable;
  readonly #keyCount: number;
  readonly #index: PagedIndex;
  readonly #indexOffset: number;
  /** Keys from one that was found to the next, by the kind of that. */
  readonly #strides: number[] = [];
  /** A byte for each key: 1 once nothing is left of it; made with the first. */
  #gone: Uint8Array | undefined;

  constructor(pages: PageFile, index: PagedIndex) {
    const { directory, indexOffset } = index;
    this.#index = index;
    const { root, keyCount, minTimeNs, maxTimeNs } = directory;
    this.bounds = { minTimeNs, maxTimeNs };
    this.#pages = pages;
    this.#table = new SortedTable(pages, root, tableAtHand);
    this.#keyCount = keyCount;
    this.#indexOffset = indexOffset;
  }

  get damage(): DbError | undefined {
    return this.#pages.damage;
  }

  /** Pages and what is kept beside them are shared. */
  whole(): PagedKeys {
    return new PagedKeys(this.#pages, this.#index);
  }

  get(key: Uint8Array, kind: number): TsmColumn | undefined {
    const place = this.#find(key, kind);
    return place && columnAt(place);
  }

  getNext(bytes: Uint8Array, start: number, end: number): TsmColumn | undefined {
    const hand = this.#pages.atHand[partAtHand] as PartAtHand | undefined;
    if (hand !== undefined) {
      const index = placeAfter(hand.part, hand.index, bytes.subarray(start, end));
      if (index >= 0) {
        const place = this.#take(hand, index);
        return place && columnAt(place);
      }
    }
    return this.get(bytes.subarray(start, end), 0);
  }

  locate(key: Uint8Array): LocatedColumn | undefined {
    const place = this.#find(key, 0);
    return place && { number: place.number, column: columnAt(place) };
  }

  delete(number: number): void {
    this.#gone ??= new Uint8Array(this.#keyCount);
    this.#gone[number] = 1;
  }

  /** Past the cache: whoever goes through all of a file needs none of it twice. */
  *columns(): Generator<KeyedColumn | undefined> {
    for (let number = 0; number < this.#table.count; number++) {
      const part = this.#pastCache(number);
      for (const [i, at] of part.starts.entries())
        if (this.#gone?.[part.firstKey + i] !== 1) yield [keyAt(part, at), new TsmColumn(part.view, at)]; // prettier-ignore
      if (this.#gone !== undefined) yield undefined;
    }
  }

  *columnsFrom(first: Uint8Array): Generator<LocatedKey | undefined> {
    // The part before may have keys from there on, unless one begins with it.
    const from = Math.max(0, this.#table.lowerBound(first) - 1);
    for (let number = from; number < this.#table.count; number++) {
      const part = this.#pastCache(number);
      for (const [i, at] of part.starts.entries()) {
        const key = keyAt(part, at);
        const isBefore = number === from && Buffer.compare(key, first) < 0;
        if (isBefore || this.#gone?.[part.firstKey + i] === 1) continue;
        yield { key, number: part.firstKey + i, column: new TsmColumn(part.view, at) };
      }
      yield undefined;
    }
  }

  #pastCache(number: number): Part {
    const place = this.#placed(number);
    const part = this.#decode(this.#pages.part(place), place);
    if (part === undefined) throw this.#pages.damaged(place.offset);
    return part;
  }

  /** The place of a key of which something is left. */
  #find(wanted: Uint8Array, kind: number): Place | undefined {
    const last = this.#pages.atHand[partAtHand] as PartAtHand | undefined;
    const stride = this.#strides[kind] ?? 1;
    if (last !== undefined && isKeyAt(last.part, last.index + stride, wanted))
      return this.#take(last, last.index + stride);
    const places = this.#pages.kept(placesOffset, () => new KeyPlaces(this.#keyCount));
    const slot = places.slotOf(wanted);
    const known = places.partAt(slot);
    if (known >= 0 && known < this.#table.count) {
      const hand = last?.number === known ? last : undefined;
      const part = hand?.part ?? this.#load(known);
      const index = places.indexAt(slot);
      if (isKeyAt(part, index, wanted))
        return this.#take(hand ?? this.#takeInHand(known, part, index), index);
    }
    const hand = this.#near(last, wanted) ?? this.#search(wanted);
    if (hand === undefined) return undefined;
    const guess = hand.index + stride;
    const i = isKeyAt(hand.part, guess, wanted) ? guess : indexOf(hand.part, wanted);
    if (i < 0) return undefined;
    places.keep(slot, hand.number, i);
    if (i > hand.index) this.#strides[kind] = i - hand.index;
    return this.#take(hand, i);
  }

  /** Key `i` of a part; undefined when nothing is left of it. */
  #take(hand: PartAtHand, i: number): Place | undefined {
    const { part } = hand;
    hand.index = i;
    const number = part.firstKey + i;
    return this.#gone?.[number] === 1 ? undefined : { part, at: part.starts[i] ?? 0, number };
  }

  /** The part at hand, or the next one, if it is the one that would have the key. */
  #near(hand: PartAtHand | undefined, wanted: Uint8Array): PartAtHand | undefined {
    if (hand === undefined || compareAt(hand.part, 0, wanted) > 0) return undefined;
    if (compareAt(hand.part, hand.part.starts.length - 1, wanted) >= 0) return hand;
    if (hand.number + 1 >= this.#table.count) return hand;
    const next = this.#load(hand.number + 1);
    if (compareAt(next, 0, wanted) > 0) return hand;
    if (compareAt(next, next.starts.length - 1, wanted) < 0) return undefined;
    return this.#takeInHand(hand.number + 1, next, hand.index - hand.part.starts.length);
  }

  #search(wanted: Uint8Array): PartAtHand | undefined {
    const next = this.#table.lowerBound(wanted);
    const isFirst = next < this.#table.count && Buffer.compare(this.#table.key(next), wanted) === 0;
    const own = isFirst ? next : next - 1;
    return own < 0 ? undefined : this.#takeInHand(own, this.#load(own), -1);
  }

  /** `index` may be that of a key before the part. */
  #takeInHand(number: number, part: Part, index: number): PartAtHand {
    const hand = { number, part, index };
    this.#pages.atHand[partAtHand] = hand;
    return hand;
  }

  #load(number: number): Part {
    const place = this.#placed(number);
    return this.#pages.readPart(place, (bytes) => this.#decode(bytes, place));
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
    const sizeBytes = bytes.length + starts.length * (startBytes + knownEndBytes);
    return { bytes, view, starts, firstKey, ends: new KnownEnds(starts.length), sizeBytes };
  }
}

function columnAt({ part, at, number }: Place): TsmColumn {
  return new TsmColumn(part.view, at, part.ends, number - part.firstKey);
}

function keyAt({ bytes, view }: Part, at: number): Uint8Array {
  return bytes.subarray(at + 2, at + 2 + view.getUint16(at));
}

function compareAt(part: Part, i: number, wanted: Uint8Array): number {
  return Buffer.compare(keyAt(part, part.starts[i] ?? 0), wanted);
}

function isKeyAt(part: Part, i: number, wanted: Uint8Array): boolean {
  const at = part.starts[i];
  if (at === undefined || part.view.getUint16(at) !== wanted.length) return false;
  // From its end, where keys that stand side by side differ; without a view of it.
  const { bytes } = part;
  for (let k = wanted.length - 1, from = at + 2; k >= 0; k--)
    if (bytes[from + k] !== wanted[k]) return false;
  return true;
}

/** The number of a key in a part behind number `from`, looked for in strides that double: it is mostly near. -1 when it is not there. */
function placeAfter(part: Part, from: number, wanted: Uint8Array): number {
  const { length } = part.starts;
  if (isKeyAt(part, from + 1, wanted)) return from + 1;
  let low = Math.max(0, from + 2);
  let high = low;
  for (let stride = 2; high < length; stride *= 2) {
    const order = compareBytesAt(part, high, wanted);
    if (order === 0) return high;
    if (order > 0) break;
    low = high + 1;
    high += stride;
  }
  high = Math.min(high, length);
  while (low < high) {
    const middle = (low + high) >>> 1;
    const order = compareBytesAt(part, middle, wanted);
    if (order === 0) return middle;
    if (order < 0) low = middle + 1;
    else high = middle;
  }
  return -1;
}

/** compareAt() without a view of the key. */
function compareBytesAt({ bytes, view, starts }: Part, i: number, wanted: Uint8Array): number {
  const at = starts[i] ?? 0;
  const lengthBytes = view.getUint16(at);
  const shared = Math.min(lengthBytes, wanted.length);
  for (let k = 0, from = at + 2; k < shared; k++) {
    const step = (bytes[from + k] ?? 0) - (wanted[k] ?? 0);
    if (step !== 0) return step;
  }
  return lengthBytes - wanted.length;
}

/** The number of a key in a part; -1 when it is not there. */
function indexOf(part: Part, wanted: Uint8Array): number {
  let low = 0;
  let high = part.starts.length - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    const order = compareAt(part, middle, wanted);
    if (order === 0) return middle;
    if (order < 0) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}
