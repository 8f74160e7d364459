/**
 * Points that are scattered, in few bytes for the way between owners. Each (series, field) that has some is a column: how far its
 * times are apart, in multiples of what divides all of them, and its values. Both are deflated, apart from each other: distances
 * are small numbers, values mostly noise.
 *
 * Layout: varint length of the deflated columns, these, the deflated values. A column: varint series (0 for one not seen yet, whose
 * key then follows), field, type, varint count, and the times: divisor, first (since that of the column before), distances.
 * Order is kept but for values of one column that another column parts: these must not be of one time.
 */
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { DbError } from '../../../base/errors.ts';
import { BytesCursor, GrowingBytes } from '../../../base/growing-bytes.ts';
import { exactBytesOf, exactTextOf } from '../../../base/exact-text.ts';
import { FieldType, type FieldValue } from '../../../models/field-value.ts';
import { parseSeriesKey } from '../../../models/parse-series-key.ts';
import { PointBatchBuilder } from '../../../models/point-batch-builder.ts';
import { valuesOf } from './batch-values.ts';

interface Column {
  readonly key: string;
  readonly field: string;
  readonly type: FieldValue['type'];
  readonly timesNs: bigint[];
  readonly values: FieldValue[];
}

const typeNames = ['float', 'integer', 'boolean', 'string', 'unsigned'] as const;
/** Texts of a batch are some MiB at most. */
const unpackedBytesMax = 1 << 28;

/** Of a point batch. */
export function packPoints(payload: Uint8Array): Uint8Array {
  const [columns, values] = [new GrowingBytes(), new GrowingBytes()];
  const series = new Map<string, number>();
  let lastNs = 0n;
  for (const column of columnsOf(payload)) {
    const known = series.get(column.key) ?? 0;
    columns.varint(known);
    if (known === 0) {
      series.set(column.key, series.size + 1);
      pushText(columns, column.key);
    }
    pushText(columns, column.field);
    columns.u8(FieldType[column.type]);
    columns.varint(column.timesNs.length);
    pushTimes(columns, column.timesNs, lastNs);
    lastNs = column.timesNs[0] ?? lastNs;
    for (const value of column.values) pushValue(values, value);
  }
  const head = deflateRawSync(columns.view());
  const packed = new GrowingBytes();
  packed.varint(head.length);
  packed.push(head);
  packed.push(deflateRawSync(values.view()));
  return packed.view().slice();
}

/** As a point batch without a stamp. Throws `corrupt`. */
export function unpackPoints(packed: Uint8Array): Uint8Array {
  const whole = new BytesCursor(packed);
  const columns = new BytesCursor(inflated(whole.take(whole.varint())));
  const values = new BytesCursor(inflated(packed.subarray(whole.at)));
  const builder = new PointBatchBuilder();
  const keys: string[] = [];
  let lastNs = 0n;
  while (columns.at < columns.bytes.length) {
    const series = columns.varint();
    if (series === 0) keys.push(takeText(columns));
    const key = keys[series === 0 ? keys.length - 1 : series - 1];
    const field = takeText(columns);
    const type = typeNames[columns.u8()];
    const count = columns.varint();
    if (key === undefined || type === undefined || count > columns.bytes.length || whole.isOver) throw damaged(); // prettier-ignore
    const { measurement } = parseSeriesKey(key);
    const timesNs = takeTimes(columns, count, lastNs);
    lastNs = timesNs[0] ?? lastNs;
    for (const timeNs of timesNs) {
      const value = takeValue(values, type);
      builder.add(key, { measurement, tags: [], fields: new Map([[field, value]]), timeNs });
    }
    if (columns.isOver || values.isOver) throw damaged();
  }
  return builder.finish();
}

function columnsOf(payload: Uint8Array): readonly Column[] {
  const columns = new Map<string, Column>();
  for (const { key, field, timeNs, value } of valuesOf(payload)) {
    const name = JSON.stringify([key, field, value.type]);
    const column = columns.get(name) ?? { key, field, type: value.type, timesNs: [], values: [] };
    columns.set(name, column);
    column.timesNs.push(timeNs);
    column.values.push(value);
  }
  return [...columns.values()];
}

function pushTimes(bytes: GrowingBytes, timesNs: readonly bigint[], lastNs: bigint): void {
  const distances = timesNs.map((timeNs, i) => timeNs - (timesNs[i - 1] ?? timeNs)).slice(1);
  const divisor = distances.reduce(commonDivisor, 0n) || 1n;
  pushBig(bytes, divisor);
  pushSigned(bytes, (timesNs[0] ?? 0n) - lastNs);
  for (const distance of distances) pushSigned(bytes, distance / divisor);
}

function takeTimes(cursor: BytesCursor, count: number, lastNs: bigint): readonly bigint[] {
  const divisor = takeBig(cursor);
  const timesNs: bigint[] = [];
  let timeNs = BigInt.asIntN(64, lastNs + takeSigned(cursor));
  for (let i = 0; i < count; i++) {
    if (i > 0) timeNs = BigInt.asIntN(64, timeNs + takeSigned(cursor) * divisor);
    timesNs.push(timeNs);
  }
  return timesNs;
}

function pushValue(bytes: GrowingBytes, value: FieldValue): void {
  switch (value.type) {
    case 'float':
      bytes.push(new Uint8Array(Float64Array.of(value.value).buffer));
      return;
    case 'boolean':
      bytes.u8(Number(value.value));
      return;
    case 'string':
      pushText(bytes, value.value);
      return;
    default:
      pushSigned(bytes, BigInt.asIntN(64, value.value));
  }
}

function takeValue(cursor: BytesCursor, type: FieldValue['type']): FieldValue {
  switch (type) {
    case 'float': {
      const bytes = cursor.take(8);
      const value = bytes.length === 8 ? (new Float64Array(bytes.slice().buffer)[0] ?? 0) : 0;
      return { type, value };
    }
    case 'boolean':
      return { type, value: cursor.u8() !== 0 };
    case 'string':
      return { type, value: takeText(cursor) };
    case 'integer':
      return { type, value: BigInt.asIntN(64, takeSigned(cursor)) };
    case 'unsigned':
      return { type, value: BigInt.asUintN(64, takeSigned(cursor)) };
  }
}

function pushText(bytes: GrowingBytes, text: string): void {
  const exact = exactBytesOf(text);
  bytes.varint(exact.length);
  bytes.push(exact);
}

function takeText(cursor: BytesCursor): string {
  return exactTextOf(cursor.take(cursor.varint()));
}

/** Seven bits a byte, the lowest first. */
function pushBig(bytes: GrowingBytes, value: bigint): void {
  let rest = value;
  for (; rest > 127n; rest >>= 7n) bytes.u8(Number(rest & 127n) | 128);
  bytes.u8(Number(rest));
}

function takeBig(cursor: BytesCursor): bigint {
  let value = 0n;
  for (let shift = 0n; shift < 70n; shift += 7n) {
    const byte = cursor.u8();
    value |= BigInt(byte & 127) << shift;
    if (byte < 128) return value;
  }
  throw damaged();
}

/** Of 65 bits at most, as differences of times are. */
function pushSigned(bytes: GrowingBytes, value: bigint): void {
  pushBig(bytes, value < 0n ? -value * 2n - 1n : value * 2n);
}

function takeSigned(cursor: BytesCursor): bigint {
  const value = takeBig(cursor);
  return (value & 1n) === 0n ? value >> 1n : -((value + 1n) >> 1n);
}

function commonDivisor(a: bigint, b: bigint): bigint {
  let [left, right] = [a, b < 0n ? -b : b];
  while (right !== 0n) [left, right] = [right, left % right];
  return left;
}

function inflated(bytes: Uint8Array): Uint8Array {
  try {
    return new Uint8Array(inflateRawSync(bytes, { maxOutputLength: unpackedBytesMax }));
  } catch (error) {
    throw damaged(error);
  }
}

function damaged(cause?: unknown): DbError {
  return new DbError('corrupt', 'points of another owner are damaged', { cause });
}
