import { crc32 } from 'node:zlib';
import { assert } from '../../base/assert.ts';
import { DbError } from '../../base/errors.ts';
import type { Disk, DiskFile } from '../../env/disk.ts';
import { Slices, type SlicePorts } from '../../env/slices.ts';
import type { PageCache } from '../pages/page-cache.ts';
import { PageFile } from '../pages/page-file.ts';
import { BlockPieces, damagedBlock, type FoundBlock, isSound } from './block-pieces.ts';
import { covers, withRange } from './deleted-ranges.ts';
import { isEmptied } from './emptied-key.ts';
import { readTombstones, type TimeRange } from './tombstones.ts';
import { PagedKeys } from './paged-keys.ts';
import { decodeDirectory, directoryFooterBytes, type TsmDirectory } from './tsm-directory.ts';
import type { BlockPlace, TsmColumn, TsmEntry } from './tsm-column.ts';
import type { KeyedColumn, LocatedColumn, LocatedKey, TsmKeySet } from './tsm-key-set.ts';
import { TsmKeys } from './tsm-keys.ts';
import type { TombstoneSeal, TsmSeal } from './tsm-seal.ts';
import {
  blockCrcBytes,
  tsmFooterBytes,
  tsmHeaderBytes,
  tsmMagic,
  tsmVersion,
} from './tsm-format.ts';

export type { TsmEntry } from './tsm-column.ts';
export type { TsmSeal } from './tsm-seal.ts';

interface TimeBounds {
  readonly minTimeNs: bigint;
  readonly maxTimeNs: bigint;
}

/** With those of slices a million tombstones are taken in slices. */
export interface TsmPorts extends Partial<SlicePorts> {
  readonly disk: Disk;
  /** Absent: the index of a file is read and held whole. */
  readonly cache?: PageCache | undefined;
  /** Of blocks. Absent: each is read and checked whenever it is asked for. */
  readonly blocks?: PageCache | undefined;
}

/** Tombstones that are taken between two looks at the clock. */
const atOnce = 32;
const noRanges: readonly TimeRange[] = [];

/**
 * An open TSM file. Blocks are read when they are asked for, and checked. So are parts of the index of a file with a
 * directory and a seal, through the cache: what it takes of memory does not grow with its keys. Of another file the index is
 * in memory.
 */
export class TsmFile {
  readonly path: string;
  #seal: TsmSeal;
  readonly #file: DiskFile;
  /** Without the keys of which nothing is left. */
  readonly #keys: TsmKeySet;
  readonly #pieces: BlockPieces | undefined;
  readonly #close: () => Promise<void>;
  /** Of keys of which something is, by their numbers. */
  readonly #deleted = new Map<number, readonly TimeRange[]>();
  #hasTombstones = false;
  #isClosed = false;
  /** What is deleted of this file shows in it all the same; both are one to whoever closes. */
  readonly #origin: TsmFile | undefined;
  #whole: TsmFile | undefined;
  /** Views that may still read it. */
  #pinCount = 0;
  #isRetired = false;
  #damage: DbError | undefined;
  /** Of all blocks; undefined in a file without any. */
  readonly bounds: TimeBounds | undefined;

  private constructor(
    file: DiskFile,
    seal: TsmSeal,
    { keys, close, blocks, origin }: OpenKeys & { readonly origin?: TsmFile },
  ) {
    this.path = file.path;
    this.#seal = seal;
    this.#file = file;
    this.#keys = keys;
    this.#pieces = origin === undefined ? blocks && new BlockPieces(file, blocks) : origin.#pieces;
    this.#origin = origin;
    this.#close = close;
    this.bounds = keys.bounds;
  }

  /**
   * Throws `corrupt` with path and offset when it is no TSM file, its index does not add up, or it is not what `seal` says
   * it was. A file that came from elsewhere has no seal, and is taken as it is.
   */
  static async open(ports: TsmPorts, path: string, seal?: TsmSeal): Promise<TsmFile> {
    const { disk, cache, blocks } = ports;
    const file = await disk.open(path, 'read');
    try {
      const offset = await readEnds(file, seal);
      const directory = await readDirectory(file, offset);
      const paged =
        cache === undefined || seal === undefined || directory === undefined
          ? undefined
          : pagedKeys({ file, cache }, { offset, seal, directory });
      const { seal: found, ...keys } = paged ?? (await wholeKeys(file, { offset, seal, directory })); // prettier-ignore
      const opened = new TsmFile(file, found, { ...keys, blocks });
      await opened.#takeTombstones(ports, seal?.tombstones);
      return opened;
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** What it is, with what is deleted of it by now. */
  get seal(): TsmSeal {
    return this.#seal;
  }

  get knownTombstones(): { readonly seal: TombstoneSeal | undefined; readonly hasNone: boolean } {
    const { tombstones: seal } = this.#seal;
    return { seal, hasNone: seal === undefined && !this.#hasTombstones };
  }

  /** Of its tombstones, which have become more. */
  sealTombstones(tombstones: TombstoneSeal): void {
    this.#seal = { ...this.#seal, tombstones };
  }

  /** A file without tombstones as it is now: what is deleted later shows there still. To be pinned as this one. */
  whole(): TsmFile {
    assert(!this.#hasTombstones, 'a file of which something was deleted is not whole');
    if (this.#whole !== undefined) return this.#whole;
    const of = { keys: this.#keys.whole(), close: () => Promise.resolve(), origin: this };
    return (this.#whole = new TsmFile(this.#file, this.seal, of));
  }

  /** Whether there is a file of tombstones beside this one. */
  get hasTombstones(): boolean {
    return this.#hasTombstones;
  }

  /** What of a key is deleted. */
  deletedRanges(key: Uint8Array): readonly TimeRange[] {
    if (this.#deleted.size === 0) return noRanges;
    const found = this.locate(key);
    return found === undefined ? noRanges : this.#deletedOf(found.number);
  }

  #deletedOf(number: number): readonly TimeRange[] {
    return this.#deleted.get(number) ?? noRanges;
  }

  /**
   * The blocks of a key; undefined when nothing is left of it. Who asks for keys of several kinds in turns, series after series,
   * says which: each is expected as far behind the one before as it was the last time.
   */
  column(key: Uint8Array, kind = 0): TsmColumn | undefined {
    return this.#keys.get(key, kind);
  }

  /** The same of the key [start, end) of `bytes`, for whoever asks for many in their order. */
  nextColumn(bytes: Uint8Array, start: number, end: number): TsmColumn | undefined {
    return this.#keys.getNext(bytes, start, end);
  }

  /** Whether of any key a range is deleted. */
  get hasDeletedRanges(): boolean {
    return this.#deleted.size > 0;
  }

  /** The blocks of a key with its number; undefined when nothing is left of it. */
  locate(key: Uint8Array): LocatedColumn | undefined {
    return this.#keys.locate(key);
  }

  /** Whether nothing is left of a key once a range of it is deleted as well. */
  isCoveredWith({ number, column }: LocatedColumn, range: TimeRange): boolean {
    const ranges = withRange(this.#deletedOf(number), range);
    return isEmptied(column, ranges, (entry) => this.block(entry));
  }

  /** Nothing is left of keys, by their numbers: what is durable in the file of tombstones shows at once, in earlier views too. */
  forgetKeys(numbers: Iterable<number>): void {
    this.#hasTombstones = true;
    for (const number of numbers) {
      this.#keys.delete(number);
      this.#deleted.delete(number);
    }
  }

  /** The same of a range of keys of which something is left. */
  forgetRange(numbers: Iterable<number>, range: TimeRange): void {
    this.#hasTombstones = true;
    const alone = [range];
    for (const number of numbers) {
      const before = this.#deleted.get(number);
      this.#deleted.set(number, before === undefined ? alone : withRange(before, range));
    }
  }

  async #takeTombstones(
    { disk, clock, turn }: TsmPorts,
    sealed: TombstoneSeal | undefined,
  ): Promise<void> {
    const { list, seal } = await readTombstones(disk, this.path, sealed);
    const { tombstones: _, ...rest } = this.#seal;
    this.#seal = seal === undefined ? rest : { ...rest, tombstones: seal };
    const slices = clock && turn && new Slices({ clock, turn });
    let count = 0;
    // One delete gives many keys the same range, which is kept once.
    let alone: readonly TimeRange[] = noRanges;
    for (const { key, minTimeNs, maxTimeNs } of list) {
      this.#hasTombstones = true;
      if (++count % atOnce === 0) await slices?.next();
      const found = this.locate(key);
      if (found === undefined) continue;
      const range = { minTimeNs, maxTimeNs };
      if (this.isCoveredWith(found, range)) {
        this.forgetKeys([found.number]);
        continue;
      }
      if (alone[0]?.minTimeNs !== minTimeNs || alone[0].maxTimeNs !== maxTimeNs) alone = [range];
      const before = this.#deleted.get(found.number);
      this.#deleted.set(found.number, before === undefined ? alone : withRange(before, range));
    }
  }

  /** Its keys of which something is left, in the order of their bytes: views that hold as long as the file is open. */
  *columns(): Generator<KeyedColumn> {
    for (const one of this.#keys.columns()) if (one !== undefined) yield one;
  }

  /** The same for whoever lets others run: undefined is a place to rest at. */
  columnsAndRests(): Iterable<KeyedColumn | undefined> {
    return this.#keys.columns();
  }

  /** The same with their numbers, of keys from one on. */
  columnsFrom(first: Uint8Array): Iterable<LocatedKey | undefined> {
    return this.#keys.columnsFrom(first);
  }

  /** The blocks of a key that may hold points within the inclusive bounds. */
  entries(key: Uint8Array, bounds: TimeBounds): readonly TsmEntry[] {
    const found = this.locate(key);
    if (found === undefined) return [];
    const { column, number } = found;
    const entries = column.entries(...column.within(bounds));
    const deleted = this.#deletedOf(number);
    return deleted.length === 0 ? entries : entries.filter((entry) => !covers(deleted, entry));
  }

  /** The block of an entry, checked, from the cache if it is there. Throws `corrupt` with path and offset. */
  block(entry: BlockPlace): Uint8Array {
    this.#assertOpen();
    if (this.#pieces !== undefined) return this.#pieces.block(entry);
    return this.checkBlock(entry, this.readSpan(entry.offset, entry.lengthBytes));
  }

  /** The same among the bytes that were read with it. */
  find(entry: BlockPlace, into: FoundBlock): FoundBlock {
    if (this.#pieces === undefined) {
      into.bytes = this.block(entry);
      into.start = 0;
      into.end = into.bytes.length;
      return into;
    }
    this.#assertOpen();
    return this.#pieces.find(entry, into);
  }

  /** Bytes of the file as they are; fewer at its end. */
  readSpan(offset: number, lengthBytes: number): Uint8Array {
    this.#assertOpen();
    const bytes = new Uint8Array(lengthBytes);
    const read = this.#file.readIntoSync(offset, bytes);
    return bytes.subarray(0, read);
  }

  /** The block at the head of `bytes`. Throws `corrupt` with path and offset when it changed since it was written. */
  checkBlock({ offset, lengthBytes }: BlockPlace, bytes: Uint8Array): Uint8Array {
    const block = bytes.subarray(blockCrcBytes, lengthBytes);
    if (isSound(bytes, block, lengthBytes)) return block;
    this.#damage ??= damagedBlock(this.path, offset);
    throw damagedBlock(this.path, offset);
  }

  /** The first damage that was met, of its index or of a block. */
  get damage(): DbError | undefined {
    return this.#damage ?? this.#pieces?.damage ?? this.#keys.damage;
  }

  /** A query may still read when its database is dropped: that ends the query, not the node. */
  #assertOpen(): void {
    if ((this.#origin ?? this).#isClosed) throw new DbError('not_found', 'shard is deleted');
  }

  /** Keeps the file readable until unpin(), even when it is retired meanwhile. */
  pin(): void {
    (this.#origin ?? this).#pinCount++;
  }

  unpin(): void {
    const file = this.#origin ?? this;
    file.#pinCount--;
    file.#closeIfUnused();
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
    this.#pieces?.close();
    await this.#close();
  }
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
  readonly blocks?: PageCache | undefined;
}

interface FoundKeys extends OpenKeys {
  readonly seal: TsmSeal;
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
): FoundKeys | undefined {
  if (directory.crc32 !== seal.directoryCrc32) return undefined;
  const pages = new PageFile(file, cache);
  const keys = new PagedKeys(pages, { directory: directory.of, indexOffset: offset });
  return { keys, seal, close: () => pages.close() };
}

/** All of them in memory. */
async function wholeKeys(
  file: DiskFile,
  { offset, seal, directory }: { readonly offset: number; readonly seal: TsmSeal | undefined; readonly directory: ReadDirectory | undefined }, // prettier-ignore
): Promise<FoundKeys> {
  const bytes = new Uint8Array(file.lengthBytes - tsmFooterBytes - offset);
  await file.readAt(offset, bytes);
  const found = {
    lengthBytes: file.lengthBytes,
    indexBytes: bytes.length,
    indexCrc32: crc32(bytes),
    ...(directory !== undefined && { directoryCrc32: directory.crc32 }),
    ...(seal?.stamps !== undefined && { stamps: seal.stamps }),
    ...(seal?.wholeRows !== undefined && { wholeRows: seal.wholeRows }),
  };
  if (seal !== undefined && found.indexCrc32 !== seal.indexCrc32)
    throw damaged(file, `the index at ${offset} is damaged`);
  const keys = TsmKeys.decode(bytes, offset);
  if (keys instanceof TsmKeys) return { seal: found, keys, close: () => file.close() };
  throw damaged(file, `the index does not add up at ${offset + keys.wrongAt}`);
}

function damaged({ path }: DiskFile, what: string): DbError {
  return new DbError('corrupt', `${path}: ${what}`);
}
