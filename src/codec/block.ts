import { compressSync } from 'snappy';
import { DbError } from '../base/errors.ts';
import { GrowingBytes } from '../base/growing-bytes.ts';
import { FieldType } from '../models/field-value.ts';
import type { BatchColumn, TextColumn } from '../models/point-batch.ts';
import { ByteReader, joinBytes, putUvarint } from './bytes.ts';
import { decodeFloats, encodeFloats } from './floats.ts';
import { decodeIntegers, encodeIntegers } from './integers.ts';
import { wordCounts } from './simple8b.ts';
import { unpackSnappy } from './snappy.ts';
import { decodeTimes, encodeTimes } from './times.ts';

/**
 * A TSM block: type, length of the times, times, values (spec 7.2). The reference reads what is written here, and the
 * other way round. Types are the codes of FieldType.
 */
export interface Block {
  readonly type: FieldType;
  readonly timesNs: BigInt64Array;
  readonly values: BatchColumn;
}

const bitPacked = 1;
const snappy = 1;

/** `times` are those of the block encoded already, as fields of one series share them. Numbers are packed quickly or closely. */
export function encodeBlock(
  { type, timesNs, values }: Block,
  times: Uint8Array = encodeTimes(timesNs),
  isClose = false,
): Uint8Array {
  const head: number[] = [type];
  putUvarint(head, BigInt(times.length));
  return joinBytes(head, times, encodeValues(type, values, isClose));
}

/** Throws `corrupt` on anything that is no block. `count` is how many values the caller knows it to have, if it does. */
export function decodeBlock(bytes: Uint8Array): Block {
  const reader = new ByteReader(bytes);
  const type = reader.u8();
  if (type > FieldType.unsigned) throw new DbError('corrupt', `unknown block type ${type}`);
  const times = reader.take(reader.count());
  const rest = reader.rest();
  const count = countOf(times);
  const timesNs = decodeTimes(times, count);
  return { type: type as FieldType, timesNs, values: decodeValues(type as FieldType, rest, count) };
}

/** How many times are encoded. */
function countOf(times: Uint8Array): number {
  const reader = new ByteReader(times);
  const kind = reader.u8() >>> 4;
  if (kind === 0) return (times.length - 1) / 8;
  reader.u64();
  if (kind === 2) {
    reader.uvarint();
    return reader.count();
  }
  let count = 1;
  for (let at = 9; at + 8 <= times.length; at += 8)
    count += wordCounts[(times[at] ?? 0) >>> 4] ?? 0;
  return count;
}

function encodeValues(type: FieldType, values: BatchColumn, isClose: boolean): Uint8Array {
  if ('offsets' in values) return encodeTexts(values);
  switch (type) {
    case FieldType.float:
      return encodeFloats(values as Float64Array, isClose);
    case FieldType.integer:
      return encodeIntegers(values as BigInt64Array, isClose);
    case FieldType.unsigned: {
      const { buffer, byteOffset, length } = values;
      return encodeIntegers(new BigInt64Array(buffer as ArrayBuffer, byteOffset, length), isClose);
    }
    case FieldType.boolean:
      return encodeBooleans(values as Uint8Array);
    case FieldType.string:
      throw new DbError('internal', 'a string column has offsets');
  }
}

function decodeValues(type: FieldType, bytes: Uint8Array, count: number): BatchColumn {
  switch (type) {
    case FieldType.float:
      return decodeFloats(bytes, count);
    case FieldType.integer:
      return decodeIntegers(bytes, count);
    case FieldType.unsigned:
      return new BigUint64Array(decodeIntegers(bytes, count).buffer);
    case FieldType.boolean:
      return decodeBooleans(bytes, count);
    case FieldType.string:
      return decodeTexts(bytes, count);
  }
}

function encodeBooleans(values: Uint8Array): Uint8Array {
  const head: number[] = [bitPacked << 4];
  putUvarint(head, BigInt(values.length));
  const packed = new Uint8Array((values.length + 7) >>> 3);
  values.forEach((value, i) => {
    if (value !== 0) packed[i >>> 3] = (packed[i >>> 3] ?? 0) | (128 >>> (i & 7));
  });
  return joinBytes(head, packed);
}

function decodeBooleans(bytes: Uint8Array, count: number): Uint8Array {
  const reader = new ByteReader(bytes);
  if (reader.u8() >>> 4 !== bitPacked || reader.count() !== count)
    throw new DbError('corrupt', 'a boolean block does not add up');
  const packed = reader.take((count + 7) >>> 3);
  return Uint8Array.from(
    { length: count },
    (_, i) => ((packed[i >>> 3] ?? 0) >>> (7 - (i & 7))) & 1,
  );
}

function encodeTexts({ offsets, bytes }: TextColumn): Uint8Array {
  const plain = new GrowingBytes();
  for (let i = 0; i + 1 < offsets.length; i++) {
    const text = bytes.subarray(offsets[i], offsets[i + 1]);
    plain.varint(text.length);
    plain.push(text);
  }
  const { buffer, byteOffset, length } = plain.view();
  return joinBytes([snappy << 4], compressSync(Buffer.from(buffer, byteOffset, length)));
}

function decodeTexts(bytes: Uint8Array, count: number): TextColumn {
  if ((bytes[0] ?? 0) >>> 4 !== snappy) throw new DbError('corrupt', 'unknown encoding of strings');
  const plain = unpackSnappy(bytes.subarray(1), 'a string block');
  const reader = new ByteReader(plain);
  const offsets = new Uint32Array(count + 1);
  const out = new Uint8Array(plain.length);
  for (let i = 0; i < count; i++) {
    const length = Number(reader.uvarint());
    out.set(reader.take(length), offsets[i]);
    offsets[i + 1] = (offsets[i] ?? 0) + length;
  }
  return { offsets, bytes: out.subarray(0, offsets[count]) };
}
