/**
 * A way into the index of a TSM file without reading all of it: ours, between the last block and the index, where readers
 * of the format look at nothing. Pages of a sorted table (storage/pages): for each few KiB of the index the shortest beginning of its
 * first key that is behind the key before (files of before that: all of it), and as value, little-endian, u32 where they begin in the index, u32 how many bytes they are, u32 their CRC-32, u32 number of the
 * first key. Then 48 bytes: u32 entries, levels, offset (low, high) and length of the table's root; u32 keys; i64 least and
 * greatest time of all blocks; u32 CRC-32 of all that, u32 magic.
 */
import { crc32 } from 'node:zlib';
import { BytesCursor, GrowingBytes } from '../../base/growing-bytes.ts';
import { PageWriter } from '../pages/page-file.ts';
import { SortedTableWriter, type TableRoot } from '../pages/sorted-table.ts';
import type { KeyPart } from '../pages/table-page.ts';
import { indexEntryBytes, keyTailBytes } from './tsm-format.ts';

export interface TsmDirectory {
  readonly root: TableRoot;
  readonly keyCount: number;
  readonly minTimeNs: bigint;
  readonly maxTimeNs: bigint;
}

/** A part of the index: whole keys. */
export interface IndexPart {
  /** From the index's beginning. */
  readonly offset: number;
  readonly lengthBytes: number;
  readonly crc32: number;
  readonly firstKey: number;
}

/** A part ends between these, where its last key tells itself from the next soonest: mostly behind the last field of a series. */
const [partBytesMin, partBytesMax] = [3_072, 6_144];
export const directoryFooterBytes = 48;
const magic = 0x31445456;
const noBytes = new Uint8Array(0);
const noKey: KeyPart = { bytes: noBytes, start: 0, end: 0 };

/** The pages and their footer, to be written at `offset`; undefined for an index without keys. */
export function encodeDirectory(
  index: Uint8Array,
  offset: number,
): { readonly pages: Uint8Array; readonly footer: Uint8Array } | undefined {
  if (index.length === 0) return undefined;
  const view = new DataView(index.buffer, index.byteOffset, index.length);
  const pages = new PageWriter(offset);
  const table = new SortedTableWriter(pages);
  const bounds = new LeastAndGreatest(view);
  const value = new GrowingBytes(32);
  let keyCount = 0;
  let before = noKey;
  for (let start = 0; start < index.length;) {
    const part = partFrom(index, view, start);
    const first = keyIn(index, view, start);
    const separator = { ...first, end: first.start + sharedBytes(before, first) + 1 };
    for (let at = start; at < part.end; at = endOfEntry(view, at)) {
      const tail = at + 2 + view.getUint16(at);
      bounds.add(tail + keyTailBytes, view.getUint16(tail + 1));
    }
    value.clear();
    for (const word of [start, part.end - start, crc32(index.subarray(start, part.end)), keyCount]) value.u32(word); // prettier-ignore
    table.add(noBytes, separator, value.view());
    keyCount += part.keyCount;
    before = keyIn(index, view, part.lastAt);
    start = part.end;
  }
  const root = table.finish();
  return { pages: pages.staged, footer: encodeFooter({ root, keyCount, ...bounds.times() }) };
}

function keyIn(index: Uint8Array, view: DataView, at: number): KeyPart {
  return { bytes: index, start: at + 2, end: at + 2 + view.getUint16(at) };
}

/** Where the part that begins at `start` ends, and where its last key is. */
function partFrom(
  index: Uint8Array,
  view: DataView,
  start: number,
): { readonly end: number; readonly lastAt: number; readonly keyCount: number } {
  let chosen = { end: start, lastAt: start, keyCount: 0 };
  let least = Number.POSITIVE_INFINITY;
  let at = start;
  for (let keyCount = 1; at < index.length && at - start < partBytesMax; keyCount++) {
    const end = endOfEntry(view, at);
    if (end === index.length) return { end, lastAt: at, keyCount };
    if (end - start >= partBytesMin) {
      const shared = sharedBytes(keyIn(index, view, at), keyIn(index, view, end));
      if (shared <= least) {
        chosen = { end, lastAt: at, keyCount };
        least = shared;
      }
    }
    at = end;
  }
  return chosen;
}

function endOfEntry(view: DataView, at: number): number {
  const tail = at + 2 + view.getUint16(at);
  return tail + keyTailBytes + view.getUint16(tail + 1) * indexEntryBytes;
}

/** How much two keys have in common from their beginning. */
function sharedBytes(a: KeyPart, b: KeyPart): number {
  const most = Math.min(a.end - a.start, b.end - b.start);
  let shared = 0;
  while (shared < most && a.bytes[a.start + shared] === b.bytes[b.start + shared]) shared++;
  return shared;
}

function encodeFooter({ root, keyCount, minTimeNs, maxTimeNs }: TsmDirectory): Uint8Array {
  const bytes = new Uint8Array(directoryFooterBytes);
  const view = new DataView(bytes.buffer);
  const { count, depth, offset, lengthBytes } = root;
  const words = [count, depth, offset % 2 ** 32, Math.floor(offset / 2 ** 32), lengthBytes, keyCount]; // prettier-ignore
  words.forEach((word, i) => {
    view.setUint32(i * 4, word, true);
  });
  view.setBigInt64(24, minTimeNs, true);
  view.setBigInt64(32, maxTimeNs, true);
  view.setUint32(40, crc32(bytes.subarray(0, 40)), true);
  view.setUint32(44, magic, true);
  return bytes;
}

/** Undefined when it is none. */
export function decodeDirectory(bytes: Uint8Array): TsmDirectory | undefined {
  if (bytes.length !== directoryFooterBytes) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (view.getUint32(44, true) !== magic) return undefined;
  if (view.getUint32(40, true) !== crc32(bytes.subarray(0, 40))) return undefined;
  const [count, depth, low, high, lengthBytes, keyCount] = [0, 4, 8, 12, 16, 20].map((at) => view.getUint32(at, true)) as [number, number, number, number, number, number]; // prettier-ignore
  return {
    root: { count, depth, offset: high * 2 ** 32 + low, lengthBytes },
    keyCount,
    minTimeNs: view.getBigInt64(24, true),
    maxTimeNs: view.getBigInt64(32, true),
  };
}

export function decodePart(value: Uint8Array): IndexPart {
  const cursor = new BytesCursor(value);
  const [offset, lengthBytes, sum, firstKey] = [cursor.u32(), cursor.u32(), cursor.u32(), cursor.u32()]; // prettier-ignore
  return { offset, lengthBytes, crc32: sum, firstKey };
}

/** Of the times of an index, by words: a bigint for each key would cost more than all the rest. */
export class LeastAndGreatest {
  readonly #view: DataView;
  #least: number | undefined;
  #greatest: number | undefined;

  constructor(view: DataView) {
    this.#view = view;
  }

  /** The entries of a key, ascending in time. */
  add(first: number, count: number): void {
    if (count === 0) return;
    const last = first + (count - 1) * indexEntryBytes + 8;
    if (this.#least === undefined || this.#isBefore(first, this.#least)) this.#least = first;
    if (this.#greatest === undefined || this.#isBefore(this.#greatest, last)) this.#greatest = last;
  }

  get isEmpty(): boolean {
    return this.#least === undefined;
  }

  /** 0 when there are none. */
  times(): { readonly minTimeNs: bigint; readonly maxTimeNs: bigint } {
    if (this.#least === undefined || this.#greatest === undefined)
      return { minTimeNs: 0n, maxTimeNs: 0n };
    return {
      minTimeNs: this.#view.getBigInt64(this.#least),
      maxTimeNs: this.#view.getBigInt64(this.#greatest),
    };
  }

  /** Whether the time at `a` is before that at `b`. */
  #isBefore(a: number, b: number): boolean {
    const high = this.#view.getInt32(a) - this.#view.getInt32(b);
    return high === 0 ? this.#view.getUint32(a + 4) < this.#view.getUint32(b + 4) : high < 0;
  }
}
