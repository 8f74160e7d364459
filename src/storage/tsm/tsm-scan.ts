/**
 * A TSM file of whoever wrote it, read front to back for tools that look at files: key by key, its index never whole in
 * memory, keys as the bytes they are.
 *
 * Invariants:
 * - What is handed out adds up: lengths, places of blocks, the order of keys. The first thing that does not is `corrupt`,
 *   with path and offset.
 * - A key of which tombstones leave nothing is passed over, as a reader of the shard would, but for the summary.
 *
 * Not here: reading for queries, which wants keys at random (tsm-file.ts).
 */
import { crc32 } from 'node:zlib';
import { exactTextOf } from '../../base/exact-text.ts';
import { DbError, errorText } from '../../base/errors.ts';
import { decodeBlock, type Block } from '../../codec/block.ts';
import type { Disk, DiskFile } from '../../env/disk.ts';
import { FieldType } from '../../models/field-value.ts';
import { covers, withRange } from './deleted-ranges.ts';
import type { PageCache } from '../pages/page-cache.ts';
import { PageFile } from '../pages/page-file.ts';
import { FilePieces } from './file-pieces.ts';
import { readTombstones, type TimeRange } from './tombstones.ts';
import type { TsmEntry } from './tsm-column.ts';
import type { TsmSeal } from './tsm-seal.ts';
import { blockCrcBytes, indexEntryBytes, keyTailBytes, tsmFooterBytes, tsmHeaderBytes, tsmMagic, tsmVersion } from './tsm-format.ts'; // prettier-ignore

export interface ScannedKey {
  readonly key: Uint8Array;
  readonly type: FieldType;
  /** At least one; ascending in time as the writer had them. */
  readonly entries: readonly TsmEntry[];
  /** What of it is deleted. */
  readonly deleted: readonly TimeRange[];
}

/** A block as it is in the file, whether or not its sum is right. */
export interface ScannedBlock {
  readonly storedCrc32: number;
  readonly crc32: number;
  readonly bytes: Uint8Array;
}

interface IndexPlace {
  readonly indexAt: number;
  /** Where the tail begins when left out. */
  readonly indexEnd?: number;
}

export interface TsmSummary extends TimeRange {
  readonly keyCount: number;
}

/** A thousand texts of 64 KiB are less: a length beyond it is damage, and not worth the memory. */
const blockBytesMax = 256 << 20;
const sealPieceBytes = 1 << 18;

export class TsmScan {
  readonly path: string;
  readonly lengthBytes: number;
  readonly #file: DiskFile;
  /** Where the index begins, and the blocks end. */
  readonly #indexAt: number;
  readonly #indexEnd: number;
  readonly #deleted: ReadonlyMap<string, readonly TimeRange[]>;

  private constructor(
    file: DiskFile,
    { indexAt, indexEnd = file.lengthBytes - tsmFooterBytes }: IndexPlace,
    deleted: ReadonlyMap<string, readonly TimeRange[]>,
  ) {
    this.path = file.path;
    this.lengthBytes = file.lengthBytes;
    this.#file = file;
    this.#indexAt = indexAt;
    this.#indexEnd = indexEnd;
    this.#deleted = deleted;
  }

  /** Throws `not_found`, `corrupt` or `unsupported_version` with the path. */
  static async open(disk: Disk, path: string): Promise<TsmScan> {
    const file = await disk.open(path, 'read');
    try {
      const indexAt = await findIndex(file);
      return new TsmScan(file, { indexAt }, await deletedOf(disk, path));
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /**
   * The same without its tombstones. With a seal head, tail and length may be wrong: its index is where it was when it was written.
   * Throws `corrupt` where the file ends before.
   */
  static async openBare(disk: Disk, path: string, seal: TsmSeal | undefined): Promise<TsmScan> {
    const file = await disk.open(path, 'read');
    try {
      if (seal === undefined)
        return new TsmScan(file, { indexAt: await findIndex(file) }, new Map());
      const indexEnd = seal.lengthBytes - tsmFooterBytes;
      if (file.lengthBytes >= indexEnd)
        return new TsmScan(file, { indexAt: indexEnd - seal.indexBytes, indexEnd }, new Map());
      throw new DbError('corrupt', `${path}: ${file.lengthBytes} bytes long, was written with ${seal.lengthBytes}`); // prettier-ignore
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** Whether length and index are those that the file was written with. Reads the whole index. Throws as `open` does. */
  static async isFileSealed(disk: Disk, path: string, seal: TsmSeal): Promise<boolean> {
    const scan = await TsmScan.open(disk, path);
    try {
      return await scan.#isSealed(seal);
    } finally {
      await scan.close();
    }
  }

  /** Of its index. */
  get indexAt(): number {
    return this.#indexAt;
  }

  get indexBytes(): number {
    return this.#indexEnd - this.#indexAt;
  }

  /** Whether any of it is deleted. */
  get hasTombstones(): boolean {
    return this.#deleted.size > 0;
  }

  /** In the order of the keys' bytes. Throws `corrupt` where the index does not add up. */
  async *keys(): AsyncGenerator<ScannedKey> {
    for await (const scanned of this.#allKeys()) if (!isGone(scanned)) yield scanned;
  }

  /** Those of which nothing is left too. */
  #allKeys(): AsyncGenerator<ScannedKey> {
    return this.keysBetween(this.#indexAt, this.#indexEnd);
  }

  /** The same of [start, end) of the file, where whole keys are. */
  async *keysBetween(start: number, end: number): AsyncGenerator<ScannedKey> {
    const pieces = new FilePieces(this.#file, end);
    let before: Uint8Array | undefined;
    for (let at = start; at < end;) {
      const { scanned, end: next } = await this.#keyAt(pieces, at);
      if (before !== undefined && Buffer.compare(before, scanned.key) >= 0)
        throw this.#wrongAt(at, 'keys are not in order');
      before = scanned.key;
      at = next;
      yield scanned;
    }
  }

  /**
   * Reads the whole index. As the reference sums it up: times are those of all keys, the gone ones too, and the greatest one
   * is 1970 at least. The least time is above the greatest one in a file without keys.
   */
  async summary(): Promise<TsmSummary> {
    let keyCount = 0;
    let [minTimeNs, maxTimeNs] = [2n ** 63n - 1n, 0n];
    for await (const scanned of this.#allKeys()) {
      if (!isGone(scanned)) keyCount++;
      for (const entry of scanned.entries) {
        if (entry.minTimeNs < minTimeNs) minTimeNs = entry.minTimeNs;
        if (entry.maxTimeNs > maxTimeNs) maxTimeNs = entry.maxTimeNs;
      }
    }
    return { keyCount, minTimeNs, maxTimeNs };
  }

  /** Bytes of the file as they are; fewer at its end. */
  async bytes(offset: number, lengthBytes: number): Promise<Uint8Array> {
    const read = new Uint8Array(lengthBytes);
    return read.subarray(0, await this.#file.readAt(offset, read));
  }

  /** Its pages, of the table that leads into the index. */
  pages(cache: PageCache): PageFile {
    return new PageFile(this.#file, cache);
  }

  /** Whether the index is what it was when the file was written, whatever the rest is. */
  async hasIndexOf(seal: TsmSeal): Promise<boolean> {
    return this.#isSealed({ ...seal, lengthBytes: this.lengthBytes });
  }

  async #isSealed(seal: TsmSeal): Promise<boolean> {
    const pieces = new FilePieces(this.#file, this.#indexEnd);
    let sum = 0;
    for (let at = this.#indexAt; at < this.#indexEnd; at += sealPieceBytes)
      sum = crc32(await pieces.at(at, sealPieceBytes), sum);
    const { lengthBytes, indexBytes, indexCrc32 } = seal;
    return lengthBytes === this.lengthBytes && indexBytes === this.indexBytes && indexCrc32 === sum;
  }

  async block({ offset, lengthBytes }: TsmEntry): Promise<ScannedBlock> {
    if (lengthBytes > blockBytesMax)
      throw this.#wrongAt(offset, `a block of ${lengthBytes} bytes is beyond ${blockBytesMax}`);
    const read = new Uint8Array(lengthBytes);
    const whole = read.subarray(0, await this.#file.readAt(offset, read));
    if (whole.length < lengthBytes) throw this.#wrongAt(offset, 'a block is cut short');
    const bytes = whole.subarray(blockCrcBytes);
    const storedCrc32 = new DataView(whole.buffer).getUint32(0);
    return { storedCrc32, crc32: crc32(bytes), bytes };
  }

  /** Its values. Throws `corrupt` with path and offset for a block whose sum is wrong, or that does not decode. */
  async values(entry: TsmEntry): Promise<Block> {
    const { storedCrc32, crc32: sum, bytes } = await this.block(entry);
    if (storedCrc32 !== sum) throw this.#wrongAt(entry.offset, 'the block is damaged');
    return this.decode(entry, bytes);
  }

  /** The values of a block whatever its sum says. Throws `corrupt` with path and offset for what does not decode. */
  decode(entry: TsmEntry, bytes: Uint8Array): Block {
    try {
      const block = decodeBlock(bytes);
      if (block.timesNs.length > 0) return block;
    } catch (error) {
      // Lengths that a block says of itself may be no lengths at all: a RangeError is damage as well.
      throw this.#wrongAt(entry.offset, errorText(error));
    }
    throw this.#wrongAt(entry.offset, 'a block without values');
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  async #keyAt(
    pieces: FilePieces,
    at: number,
  ): Promise<{ readonly scanned: ScannedKey; readonly end: number }> {
    const keyBytes = viewOf(await this.#whole(pieces, at, 2)).getUint16(0);
    const head = await this.#whole(pieces, at + 2, keyBytes + keyTailBytes);
    const type = head[keyBytes] ?? 0;
    const count = viewOf(head).getUint16(keyBytes + 1);
    if (type > FieldType.unsigned) throw this.#wrongAt(at, `unknown type ${type}`);
    if (count === 0) throw this.#wrongAt(at, 'a key without blocks');
    const first = at + 2 + keyBytes + keyTailBytes;
    const end = first + count * indexEntryBytes;
    const entries = this.#entriesOf(await this.#whole(pieces, first, end - first), first);
    const key = head.slice(0, keyBytes);
    const deleted = this.#deleted.size === 0 ? [] : (this.#deleted.get(exactTextOf(key)) ?? []);
    return { scanned: { key, type: type as FieldType, entries, deleted }, end };
  }

  #entriesOf(bytes: Uint8Array, at: number): readonly TsmEntry[] {
    const view = viewOf(bytes);
    const entries: TsmEntry[] = [];
    for (let i = 0; i < bytes.length; i += indexEntryBytes) {
      const [minTimeNs, maxTimeNs] = [view.getBigInt64(i), view.getBigInt64(i + 8)];
      const offset = Number(view.getBigInt64(i + 16));
      const lengthBytes = view.getUint32(i + 24);
      const isWithin = offset >= tsmHeaderBytes && offset + lengthBytes <= this.#indexAt;
      if (!isWithin || lengthBytes <= blockCrcBytes)
        throw this.#wrongAt(at + i, 'a block is not where the index says');
      entries.push({ minTimeNs, maxTimeNs, offset, lengthBytes });
    }
    return entries;
  }

  async #whole(pieces: FilePieces, at: number, lengthBytes: number): Promise<Uint8Array> {
    const bytes = await pieces.at(at, lengthBytes);
    if (bytes.length < lengthBytes) throw this.#wrongAt(at, 'the index does not add up');
    return bytes;
  }

  #wrongAt(offset: number, what: string): DbError {
    return new DbError('corrupt', `${this.path}: ${what}, at ${offset}`);
  }
}

/** Where the index begins. */
async function findIndex(file: DiskFile): Promise<number> {
  const damaged = (what: string) => new DbError('corrupt', `${file.path}: ${what}`);
  if (file.lengthBytes < tsmHeaderBytes + tsmFooterBytes) throw damaged('too short for a TSM file');
  const header = new Uint8Array(tsmHeaderBytes);
  await file.readAt(0, header);
  if (viewOf(header).getUint32(0) !== tsmMagic) throw damaged('not a TSM file, at 0');
  if (header[4] !== tsmVersion)
    throw new DbError('unsupported_version', `${file.path}: TSM version ${header[4]}`);
  const end = file.lengthBytes - tsmFooterBytes;
  const footer = new Uint8Array(tsmFooterBytes);
  await file.readAt(end, footer);
  const offset = viewOf(footer).getBigUint64(0);
  if (offset < tsmHeaderBytes || offset > end)
    throw damaged(`the index is not where the tail says, at ${end}`);
  return Number(offset);
}

async function deletedOf(
  disk: Disk,
  path: string,
): Promise<ReadonlyMap<string, readonly TimeRange[]>> {
  const deleted = new Map<string, readonly TimeRange[]>();
  for (const { key, ...range } of (await readTombstones(disk, path)).list) {
    const text = exactTextOf(key);
    deleted.set(text, withRange(deleted.get(text) ?? [], range));
  }
  return deleted;
}

function isGone({ entries, deleted }: ScannedKey): boolean {
  if (deleted.length === 0) return false;
  const [first, last] = [entries[0], entries.at(-1)];
  const bounds = first && last && { minTimeNs: first.minTimeNs, maxTimeNs: last.maxTimeNs };
  return bounds !== undefined && covers(deleted, bounds);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
