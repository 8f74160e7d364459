import { crc32 } from 'node:zlib';
import { assert } from '../../base/assert.ts';
import { GrowingBytes, type ByteLender } from '../../base/growing-bytes.ts';
import type { DiskFile } from '../../env/disk.ts';
import type { FieldType } from '../../models/field-value.ts';
import { encodeDirectory } from './tsm-directory.ts';
import type { TsmEntry } from './tsm-column.ts';
import type { TsmSeal } from './tsm-seal.ts';
import {
  blockCrcBytes,
  indexEntryBytes,
  keyBlocksMax,
  keyBytesMax,
  tsmFooterBytes,
  tsmHeaderBytes,
  tsmMagic,
  tsmVersion,
} from './tsm-format.ts';

export interface TsmBlock {
  /** Must not change before that of another key comes. */
  readonly key: Uint8Array;
  readonly type: FieldType;
  readonly minTimeNs: bigint;
  readonly maxTimeNs: bigint;
  readonly bytes: Uint8Array;
}

/** The key at hand: it is encoded once all of its blocks have come. */
interface IndexedKey {
  readonly key: Uint8Array;
  readonly type: FieldType;
  readonly blocks: TsmEntry[];
}

const stagingBytesFirst = 1 << 16;
const stagingBytesMax = 1 << 20;

/** Writes one TSM file front to back. Blocks come in the order of keys, and of time within a key. */
export class TsmWriter {
  readonly #file: DiskFile;
  #last: IndexedKey | undefined;
  readonly #index: GrowingBytes;
  readonly #staged: GrowingBytes;
  #offset = 0;

  /** `file` is new and empty. What is lent by `lender` is given back by release(). */
  constructor(file: DiskFile, lender?: ByteLender) {
    this.#file = file;
    this.#index = new GrowingBytes(stagingBytesFirst, lender);
    this.#staged = new GrowingBytes(stagingBytesFirst, lender);
    const header = new Uint8Array(tsmHeaderBytes);
    new DataView(header.buffer).setUint32(0, tsmMagic);
    header[4] = tsmVersion;
    this.#push(header);
  }

  /** Takes a copy of the block. True once so much waits that drain() is to be called. */
  add({ key, type, minTimeNs, maxTimeNs, bytes }: TsmBlock): boolean {
    const lengthBytes = bytes.length + blockCrcBytes;
    const block = { minTimeNs, maxTimeNs, offset: this.#offset, lengthBytes };
    const order = this.#last === undefined ? -1 : Buffer.compare(this.#last.key, key);
    if (order === 0) this.#last?.blocks.push(block);
    else {
      assert(order < 0, 'keys come in order');
      this.#endKey();
      this.#last = { key, type, blocks: [block] };
    }
    const crc = crc32(bytes);
    this.#push(Uint8Array.of(crc >>> 24, crc >>> 16, crc >>> 8, crc));
    this.#push(bytes);
    return this.isFull;
  }

  /** Where the next block will be in the file. */
  get offset(): number {
    return this.#offset;
  }

  /** Whether so much waits that drain() is to be called. */
  get isFull(): boolean {
    return this.#staged.lengthBytes >= stagingBytesMax;
  }

  /** Takes copies of blocks, each behind its CRC, and of their entries in the index: of whole keys, in order. */
  addEncoded(blocks: Uint8Array, index: Uint8Array): void {
    this.#endKey();
    this.#index.push(index);
    this.#push(blocks);
  }

  /** Hands what waits to the file; answers how many bytes it was. */
  async drain(): Promise<number> {
    const staged = this.#staged.view();
    await this.#file.append([staged]);
    this.#staged.clear();
    return staged.length;
  }

  /** Writes the index, the way into it before it, and makes the file durable; the caller names it. Answers what it is. */
  async finish(): Promise<TsmSeal> {
    this.#endKey();
    const index = this.#index.view();
    const directory = encodeDirectory(index, this.#offset);
    if (directory !== undefined) {
      this.#push(directory.pages);
      this.#push(directory.footer);
    }
    const indexOffset = this.#offset;
    await this.drain();
    await this.#file.append([index]);
    const footer = new Uint8Array(tsmFooterBytes);
    new DataView(footer.buffer).setBigUint64(0, BigInt(indexOffset));
    this.#push(footer);
    await this.drain();
    await this.#file.sync();
    await this.#file.close();
    return {
      lengthBytes: indexOffset + index.length + footer.length,
      indexBytes: index.length,
      indexCrc32: crc32(index),
      ...(directory !== undefined && { directoryCrc32: crc32(directory.footer) }),
    };
  }

  /** Whether it was finished or given up: nothing of it is under way any more. */
  release(): void {
    this.#index.release();
    this.#staged.release();
  }

  #endKey(): void {
    if (this.#last !== undefined) {
      const { key, type, blocks } = this.#last;
      this.#index.push(encodeIndexKey(key, type, blocks));
    }
    this.#last = undefined;
  }

  #push(bytes: Uint8Array): void {
    this.#staged.push(bytes);
    this.#offset += bytes.length;
  }
}

/** A block as it is in a file: behind its CRC-32. */
export function summedBlock(sum: number, bytes: Uint8Array): Uint8Array {
  const block = new Uint8Array(blockCrcBytes + bytes.length);
  new DataView(block.buffer).setUint32(0, sum);
  block.set(bytes, blockCrcBytes);
  return block;
}

/** A key of the index with its blocks, which ascend in time. */
export function encodeIndexKey(
  name: Uint8Array,
  type: FieldType,
  blocks: readonly TsmEntry[],
): Uint8Array {
  assert(name.length <= keyBytesMax, 'a key fits its two bytes of length');
  assert(blocks.length <= keyBlocksMax, 'the blocks of a key fit their two bytes of count');
  const out = new Uint8Array(2 + name.length + 3 + blocks.length * indexEntryBytes);
  const view = new DataView(out.buffer);
  view.setUint16(0, name.length);
  out.set(name, 2);
  let at = 2 + name.length;
  view.setUint8(at, type);
  view.setUint16(at + 1, blocks.length);
  at += 3;
  for (const { minTimeNs, maxTimeNs, offset, lengthBytes } of blocks) {
    view.setBigInt64(at, minTimeNs);
    view.setBigInt64(at + 8, maxTimeNs);
    view.setBigInt64(at + 16, BigInt(offset));
    view.setUint32(at + 24, lengthBytes);
    at += indexEntryBytes;
  }
  return out;
}
