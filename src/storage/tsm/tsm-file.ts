import { crc32 } from 'node:zlib';
import { DbError } from '../../base/errors.ts';
import type { Disk, DiskFile } from '../../env/disk.ts';
import { FieldType } from '../../models/field-value.ts';
import {
  blockCrcBytes,
  indexEntryBytes,
  tsmFooterBytes,
  tsmHeaderBytes,
  tsmMagic,
  tsmVersion,
} from './tsm-format.ts';

/** A block of a file: where it is and what times it holds. */
export interface TsmEntry {
  readonly minTimeNs: bigint;
  readonly maxTimeNs: bigint;
  readonly offset: number;
  readonly lengthBytes: number;
}

interface TsmKey {
  readonly type: FieldType;
  /** Ascending in time. */
  readonly entries: readonly TsmEntry[];
}

interface TimeBounds {
  readonly minTimeNs: bigint;
  readonly maxTimeNs: bigint;
}

/** An open TSM file, its index in memory. Blocks are read when they are asked for, and checked. */
export class TsmFile {
  readonly path: string;
  readonly #file: DiskFile;
  readonly #keys: ReadonlyMap<string, TsmKey>;
  /** Of all blocks; undefined in a file without any. */
  readonly bounds: TimeBounds | undefined;

  private constructor(file: DiskFile, keys: ReadonlyMap<string, TsmKey>) {
    this.path = file.path;
    this.#file = file;
    this.#keys = keys;
    this.bounds = boundsOf(keys);
  }

  /** Throws `corrupt` with the path when it is no TSM file, or its index does not add up. */
  static async open(disk: Disk, path: string): Promise<TsmFile> {
    const file = await disk.open(path, 'read');
    try {
      return new TsmFile(file, await readIndex(file));
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  keys(): Iterable<readonly [key: string, { readonly type: FieldType }]> {
    return this.#keys;
  }

  /** The blocks of a key that may hold points within the inclusive bounds. */
  entries(key: string, { minTimeNs, maxTimeNs }: TimeBounds): readonly TsmEntry[] {
    const entries = this.#keys.get(key)?.entries ?? [];
    const start = firstIndex(entries, (entry) => entry.maxTimeNs >= minTimeNs);
    const end = firstIndex(entries, (entry) => entry.minTimeNs > maxTimeNs);
    return start === 0 && end === entries.length ? entries : entries.slice(start, end);
  }

  /** Bytes of the file as they are; fewer at its end. */
  readSpan(offset: number, lengthBytes: number): Uint8Array {
    const bytes = new Uint8Array(lengthBytes);
    const read = this.#file.readIntoSync(offset, bytes);
    return bytes.subarray(0, read);
  }

  /** The block at the head of `bytes`. Throws `corrupt` with path and offset when it changed since it was written. */
  checkBlock({ offset, lengthBytes }: TsmEntry, bytes: Uint8Array): Uint8Array {
    const block = bytes.subarray(blockCrcBytes, lengthBytes);
    const crc = bytes.length < lengthBytes ? undefined : new DataView(bytes.buffer, bytes.byteOffset).getUint32(0); // prettier-ignore
    if (crc32(block) !== crc)
      throw new DbError('corrupt', `${this.path}: the block at ${offset} is damaged`);
    return block;
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

async function readIndex(file: DiskFile): Promise<ReadonlyMap<string, TsmKey>> {
  const damaged = (what: string) => new DbError('corrupt', `${file.path}: ${what}`);
  const { lengthBytes } = file;
  if (lengthBytes < tsmHeaderBytes + tsmFooterBytes) throw damaged('too short');
  const header = new Uint8Array(tsmHeaderBytes);
  await file.readAt(0, header);
  if (new DataView(header.buffer).getUint32(0) !== tsmMagic) throw damaged('not a TSM file');
  if (header[4] !== tsmVersion)
    throw new DbError('unsupported_version', `${file.path}: TSM version ${header[4]}`);
  const footer = new Uint8Array(tsmFooterBytes);
  await file.readAt(lengthBytes - tsmFooterBytes, footer);
  const start = Number(new DataView(footer.buffer).getBigUint64(0));
  const end = lengthBytes - tsmFooterBytes;
  if (start < tsmHeaderBytes || start > end) throw damaged('the index is not where it should be');
  const index = new Uint8Array(end - start);
  await file.readAt(start, index);
  return decodeIndex(index, damaged);
}

function decodeIndex(
  index: Uint8Array,
  damaged: (what: string) => DbError,
): ReadonlyMap<string, TsmKey> {
  const view = new DataView(index.buffer);
  const decoder = new TextDecoder();
  const keys = new Map<string, TsmKey>();
  let at = 0;
  while (at < index.length) {
    if (at + 2 > index.length) throw damaged('the index is cut short');
    const nameEnd = at + 2 + view.getUint16(at);
    if (nameEnd + 3 > index.length) throw damaged('the index is cut short');
    const name = decoder.decode(index.subarray(at + 2, nameEnd));
    const type = view.getUint8(nameEnd);
    const count = view.getUint16(nameEnd + 1);
    at = nameEnd + 3;
    if (type > FieldType.unsigned || at + count * indexEntryBytes > index.length)
      throw damaged('the index does not add up');
    const entries = Array.from({ length: count }, (_, i) => {
      const from = at + i * indexEntryBytes;
      return {
        minTimeNs: view.getBigInt64(from),
        maxTimeNs: view.getBigInt64(from + 8),
        offset: Number(view.getBigInt64(from + 16)),
        lengthBytes: view.getUint32(from + 24),
      };
    });
    at += count * indexEntryBytes;
    keys.set(name, { type: type as FieldType, entries });
  }
  return keys;
}

/** Entries ascend, so that what holds for one holds for all behind it. */
function firstIndex(entries: readonly TsmEntry[], holds: (entry: TsmEntry) => boolean): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const entry = entries[middle];
    if (entry !== undefined && holds(entry)) high = middle;
    else low = middle + 1;
  }
  return low;
}

function boundsOf(keys: ReadonlyMap<string, TsmKey>): TimeBounds | undefined {
  let bounds: TimeBounds | undefined;
  for (const { entries } of keys.values()) {
    const first = entries[0];
    const last = entries.at(-1);
    if (first === undefined || last === undefined) continue;
    const { minTimeNs = first.minTimeNs, maxTimeNs = last.maxTimeNs } = bounds ?? {};
    bounds = {
      minTimeNs: first.minTimeNs < minTimeNs ? first.minTimeNs : minTimeNs,
      maxTimeNs: last.maxTimeNs > maxTimeNs ? last.maxTimeNs : maxTimeNs,
    };
  }
  return bounds;
}
