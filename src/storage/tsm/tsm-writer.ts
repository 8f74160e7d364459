import { crc32 } from 'node:zlib';
import { assert } from '../../base/assert.ts';
import { compareUtf8 } from '../../base/compare-utf8.ts';
import type { DiskFile } from '../../env/disk.ts';
import type { FieldType } from '../../models/field-value.ts';
import {
  blockCrcBytes,
  indexEntryBytes,
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

const bufferBytesMax = 1 << 20;

/** Writes one TSM file front to back. Blocks come in the order of keys, and of time within a key. */
export class TsmWriter {
  readonly #file: DiskFile;
  readonly #keys: IndexedKey[] = [];
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #offset = 0;

  /** `file` is new and empty. */
  constructor(file: DiskFile) {
    this.#file = file;
    const header = new Uint8Array(tsmHeaderBytes);
    new DataView(header.buffer).setUint32(0, tsmMagic);
    header[4] = tsmVersion;
    this.#push(header);
  }

  async add({ key, type, minTimeNs, maxTimeNs, bytes }: TsmBlock): Promise<void> {
    const last: IndexedKey | undefined = this.#keys[this.#keys.length - 1];
    const lengthBytes = bytes.length + blockCrcBytes;
    const block = { minTimeNs, maxTimeNs, offset: this.#offset, lengthBytes };
    if (last?.key === key) last.blocks.push(block);
    else {
      assert(last === undefined || compareUtf8(last.key, key) < 0, 'keys come in order');
      this.#keys.push({ key, type, blocks: [block] });
    }
    const crc = new Uint8Array(blockCrcBytes);
    new DataView(crc.buffer).setUint32(0, crc32(bytes));
    this.#push(crc);
    this.#push(bytes);
    if (this.#waitingBytes >= bufferBytesMax) await this.#drain();
  }

  /** Writes the index and makes the file durable; the caller names it. */
  async finish(): Promise<void> {
    const indexOffset = this.#offset;
    for (const key of this.#keys) {
      this.#push(encodeKey(key));
      if (this.#waitingBytes >= bufferBytesMax) await this.#drain();
    }
    const footer = new Uint8Array(tsmFooterBytes);
    new DataView(footer.buffer).setBigUint64(0, BigInt(indexOffset));
    this.#push(footer);
    await this.#drain();
    await this.#file.sync();
    await this.#file.close();
  }

  #push(bytes: Uint8Array): void {
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    this.#offset += bytes.length;
  }

  async #drain(): Promise<void> {
    const parts = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    await this.#file.append(parts);
  }
}

function encodeKey({ key, type, blocks }: IndexedKey): Uint8Array {
  const name = new TextEncoder().encode(key);
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
