import { crc32 } from 'node:zlib';
import { DbError } from '../../base/errors.ts';
import type { Disk, DiskFile } from '../../env/disk.ts';
import type { FieldType } from '../../models/field-value.ts';
import type { PageCache } from '../pages/page-cache.ts';
import { PageFile } from '../pages/page-file.ts';
import { covers, withRange } from './deleted-ranges.ts';
import { readTombstones, type TimeRange, type Tombstone } from './tombstones.ts';
import { PagedKeys } from './paged-keys.ts';
import { decodeDirectory, directoryFooterBytes, type TsmDirectory } from './tsm-directory.ts';
import type { TsmKeySet } from './tsm-key-set.ts';
import { TsmKeys, type TsmEntry } from './tsm-keys.ts';
import type { TsmSeal } from './tsm-seal.ts';
import {
  blockCrcBytes,
  tsmFooterBytes,
  tsmHeaderBytes,
  tsmMagic,
  tsmVersion,
} from './tsm-format.ts';

export type { TsmEntry } from './tsm-keys.ts';
export type { TsmSeal } from './tsm-seal.ts';

interface TimeBounds {
  readonly minTimeNs: bigint;
  readonly maxTimeNs: bigint;
}

export interface TsmPorts {
  readonly disk: Disk;
  /** Absent: the index of a file is read and held whole. */
  readonly cache?: PageCache | undefined;
}

/**
 * An open TSM file. Blocks are read when they are asked for, and checked. So are parts of the index of a file with a
 * directory and a seal, through the cache: what it takes of memory does not grow with its keys. Of another file the index is
 * in memory.
 */
export class TsmFile {
  readonly path: string;
  readonly seal: TsmSeal;
  readonly #file: DiskFile;
  /** Without the keys of which nothing is left. */
  readonly #keys: TsmKeySet;
  readonly #close: () => Promise<void>;
  /** Of keys of which something is. */
  readonly #deleted = new Map<string, readonly TimeRange[]>();
  #hasTombstones = false;
  #isClosed = false;
  /** Views that may still read it. */
  #pinCount = 0;
  #isRetired = false;
  /** Of all blocks; undefined in a file without any. */
  readonly bounds: TimeBounds | undefined;

  private constructor(file: DiskFile, seal: TsmSeal, { keys, close }: OpenKeys) {
    this.path = file.path;
    this.seal = seal;
    this.#file = file;
    this.#keys = keys;
    this.#close = close;
    this.bounds = keys.bounds;
  }

  /**
   * Throws `corrupt` with path and offset when it is no TSM file, its index does not add up, or it is not what `seal` says
   * it was. A file that came from elsewhere has no seal, and is taken as it is.
   */
  static async open({ disk, cache }: TsmPorts, path: string, seal?: TsmSeal): Promise<TsmFile> {
    const file = await disk.open(path, 'read');
    try {
      const offset = await readEnds(file, seal);
      const directory = await readDirectory(file, offset);
      const paged =
        cache === undefined || seal === undefined || directory === undefined
          ? undefined
          : pagedKeys({ file, cache }, { offset, seal, directory });
      const opened = paged === undefined ? await TsmFile.whole(file, { offset, seal, directory }) : new TsmFile(file, paged.seal, paged); // prettier-ignore
      opened.forget(await readTombstones(disk, path));
      return opened;
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** With its index in memory. */
  private static async whole(
    file: DiskFile,
    { offset, seal, directory }: { readonly offset: number; readonly seal: TsmSeal | undefined; readonly directory: ReadDirectory | undefined }, // prettier-ignore
  ): Promise<TsmFile> {
    const bytes = new Uint8Array(file.lengthBytes - tsmFooterBytes - offset);
    await file.readAt(offset, bytes);
    const found = {
      lengthBytes: file.lengthBytes,
      indexBytes: bytes.length,
      indexCrc32: crc32(bytes),
      ...(directory !== undefined && { directoryCrc32: directory.crc32 }),
    };
    if (seal !== undefined && found.indexCrc32 !== seal.indexCrc32)
      throw damaged(file, `the index at ${offset} is damaged`);
    const keys = TsmKeys.decode(bytes, offset);
    if (keys instanceof TsmKeys)
      return new TsmFile(file, found, { keys, close: () => file.close() });
    throw damaged(file, `the index does not add up at ${offset + keys.wrongAt}`);
  }

  /** Whether there is a file of tombstones beside this one. */
  get hasTombstones(): boolean {
    return this.#hasTombstones;
  }

  /** What of a key is deleted. */
  deletedRanges(key: string): readonly TimeRange[] {
    return this.#deleted.get(key) ?? [];
  }

  has(key: string): boolean {
    return this.#keys.has(key);
  }

  /** Bounds of a key's times as they were written; undefined when nothing is left of it. */
  keyBounds(key: string): TimeRange | undefined {
    const entries = this.#keys.get(key)?.entries ?? [];
    const [first] = entries;
    const last = entries[entries.length - 1];
    return first && last && { minTimeNs: first.minTimeNs, maxTimeNs: last.maxTimeNs };
  }

  /** Takes what is durable in the file of tombstones: it shows at once, in views that were taken before as well. */
  forget(tombstones: readonly Tombstone[]): void {
    if (tombstones.length > 0) this.#hasTombstones = true;
    for (const tombstone of tombstones) {
      const { key } = tombstone;
      const bounds = this.keyBounds(key);
      if (bounds === undefined) continue;
      const ranges = withRange(this.deletedRanges(key), tombstone);
      if (covers(ranges, bounds)) {
        this.#keys.delete(key);
        this.#deleted.delete(key);
      } else this.#deleted.set(key, ranges);
    }
  }

  /** Its keys as bytes, in their order: views that hold as long as the file is open. */
  keyBytes(): Iterable<readonly [key: Uint8Array, type: FieldType]> {
    return this.#keys.bytes();
  }

  keys(): Iterable<readonly [key: string, { readonly type: FieldType }]> {
    return this.#keys;
  }

  /** The blocks of a key that may hold points within the inclusive bounds. */
  entries(key: string, { minTimeNs, maxTimeNs }: TimeBounds): readonly TsmEntry[] {
    const entries = this.#keys.get(key)?.entries ?? [];
    const deleted = this.#deleted.get(key);
    if (deleted !== undefined) {
      const asked = { minTimeNs, maxTimeNs };
      return entries.filter((entry) => overlap(entry, asked) && !covers(deleted, entry));
    }
    const start = firstIndex(entries, (entry) => entry.maxTimeNs >= minTimeNs);
    const end = firstIndex(entries, (entry) => entry.minTimeNs > maxTimeNs);
    return start === 0 && end === entries.length ? entries : entries.slice(start, end);
  }

  /** Bytes of the file as they are; fewer at its end. */
  readSpan(offset: number, lengthBytes: number): Uint8Array {
    // A query may still read when its database is dropped: that ends the query, not the node.
    if (this.#isClosed) throw new DbError('not_found', 'shard is deleted');
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

  /** Keeps the file readable until unpin(), even when it is retired meanwhile. */
  pin(): void {
    this.#pinCount++;
  }

  unpin(): void {
    this.#pinCount--;
    this.#closeIfUnused();
  }

  /** Closes it once no view has it any more. Its name may be gone already. */
  retire(): void {
    this.#isRetired = true;
    this.#closeIfUnused();
  }

  #closeIfUnused(): void {
    if (!this.#isRetired || this.#pinCount > 0 || this.#isClosed) return;
    // What was only read has nothing to lose by a close that fails.
    this.close().catch(() => undefined);
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#close();
  }
}

function overlap(left: TimeRange, right: TimeRange): boolean {
  return left.minTimeNs <= right.maxTimeNs && left.maxTimeNs >= right.minTimeNs;
}

/** What a file is now, its index checked. */
export async function readTsmSeal(disk: Disk, path: string): Promise<TsmSeal> {
  const file = await TsmFile.open({ disk }, path);
  await file.close();
  return file.seal;
}

interface OpenKeys {
  readonly keys: TsmKeySet;
  readonly close: () => Promise<void>;
}

interface ReadDirectory {
  readonly of: TsmDirectory;
  readonly crc32: number;
}

/** Checks head, tail and length; answers where the index begins. */
async function readEnds(file: DiskFile, seal: TsmSeal | undefined): Promise<number> {
  const { lengthBytes } = file;
  if (seal !== undefined && lengthBytes !== seal.lengthBytes)
    throw damaged(file, `${lengthBytes} bytes long, was written with ${seal.lengthBytes}`);
  if (lengthBytes < tsmHeaderBytes + tsmFooterBytes) throw damaged(file, 'too short');
  const header = new Uint8Array(tsmHeaderBytes);
  await file.readAt(0, header);
  if (new DataView(header.buffer).getUint32(0) !== tsmMagic)
    throw damaged(file, 'not a TSM file, at 0');
  if (header[4] !== tsmVersion)
    throw new DbError('unsupported_version', `${file.path}: TSM version ${header[4]}`);
  const end = lengthBytes - tsmFooterBytes;
  const footer = new Uint8Array(tsmFooterBytes);
  await file.readAt(end, footer);
  const offset = Number(new DataView(footer.buffer).getBigUint64(0));
  const isSealed = seal === undefined || offset + seal.indexBytes === end;
  if (offset < tsmHeaderBytes || offset > end || !isSealed)
    throw damaged(file, `the index is not where the tail at ${end} says`);
  return offset;
}

async function readDirectory(file: DiskFile, offset: number): Promise<ReadDirectory | undefined> {
  const at = offset - directoryFooterBytes;
  if (at < tsmHeaderBytes) return undefined;
  const footer = new Uint8Array(directoryFooterBytes);
  await file.readAt(at, footer);
  const of = decodeDirectory(footer);
  return of && { of, crc32: crc32(footer) };
}

/** Undefined when the directory is not the one that was sealed. */
function pagedKeys(
  { file, cache }: { readonly file: DiskFile; readonly cache: PageCache },
  { offset, seal, directory }: { readonly offset: number; readonly seal: TsmSeal; readonly directory: ReadDirectory }, // prettier-ignore
): (OpenKeys & { readonly seal: TsmSeal }) | undefined {
  if (directory.crc32 !== seal.directoryCrc32) return undefined;
  const pages = new PageFile(file, cache);
  const keys = new PagedKeys(pages, { directory: directory.of, indexOffset: offset });
  return { keys, seal, close: () => pages.close() };
}

function damaged({ path }: DiskFile, what: string): DbError {
  return new DbError('corrupt', `${path}: ${what}`);
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
