/**
 * A segment of a real influxd's write-ahead log (`_00001.wal`), entry by entry in the order they were written. An entry is a
 * kind (1 write, 2 delete, 3 delete of a range), the length of what follows as u32, and that, packed by snappy. All numbers
 * are big-endian.
 *
 * - write: per key its type (1 float, 2 integer, 3 boolean, 4 string, 5 unsigned), length u16, the key, count u32, and that
 *   many times with their values; texts have a length u32.
 * - delete: keys with newlines between them. Delete of a range: least and greatest time, then keys behind their length u32.
 *
 * Invariants:
 * - Keys are the bytes they are, as texts of one character a byte.
 * - Memory is bounded by the longest entry, which is bounded by name.
 * - The first entry that is not whole ends the segment, as it does for influxd: it is told, with path and offset.
 */
import { DbError, isDbError } from '../../base/errors.ts';
import { unpackSnappy } from '../../codec/snappy.ts';
import type { Disk } from '../../env/disk.ts';
import { FieldType } from '../../models/field-value.ts';
import type { BatchColumn } from '../../models/point-batch.ts';
import { emptyColumn, gatherTexts } from '../engine/columns/column-run.ts';
import { FilePieces } from '../tsm/file-pieces.ts';

export type InfluxLogEntry =
  | {
      readonly kind: 'write';
      readonly plainBytes: number;
      readonly values: readonly InfluxLogValues[];
    }
  | { readonly kind: 'delete'; readonly plainBytes: number; readonly keys: readonly string[] }
  | {
      readonly kind: 'delete-range';
      readonly plainBytes: number;
      readonly keys: readonly string[];
      readonly minTimeNs: bigint;
      readonly maxTimeNs: bigint;
    };

/** Of one key, in the order they came. */
export interface InfluxLogValues {
  readonly key: string;
  readonly type: FieldType;
  readonly timesNs: BigInt64Array;
  readonly values: BatchColumn;
}

export interface InfluxLogEnd {
  /** Of the first byte that is of no whole entry; the length of the file when all are. */
  readonly offset: number;
  /** What is wrong there. */
  readonly damage: DbError | undefined;
}

const headBytes = 5;
/** A body of 25 MB makes no entry as long, packed. */
const entryBytesMax = 256 << 20;
const segmentPattern = /^_(\d+)\.wal$/;
const kinds = { write: 1, delete: 2, deleteRange: 3 } as const;
const types: Readonly<Record<number, FieldType>> = {
  1: FieldType.float,
  2: FieldType.integer,
  3: FieldType.boolean,
  4: FieldType.string,
  5: FieldType.unsigned,
};

export function isInfluxSegment(name: string): boolean {
  return segmentPattern.test(name);
}

/** Hands out whole entries; resolves with how the segment ends. Throws what the disk says. */
export async function readInfluxSegment(
  disk: Disk,
  path: string,
  onEntry: (entry: InfluxLogEntry, offset: number) => Promise<void> | void,
): Promise<InfluxLogEnd> {
  const file = await disk.open(path, 'read');
  try {
    const pieces = new FilePieces(file);
    let offset = 0;
    while (offset < file.lengthBytes) {
      const found = await entryAt(pieces, offset);
      if (found instanceof DbError) {
        const damage = new DbError('corrupt', `${path}: ${found.message}, at ${offset}`);
        return { offset, damage };
      }
      await onEntry(found.entry, offset);
      offset = found.end;
    }
    return { offset, damage: undefined };
  } finally {
    await file.close();
  }
}

async function entryAt(
  pieces: FilePieces,
  offset: number,
): Promise<DbError | { readonly entry: InfluxLogEntry; readonly end: number }> {
  const head = await pieces.at(offset, headBytes);
  if (head.length < headBytes) return new DbError('corrupt', 'an entry is cut short');
  const [kind = 0] = head;
  const lengthBytes = viewOf(head).getUint32(1);
  if (lengthBytes > entryBytesMax)
    return new DbError('corrupt', `an entry of ${lengthBytes} bytes is beyond ${entryBytesMax}`);
  const packed = await pieces.at(offset + headBytes, lengthBytes);
  if (packed.length < lengthBytes) return new DbError('corrupt', 'an entry is cut short');
  try {
    const entry = decodeInfluxEntry(kind, unpackSnappy(packed, 'an entry'));
    return { entry, end: offset + headBytes + lengthBytes };
  } catch (error) {
    if (isDbError(error, 'corrupt')) return error;
    throw error;
  }
}

/** Throws `corrupt`. */
function decodeInfluxEntry(kind: number, plain: Uint8Array): InfluxLogEntry {
  const plainBytes = plain.length;
  switch (kind) {
    case kinds.write:
      return { kind: 'write', plainBytes, values: decodeWrite(new EntryReader(plain)) };
    case kinds.delete: {
      const keys = plainBytes === 0 ? [] : binaryText(plain).split('\n');
      // The reference counts a newline behind the last key too.
      return { kind: 'delete', plainBytes: plainBytes === 0 ? 0 : plainBytes + 1, keys };
    }
    case kinds.deleteRange: {
      const reader = new EntryReader(plain);
      const [minTimeNs, maxTimeNs] = [reader.i64(), reader.i64()];
      const keys: string[] = [];
      while (!reader.isAtEnd) keys.push(binaryText(reader.take(reader.u32())));
      return { kind: 'delete-range', plainBytes, keys, minTimeNs, maxTimeNs };
    }
  }
  throw new DbError('corrupt', `unknown kind of entry ${kind}`);
}

function decodeWrite(reader: EntryReader): readonly InfluxLogValues[] {
  // Of a key that is there twice the later values count, as for influxd.
  const byKey = new Map<string, InfluxLogValues>();
  while (!reader.isAtEnd) {
    const code = reader.u8();
    const type = types[code];
    if (type === undefined) throw new DbError('corrupt', `unknown type of values ${code}`);
    const key = binaryText(reader.take(reader.u16()));
    const count = reader.u32();
    if (count === 0 || count > reader.leftBytes) throw cutShort();
    byKey.set(key, { key, type, ...decodeValues(reader, type, count) });
  }
  return [...byKey.values()];
}

function decodeValues(
  reader: EntryReader,
  type: FieldType,
  count: number,
): Pick<InfluxLogValues, 'timesNs' | 'values'> {
  const timesNs = new BigInt64Array(count);
  if (type === FieldType.string) {
    const texts: Uint8Array[] = [];
    for (let i = 0; i < count; i++) {
      timesNs[i] = reader.i64();
      texts.push(reader.take(reader.u32()));
    }
    return { timesNs, values: gatherTexts(count, (i) => texts[i]!) };
  }
  const values = emptyColumn(type, count);
  for (let i = 0; i < count; i++) {
    timesNs[i] = reader.i64();
    if (values instanceof Float64Array) values[i] = reader.f64();
    else if (values instanceof BigInt64Array) values[i] = reader.i64();
    else if (values instanceof BigUint64Array) values[i] = BigInt.asUintN(64, reader.i64());
    else values[i] = Number(reader.u8() === 1);
  }
  return { timesNs, values };
}

/** Every step throws `corrupt` past the end. */
class EntryReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = viewOf(bytes);
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  get leftBytes(): number {
    return this.#bytes.length - this.#at;
  }

  u8(): number {
    return this.#view.getUint8(this.#skip(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#skip(2));
  }

  u32(): number {
    return this.#view.getUint32(this.#skip(4));
  }

  i64(): bigint {
    return this.#view.getBigInt64(this.#skip(8));
  }

  f64(): number {
    return this.#view.getFloat64(this.#skip(8));
  }

  take(lengthBytes: number): Uint8Array {
    const at = this.#skip(lengthBytes);
    return this.#bytes.subarray(at, at + lengthBytes);
  }

  #skip(lengthBytes: number): number {
    if (lengthBytes > this.leftBytes) throw cutShort();
    this.#at += lengthBytes;
    return this.#at - lengthBytes;
  }
}

function cutShort(): DbError {
  return new DbError('corrupt', 'an entry does not add up');
}

function binaryText(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
