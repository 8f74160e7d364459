/**
 * The bytes of many points of one shard: what the write-ahead log keeps, what replicas are sent and what hinted handoff
 * queues. A batch is self-contained: series, measurement and field names are in it (docs/internals/format/point-batch.md).
 *
 * Rows are grouped by shape: one measurement and one ordered list of typed fields that each row of the group has. So
 * columns are dense and need no validity bits. Of two rows with the same series and time the one with the higher ordinal
 * was written later and wins, field by field; of two batches the one with the later stamp (stamp.ts).
 */
import { Buffer } from 'node:buffer';
import { bytesOf } from '../base/copy-bytes.ts';
import { DbError } from '../base/errors.ts';
import { FieldType } from './field-value.ts';
import { stampOfBatch, type Stamp } from './stamp.ts';

export const pointBatchMagic = 0x31425056;
export const pointBatchHeaderBytes = 48;

/** Texts of a string column: row r is bytes[offsets[r] .. offsets[r + 1]) in UTF-8. */
export interface TextColumn {
  readonly offsets: Uint32Array;
  readonly bytes: Uint8Array;
}

/** float64, int64, uint64, one byte a boolean, or texts, by the type of the field. */
export type BatchColumn = Float64Array | BigInt64Array | BigUint64Array | Uint8Array | TextColumn;

export interface BatchField {
  readonly name: string;
  readonly type: FieldType;
}

export interface BatchShape {
  readonly measurement: string;
  readonly fields: readonly BatchField[];
  readonly rowCount: number;
  /** The row's place among all rows of the batch, ascending. */
  readonly ordinals: Uint32Array;
  /** Index into the batch's series. */
  readonly series: Uint32Array;
  readonly timesNs: BigInt64Array;
  readonly columns: readonly BatchColumn[];
}

/** A decoded batch; its arrays are views into the bytes it came from. */
export interface PointBatch {
  readonly rowCount: number;
  readonly minTimeNs: bigint;
  readonly maxTimeNs: bigint;
  readonly stamp: Stamp;
  /** What it was decoded from. */
  readonly payload: Uint8Array;
  /** Canonical keys, each at least once: rows refer to them by number. */
  readonly series: TextColumn;
  readonly shapes: readonly BatchShape[];
}

export function paddedTo8(lengthBytes: number): number {
  return (lengthBytes + 7) & ~7;
}

/** How many points a batch says it has, without reading it; 0 for what is too short to be one. */
export function rowCountOf(payload: Uint8Array): number {
  if (payload.length < pointBatchHeaderBytes) return 0;
  return new DataView(payload.buffer, payload.byteOffset, 8).getUint32(4, true);
}

/** How many values a batch has. Throws where lengths do not add up. */
export function valueCountOf(payload: Uint8Array): number {
  const reader = new BatchReader(payload.byteOffset % 8 === 0 ? payload : payload.slice());
  reader.skip(8);
  const seriesCount = reader.u32();
  const shapeCount = reader.u32();
  reader.skip(pointBatchHeaderBytes - 16);
  reader.skipTexts(seriesCount);
  const nameCount = reader.count();
  reader.align();
  reader.skipTexts(nameCount);
  // One shape has all rows: those of its columns need no look.
  const isSole = shapeCount === 1;
  let valueCount = 0;
  for (let shape = 0; shape < shapeCount; shape++) valueCount += skipShape(reader, isSole);
  return valueCount;
}

/** How many values the next shape has; the reader is behind it then, unless it `isLast`. */
function skipShape(reader: BatchReader, isLast: boolean): number {
  const rowCount = reader.u32();
  reader.skip(4);
  const fieldCount = reader.count();
  if (isLast) return rowCount * fieldCount;
  const types = new Uint8Array(fieldCount);
  for (let i = 0; i < fieldCount; i++) types[i] = reader.u32() >>> 24;
  reader.align();
  for (const widthBytes of [4, 4, 8]) reader.skipPadded(rowCount * widthBytes);
  for (const type of types) {
    if (type === FieldType.string) reader.skipTexts(rowCount);
    else reader.skipPadded(type === FieldType.boolean ? rowCount : rowCount * 8);
  }
  return rowCount * fieldCount;
}

/** Reads a batch. Throws `unsupported_version` for another format, `corrupt` when lengths do not add up. */
export function decodePointBatch(payload: Uint8Array): PointBatch {
  // Views need their alignment; a payload cut out of a larger read may lack it.
  const bytes = payload.byteOffset % 8 === 0 ? payload : payload.slice();
  const reader = new BatchReader(bytes);
  if (reader.u32() !== pointBatchMagic)
    throw new DbError('unsupported_version', 'point batch of another format version');
  const rowCount = reader.u32();
  const seriesCount = reader.u32();
  const shapeCount = reader.u32();
  const minTimeNs = reader.i64();
  const maxTimeNs = reader.i64();
  reader.skip(16);
  const series = reader.textColumn(seriesCount);
  const nameCount = reader.count();
  reader.align();
  const names = namesIn(reader.textColumn(nameCount), shapeCount);
  const shapes: BatchShape[] = [];
  for (let i = 0; i < shapeCount; i++) shapes.push(readShape(reader, names, seriesCount));
  const total = shapes.reduce((sum, shape) => sum + shape.rowCount, 0);
  if (total !== rowCount || !reader.isAtEnd) throw damaged();
  const stamp = stampOfBatch(bytes);
  return { rowCount, minTimeNs, maxTimeNs, stamp, payload: bytes, series, shapes };
}

/** The keys of a batch as texts: for readers that are in no hurry. */
export function seriesKeysOf({ series: { offsets, bytes } }: PointBatch): readonly string[] {
  return Array.from({ length: offsets.length - 1 }, (_, i) =>
    decoder.decode(bytes.subarray(offsets[i], offsets[i + 1])),
  );
}

function readShape(reader: BatchReader, names: BatchNames, seriesCount: number): BatchShape {
  const rowCount = reader.u32();
  const measurement = names.nameOf(reader.u32());
  const fieldCount = reader.count();
  let fields: readonly BatchField[];
  if (fieldCount === 1) fields = names.soleField(reader.u32());
  else fields = Array.from({ length: fieldCount }, () => names.field(reader.u32()));
  reader.align();
  const ordinals = reader.u32s(rowCount);
  const series = reader.u32s(rowCount);
  for (let row = 0; row < rowCount; row++) if ((series[row] ?? 0) >= seriesCount) throw damaged();
  const timesNs = reader.i64s(rowCount);
  const columns = fields.map((field) => readColumn(reader, field.type, rowCount));
  return { measurement, fields, rowCount, ordinals, series, timesNs, columns };
}

function readColumn(reader: BatchReader, type: FieldType, rowCount: number): BatchColumn {
  switch (type) {
    case FieldType.float:
      return reader.f64s(rowCount);
    case FieldType.integer:
      return reader.i64s(rowCount);
    case FieldType.unsigned:
      return reader.u64s(rowCount);
    case FieldType.boolean:
      return reader.u8s(rowCount);
    case FieldType.string:
      return reader.textColumn(rowCount);
  }
}

/**
 * The names of a batch. Those of a batch of many shapes are remembered: who writes a thousand measurements writes the same again, and
 * a text that is the same object is found in a map without a look at its letters.
 */
class BatchNames {
  readonly #column: TextColumn;
  readonly #texts: readonly string[];
  readonly #soleFields = new Map<number, readonly BatchField[]>();

  constructor(column: TextColumn) {
    this.#column = column;
    this.#texts = textsOf(column);
  }

  get lengthBytes(): number {
    return this.#column.bytes.length;
  }

  isOf({ offsets, bytes }: TextColumn): boolean {
    const own = this.#column;
    return own.bytes.length === bytes.length && own.offsets.length === offsets.length && isSame(own.bytes, bytes) && isSame(bytesOf(own.offsets), bytesOf(offsets)); // prettier-ignore
  }

  nameOf(number: number): string {
    const name = this.#texts[number];
    if (name === undefined) throw damaged();
    return name;
  }

  field(packed: number): BatchField {
    return { type: fieldType(packed >>> 24), name: this.nameOf(packed & 0xffffff) };
  }

  /** Of a shape that has no other. */
  soleField(packed: number): readonly BatchField[] {
    const known = this.#soleFields.get(packed);
    if (known !== undefined) return known;
    const fields = [this.field(packed)];
    this.#soleFields.set(packed, fields);
    return fields;
  }
}

/** Names of batches of fewer shapes are read anew. */
const rememberedShapesMin = 16;
const rememberedMax = 16;
const rememberedBytesMax = 1 << 20;
/** Of this thread, the one that was met last first. */
const remembered: BatchNames[] = [];

function namesIn(column: TextColumn, shapeCount: number): BatchNames {
  if (shapeCount < rememberedShapesMin) return new BatchNames(column);
  const at = remembered.findIndex((names) => names.isOf(column));
  const [known] = at < 0 ? [] : remembered.splice(at, 1);
  // What it came from is somebody's memory.
  const names = known ?? new BatchNames({ offsets: column.offsets.slice(), bytes: column.bytes.slice() }); // prettier-ignore
  if (names.lengthBytes <= rememberedBytesMax) remembered.unshift(names);
  if (remembered.length > rememberedMax) remembered.pop();
  return names;
}

function isSame(left: Uint8Array, right: Uint8Array): boolean {
  return Buffer.compare(left, right) === 0;
}

function textsOf({ offsets, bytes }: TextColumn): readonly string[] {
  const all = decoder.decode(bytes);
  // Where each character is one byte: a call for each name costs more than the name.
  const isPlain = all.length === bytes.length;
  const textOf = (from: number, to: number): string =>
    isPlain ? all.slice(from, to) : decoder.decode(bytes.subarray(from, to));
  return Array.from({ length: offsets.length - 1 }, (_, i) =>
    textOf(offsets[i] ?? 0, offsets[i + 1] ?? 0),
  );
}

function fieldType(code: number): FieldType {
  if (code > FieldType.unsigned) throw damaged();
  return code as FieldType;
}

function damaged(): DbError {
  return new DbError('corrupt', 'point batch: lengths do not add up');
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

class BatchReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  /** A count of things that take at least four bytes each. */
  count(): number {
    const count = this.u32();
    if (count * 4 > this.#bytes.length - this.#at) throw damaged();
    return count;
  }

  i64(): bigint {
    return this.#view.getBigInt64(this.#take(8), true);
  }

  skip(lengthBytes: number): void {
    this.#take(lengthBytes);
  }

  /** What is padded, with its padding. */
  skipPadded(lengthBytes: number): void {
    this.#takePadded(lengthBytes);
  }

  align(): void {
    this.#take(paddedTo8(this.#at) - this.#at);
  }

  u8s(count: number): Uint8Array {
    const at = this.#takePadded(count);
    return this.#bytes.subarray(at, at + count);
  }

  u32s(count: number): Uint32Array {
    const offset = this.#offset(count * 4);
    return new Uint32Array(this.#bytes.buffer, offset, count);
  }

  i64s(count: number): BigInt64Array {
    const offset = this.#offset(count * 8);
    return new BigInt64Array(this.#bytes.buffer, offset, count);
  }

  u64s(count: number): BigUint64Array {
    const offset = this.#offset(count * 8);
    return new BigUint64Array(this.#bytes.buffer, offset, count);
  }

  f64s(count: number): Float64Array {
    const offset = this.#offset(count * 8);
    return new Float64Array(this.#bytes.buffer, offset, count);
  }

  textColumn(count: number): TextColumn {
    const offsets = this.u32s(count + 1);
    for (let i = 0; i < count; i++) {
      if ((offsets[i] ?? 0) > (offsets[i + 1] ?? 0)) throw damaged();
    }
    return { offsets, bytes: this.u8s(offsets[count] ?? 0) };
  }

  /** With no look at where each of them begins. */
  skipTexts(count: number): void {
    const offsets = this.u32s(count + 1);
    this.u8s(offsets[count] ?? 0);
  }

  #offset(lengthBytes: number): number {
    return this.#bytes.byteOffset + this.#takePadded(lengthBytes);
  }

  #takePadded(lengthBytes: number): number {
    // A length from damaged bytes may pass 2^31, where the padding would wrap.
    if (lengthBytes > this.#bytes.length - this.#at) throw damaged();
    return this.#take(paddedTo8(lengthBytes));
  }

  #take(lengthBytes: number): number {
    const at = this.#at;
    if (lengthBytes > this.#bytes.length - at) throw damaged();
    this.#at += lengthBytes;
    return at;
  }
}
