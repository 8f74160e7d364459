import { crc32 } from 'node:zlib';
import { DbError } from '../../base/errors.ts';
import { decodeBlock, type Block } from '../../codec/block.ts';
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
  readonly entries: readonly TsmEntry[];
}

/** An open TSM file, its index in memory. Blocks are read when they are asked for, and checked. */
export class TsmFile {
  readonly path: string;
  readonly #file: DiskFile;
  readonly #keys: ReadonlyMap<string, TsmKey>;

  private constructor(file: DiskFile, keys: ReadonlyMap<string, TsmKey>) {
    this.path = file.path;
    this.#file = file;
    this.#keys = keys;
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

  entries(key: string): readonly TsmEntry[] {
    return this.#keys.get(key)?.entries ?? [];
  }

  /** Throws `corrupt` with path and offset when the bytes have changed since they were written. */
  readBlock({ offset, lengthBytes }: TsmEntry): Block {
    const bytes = new Uint8Array(lengthBytes);
    const read = this.#file.readIntoSync(offset, bytes);
    const crc = new DataView(bytes.buffer).getUint32(0);
    const block = bytes.subarray(blockCrcBytes);
    if (read !== lengthBytes || crc32(block) !== crc)
      throw new DbError('corrupt', `${this.path}: the block at ${offset} is damaged`);
    return decodeBlock(block);
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
