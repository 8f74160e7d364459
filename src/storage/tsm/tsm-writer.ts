import { crc32 } from 'node:zlib';
import { assert } from '../../base/assert.ts';
import { compareUtf8 } from '../../base/compare-utf8.ts';
import type { DiskFile } from '../../env/disk.ts';
import type { FieldType } from '../../models/field-value.ts';
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
  readonly key: string;
  readonly type: FieldType;
  readonly minTimeNs: bigint;
  readonly maxTimeNs: bigint;
  readonly bytes: Uint8Array;
}

interface IndexedKey {
  readonly key: string;
  readonly type: FieldType;
  readonly blocks: {
    readonly minTimeNs: bigint;
    readonly maxTimeNs: bigint;
    readonly offset: number;
    readonly lengthBytes: number;
  }[];
}

const stagingBytesFirst = 1 << 16;
const stagingBytesMax = 1 << 20;

/** Writes one TSM file front to back. Blocks come in the order of keys, and of time within a key. */
export class TsmWriter {
  readonly #file: DiskFile;
  readonly #keys: IndexedKey[] = [];
  #staging: Uint8Array = new Uint8Array(stagingBytesFirst);
  #stagedBytes = 0;
  #offset = 0;

  /** `file` is new and empty. */
  constructor(file: DiskFile) {
    this.#file = file;
    const header = new Uint8Array(tsmHeaderBytes);
    new DataView(header.buffer).setUint32(0, tsmMagic);
    header[4] = tsmVersion;
    this.#push(header);
  }

  /** Takes a copy of the block. True once so much waits that drain() is to be called. */
  add({ key, type, minTimeNs, maxTimeNs, bytes }: TsmBlock): boolean {
    const last: IndexedKey | undefined = this.#keys[this.#keys.length - 1];
    const lengthBytes = bytes.length + blockCrcBytes;
    const block = { minTimeNs, maxTimeNs, offset: this.#offset, lengthBytes };
    if (last?.key === key) last.blocks.push(block);
    else {
      assert(last === undefined || compareUtf8(last.key, key) < 0, 'keys come in order');
      this.#keys.push({ key, type, blocks: [block] });
    }
    const crc = crc32(bytes);
    this.#push(Uint8Array.of(crc >>> 24, crc >>> 16, crc >>> 8, crc));
    this.#push(bytes);
    return this.#stagedBytes >= stagingBytesMax;
  }

  /** Hands what waits to the file; answers how many bytes it was. */
  async drain(): Promise<number> {
    const staged = this.#staging.subarray(0, this.#stagedBytes);
    await this.#file.append([staged]);
    this.#stagedBytes = 0;
    return staged.length;
  }

  /** Writes the index and makes the file durable; the caller names it. */
  async finish(): Promise<void> {
    const indexOffset = this.#offset;
    for (const key of this.#keys) {
      this.#push(encodeKey(key));
      if (this.#stagedBytes >= stagingBytesMax) await this.drain();
    }
    const footer = new Uint8Array(tsmFooterBytes);
    new DataView(footer.buffer).setBigUint64(0, BigInt(indexOffset));
    this.#push(footer);
    await this.drain();
    await this.#file.sync();
    await this.#file.close();
  }

  #push(bytes: Uint8Array): void {
    const needed = this.#stagedBytes + bytes.length;
    if (needed > this.#staging.length) {
      const grown = new Uint8Array(Math.max(needed, this.#staging.length * 2));
      grown.set(this.#staging.subarray(0, this.#stagedBytes));
      this.#staging = grown;
    }
    this.#staging.set(bytes, this.#stagedBytes);
    this.#stagedBytes = needed;
    this.#offset += bytes.length;
  }
}

function encodeKey({ key, type, blocks }: IndexedKey): Uint8Array {
  const name = new TextEncoder().encode(key);
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
