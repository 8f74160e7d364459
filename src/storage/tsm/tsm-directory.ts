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

const partBytesFull = 4_096;
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
  let lastAt = -1;
  for (let start = 0; start < index.length;) {
    const firstKey = keyCount;
    const first = keyIn(index, view, start);
    const before = lastAt < 0 ? noKey : keyIn(index, view, lastAt);
    const separator = { ...first, end: first.start + separatorBytes(before, first) };
    let end = start;
    while (end < index.length && end - start < partBytesFull) {
      lastAt = end;
      const tail = end + 2 + view.getUint16(end);
      const count = view.getUint16(tail + 1);
      bounds.add(tail + keyTailBytes, count);
      end = tail + keyTailBytes + count * indexEntryBytes;
      keyCount++;
    }
    value.clear();
    for (const word of [start, end - start, crc32(index.subarray(start, end)), firstKey]) value.u32(word); // prettier-ignore
    table.add(noBytes, separator, value.view());
    start = end;
  }
  const root = table.finish();
  return { pages: pages.staged, footer: encodeFooter({ root, keyCount, ...bounds.times() }) };
}

function keyIn(index: Uint8Array, view: DataView, at: number): KeyPart {
  return { bytes: index, start: at + 2, end: at + 2 + view.getUint16(at) };
}

/** How much of a key tells it from the one before, which it follows. */
function separatorBytes(before: KeyPart, key: KeyPart): number {
  const most = Math.min(before.end - before.start, key.end - key.start);
  let shared = 0;
  while (shared < most && before.bytes[before.start + shared] === key.bytes[key.start + shared]) shared++; // prettier-ignore
  return shared + 1;
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
