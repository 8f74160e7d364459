/**
 * Blocks of one TSM file through a cache that the shards of a worker share. What is read and held are pieces of the file as
 * they lie there, of `pieceBytes`: neighbouring blocks come with one read, whether of one key or of many, and a block that
 * was checked against its sum is not checked again as long as its piece stays.
 *
 * Invariants:
 * - a block is of the piece that it begins in, which is read on to the end of it;
 * - no byte of a block is given out before all of it was checked;
 * - a piece with a damaged block is not held: a disk that reads it right the next time is believed.
 */
import { crc32 } from 'node:zlib';
import { DbError } from '../../base/errors.ts';
import type { DiskFile } from '../../env/disk.ts';
import { PageOwner, type PageCache } from '../pages/page-cache.ts';
import { blockCrcBytes } from './tsm-format.ts';
import type { BlockPlace } from './tsm-column.ts';

/** Some microseconds of a read, and what a reader of one block has too much of. */
const pieceBytes = 32_768;
/** Of a piece besides its bytes. */
const pieceCostBytes = pieceBytes / 8 + 300;

interface Piece {
  readonly bytes: Uint8Array;
  /** A bit for each byte: set where a block begins that was checked. */
  readonly checked: Uint8Array;
}

/** A block: the bytes [start, end) of what was read with it. One serves for many blocks. */
export class FoundBlock {
  bytes: Uint8Array = new Uint8Array();
  start = 0;
  end = 0;
}

export class BlockPieces {
  readonly #file: DiskFile;
  readonly #cache: PageCache;
  readonly #owner = new PageOwner();
  /** The first that was met. */
  damage: DbError | undefined;

  constructor(file: DiskFile, cache: PageCache) {
    this.#file = file;
    this.#cache = cache;
  }

  /** The block of an entry without its sum; it stays as it is. Throws `corrupt` with path and offset. */
  block(entry: BlockPlace): Uint8Array {
    const { bytes, start, end } = this.find(entry, new FoundBlock());
    return bytes.subarray(start, end);
  }

  /** The same as a part of its piece. */
  find({ offset, lengthBytes }: BlockPlace, into: FoundBlock): FoundBlock {
    const number = Math.floor(offset / pieceBytes);
    const at = offset - number * pieceBytes;
    const { bytes, checked } = this.#piece(number, at + lengthBytes, lengthBytes);
    into.bytes = bytes;
    into.start = at + blockCrcBytes;
    into.end = at + lengthBytes;
    const [byte, bit] = [at >>> 3, 1 << (at & 7)];
    if (((checked[byte] ?? 0) & bit) !== 0) return into;
    if (!isSound(bytes.subarray(at), bytes.subarray(into.start, into.end), lengthBytes)) {
      this.#cache.remove(this.#owner, number);
      this.damage ??= damagedBlock(this.#file.path, offset);
      throw damagedBlock(this.#file.path, offset);
    }
    checked[byte] = (checked[byte] ?? 0) | bit;
    return into;
  }

  close(): void {
    this.#cache.drop(this.#owner);
  }

  #piece(number: number, endBytes: number, lengthBytes: number): Piece {
    const known = this.#owner.pages.get(number);
    if (known !== undefined) {
      const content = known.content as Piece;
      if (content.bytes.length >= endBytes) {
        known.isUsed = true;
        return content;
      }
    }
    // The last block reaches beyond: by no more, probably, than this one is long.
    const wantedBytes = Math.max(pieceBytes + lengthBytes, endBytes);
    const start = number * pieceBytes;
    const bytes = new Uint8Array(Buffer.allocUnsafeSlow(Math.max(0, Math.min(wantedBytes, this.#file.lengthBytes - start))).buffer); // prettier-ignore
    const read = this.#file.readIntoSync(start, bytes);
    const content = { bytes: bytes.subarray(0, read), checked: new Uint8Array(pieceBytes / 8) };
    // Not as if it had been used: a scan of all there is pushes itself out, and not what is asked for again.
    this.#cache.put({ owner: this.#owner, offset: number, sizeBytes: bytes.length + pieceCostBytes, content, isUsed: false }); // prettier-ignore
    return content;
  }
}

/** Whether a block is what its sum, at the head of `bytes`, was made of. */
export function isSound(bytes: Uint8Array, block: Uint8Array, lengthBytes: number): boolean {
  if (bytes.length < lengthBytes || lengthBytes < blockCrcBytes) return false;
  return crc32(block) === new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
}

export function damagedBlock(path: string, offset: number): DbError {
  return new DbError('corrupt', `${path}: the block at ${offset} is damaged`);
}
