/**
 * The shapes of a batch as they lie, and its sets of fields: shapes of few rows that have the same fields and no texts are put
 * together, since a body of thousands of measurements would cost an object for each part of each.
 */
import type { BatchColumn, BatchField, BatchRows, BatchShape } from './batch-columns.ts';
import { damagedBatch, paddedTo8, type BatchReader } from './batch-reader.ts';
import { FieldType } from './field-value.ts';
import type { FieldList, KnownNames, ShapeName } from './known-names.ts';

/** All rows of some shapes that have the same fields: a row's measurement is that of its series. */
export interface BatchSet {
  readonly names: readonly ShapeName[];
  readonly rows: BatchRows;
}

/** Of one without rows and fields. */
const shapeBytesMin = 16;
/** Shapes of more rows each are left as they lie. */
const joinedRowsMax = 32;

/** Shapes as they lie, by their number. */
export interface ShapeHeads {
  readonly names: readonly ShapeName[];
  /** Behind the first byte of the batch. */
  readonly starts: Uint32Array;
  readonly rowCounts: Uint32Array;
  readonly rowCount: number;
  /** Behind the last one. */
  readonly end: number;
}

/** Where the shape at a multiple of 8 bytes ends. `words` are those of the batch, which ends at `end`. */
export function shapeEnd(words: Uint32Array, at: number, end: number): number {
  if (at + 12 > end) throw damagedBatch();
  const head = at >>> 2;
  const rowCount = words[head] ?? 0;
  const fieldCount = words[head + 2] ?? 0;
  if (fieldCount * 4 > end - at - 12 || rowCount * 16 > end - at) throw damagedBatch();
  const listBytes = paddedTo8(rowCount * 4);
  let to = paddedTo8(at + 12 + fieldCount * 4) + listBytes * 2 + rowCount * 8;
  for (let field = 0; field < fieldCount; field++) {
    const type = (words[head + 3 + field] ?? 0) >>> 24;
    if (type === FieldType.boolean) to += paddedTo8(rowCount);
    else if (type === FieldType.string) to = textsEnd(words, to, rowCount, end);
    else to += rowCount * 8;
  }
  if (to > end) throw damagedBatch();
  return to;
}

function textsEnd(words: Uint32Array, at: number, rowCount: number, end: number): number {
  const bytesAt = at + paddedTo8((rowCount + 1) * 4);
  const lengthBytes = words[(at >>> 2) + rowCount] ?? 0;
  if (bytesAt > end || lengthBytes > end - bytesAt) throw damagedBatch();
  return bytesAt + paddedTo8(lengthBytes);
}

export function readHeads(
  words: Uint32Array,
  names: KnownNames,
  { start, end, shapeCount }: { readonly start: number; readonly end: number; readonly shapeCount: number }, // prettier-ignore
): ShapeHeads {
  if (shapeCount * shapeBytesMin > end - start) throw damagedBatch();
  const all: ShapeName[] = [];
  const starts = new Uint32Array(shapeCount);
  const rowCounts = new Uint32Array(shapeCount);
  let [at, sum] = [start, 0];
  for (let shape = 0; shape < shapeCount; shape++) {
    const next = shapeEnd(words, at, end);
    const head = at >>> 2;
    const fieldsAt = head + 3;
    const rowCount = words[head] ?? 0;
    all.push(names.shape(words[head + 1] ?? 0, words, fieldsAt, fieldsAt + (words[head + 2] ?? 0))); // prettier-ignore
    starts[shape] = at;
    rowCounts[shape] = rowCount;
    sum += rowCount;
    at = next;
  }
  return { names: all, starts, rowCounts, rowCount: sum, end: at };
}

/** One of the shapes: views. */
export function readShape(reader: BatchReader, heads: ShapeHeads, shape: number): BatchShape {
  const { measurement, list } = heads.names[shape] as ShapeName;
  return { measurement, ...readRows(reader, heads, shape, list.fields) };
}

function readRows(
  reader: BatchReader,
  { starts, rowCounts }: ShapeHeads,
  shape: number,
  fields: readonly BatchField[],
): BatchRows {
  reader.moveTo(paddedTo8((starts[shape] ?? 0) + 12 + fields.length * 4));
  const rowCount = rowCounts[shape] ?? 0;
  const ordinals = reader.u32s(rowCount);
  const series = reader.u32s(rowCount);
  const timesNs = reader.i64s(rowCount);
  const columns = fields.map((field) => readColumn(reader, field.type, rowCount));
  return { fields, rowCount, ordinals, series, timesNs, columns };
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

interface Gathered {
  readonly list: FieldList;
  readonly shapes: number[];
  rowCount: number;
}

/** All rows of a batch by their fields. Throws `corrupt` where a row is of no series. */
export function readSets(
  reader: BatchReader,
  words: Uint32Array,
  { heads, seriesCount }: { readonly heads: ShapeHeads; readonly seriesCount: number },
): readonly BatchSet[] {
  const sets: BatchSet[] = [];
  for (const { list, shapes, rowCount } of gather(heads)) {
    const isJoined =
      shapes.length > 1 && !list.hasTexts && rowCount <= shapes.length * joinedRowsMax;
    if (isJoined) {
      const names = shapes.map((shape) => heads.names[shape] as ShapeName);
      sets.push({ names, rows: joinedRows(words, heads, { list, shapes, rowCount }) });
      continue;
    }
    for (const shape of shapes)
      sets.push({
        names: [heads.names[shape] as ShapeName],
        rows: readRows(reader, heads, shape, list.fields),
      });
  }
  for (const { rows } of sets)
    for (const number of rows.series) if (number >= seriesCount) throw damagedBatch();
  return sets;
}

/** Shapes by their fields, in the order in which these come first. */
function gather({ names, rowCounts }: ShapeHeads): Iterable<Gathered> {
  const all = new Map<FieldList, Gathered>();
  let last: Gathered | undefined;
  for (let shape = 0; shape < names.length; shape++) {
    const { list } = names[shape] as ShapeName;
    if (last?.list !== list) {
      last = all.get(list) ?? { list, shapes: [], rowCount: 0 };
      all.set(list, last);
    }
    last.shapes.push(shape);
    last.rowCount += rowCounts[shape] ?? 0;
  }
  return all.values();
}

/** A column that is filled word by word or byte by byte. */
interface FilledColumn {
  readonly column: BatchColumn;
  readonly to: Uint32Array | Uint8Array;
}

/** Copies of the rows of shapes that have the same fields and no texts, one shape behind the other. */
function joinedRows(
  words: Uint32Array,
  { starts, rowCounts }: ShapeHeads,
  { list: { fields }, shapes, rowCount }: Gathered,
): BatchRows {
  const ordinals = new Uint32Array(rowCount);
  const series = new Uint32Array(rowCount);
  const timesNs = new BigInt64Array(rowCount);
  const times = new Uint32Array(timesNs.buffer);
  const filled = fields.map(({ type }) => newColumn(type, rowCount));
  const bytes = new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
  // A view of either side takes longer for so few.
  const copy = (at: number, to: Uint32Array, place: number, count: number): void => {
    for (let i = 0; i < count; i++) to[place + i] = words[at + i] ?? 0;
  };
  let row = 0;
  for (const shape of shapes) {
    const count = rowCounts[shape] ?? 0;
    const listWords = (count + 1) & ~1;
    let at = paddedTo8((starts[shape] ?? 0) + 12 + fields.length * 4) >>> 2;
    copy(at, ordinals, row, count);
    copy(at + listWords, series, row, count);
    copy(at + listWords * 2, times, row * 2, count * 2);
    at += listWords * 2 + count * 2;
    for (const { to } of filled) {
      if (to instanceof Uint8Array) {
        for (let i = 0; i < count; i++) to[row + i] = bytes[at * 4 + i] ?? 0;
        at += paddedTo8(count) >>> 2;
      } else {
        copy(at, to, row * 2, count * 2);
        at += count * 2;
      }
    }
    row += count;
  }
  return { fields, rowCount, ordinals, series, timesNs, columns: filled.map(({ column }) => column) }; // prettier-ignore
}

function newColumn(type: FieldType, rowCount: number): FilledColumn {
  if (type === FieldType.boolean) {
    const column = new Uint8Array(rowCount);
    return { column, to: column };
  }
  const to = new Uint32Array(rowCount * 2);
  const { buffer } = to;
  if (type === FieldType.float) return { column: new Float64Array(buffer), to };
  return { column: type === FieldType.integer ? new BigInt64Array(buffer) : new BigUint64Array(buffer), to }; // prettier-ignore
}
