/** The rows of a batch: of each shape as they lie, and of the sets of shapes that its layout puts together. */
import type { BatchColumn, BatchField, BatchRows, BatchShape } from './batch-columns.ts';
import type { BatchLayout, LaidSet, ShapeHeads } from './batch-layout.ts';
import { damagedBatch, paddedTo8, type BatchReader } from './batch-reader.ts';
import { FieldType } from './field-value.ts';
import type { ShapeName, ShapeNames } from './shape-names.ts';

/** All rows of some shapes that have the same fields: a row's measurement is that of its series. */
export interface BatchSet {
  readonly names: ShapeNames;
  readonly rows: BatchRows;
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

/** All rows of a batch by their fields. Throws `corrupt` where a row is of no series. */
export function readSets(
  reader: BatchReader,
  words: Uint32Array,
  { layout: { heads, sets }, seriesCount }: { readonly layout: BatchLayout; readonly seriesCount: number }, // prettier-ignore
): readonly BatchSet[] {
  return sets.map((set) => {
    const { names, list, shapes } = set;
    const rows = shapes.length === 1 ? readRows(reader, heads, shapes[0] ?? 0, list.fields) : joinedRows(words, heads, set); // prettier-ignore
    for (const number of rows.series) if (number >= seriesCount) throw damagedBatch();
    return { names, rows };
  });
}

/** A column that is filled word by word or byte by byte. */
interface FilledColumn {
  readonly column: BatchColumn;
  readonly to: Uint32Array | Uint8Array;
}

/** Copies of the rows of shapes that have the same fields and no texts, one shape behind the other. */
function joinedRows(words: Uint32Array, heads: ShapeHeads, set: LaidSet): BatchRows {
  const { list, rowCount } = set;
  const { fields } = list;
  const timesNs = new BigInt64Array(rowCount);
  const filled = fields.map(({ type }) => newColumn(type, rowCount));
  const rows = {
    ordinals: new Uint32Array(rowCount),
    series: new Uint32Array(rowCount),
    times: new Uint32Array(timesNs.buffer),
  };
  if (set.isOfSingles) {
    copySingles(rows, words, heads, set);
    filled.forEach(({ to }, field) => {
      copySingleValues(to, words, heads, { set, field });
    });
  } else copyRows({ ...rows, filled }, words, heads, set);
  const { ordinals, series } = rows;
  return { fields, rowCount, ordinals, series, timesNs, columns: filled.map(({ column }) => column) }; // prettier-ignore
}

interface JoinedLists {
  readonly ordinals: Uint32Array;
  readonly series: Uint32Array;
  readonly times: Uint32Array;
}

/** Behind the start of a shape, its head. */
function headBytesOf({ list }: LaidSet): number {
  return 12 + list.fields.length * 4;
}

/** Of shapes of a row each every list takes eight bytes. */
function copySingles(
  { ordinals, series, times }: JoinedLists,
  words: Uint32Array,
  { starts }: ShapeHeads,
  set: LaidSet,
): void {
  const { shapes } = set;
  const headBytes = headBytesOf(set);
  for (let row = 0; row < shapes.length; row++) {
    const at = paddedTo8((starts[shapes[row] ?? 0] ?? 0) + headBytes) >>> 2;
    ordinals[row] = words[at] ?? 0;
    series[row] = words[at + 2] ?? 0;
    times[row * 2] = words[at + 4] ?? 0;
    times[row * 2 + 1] = words[at + 5] ?? 0;
  }
}

function copySingleValues(
  to: Uint32Array | Uint8Array,
  words: Uint32Array,
  { starts }: ShapeHeads,
  { set, field }: { readonly set: LaidSet; readonly field: number },
): void {
  const { shapes } = set;
  const headBytes = headBytesOf(set);
  const behind = 6 + field * 2;
  if (to instanceof Uint8Array) {
    for (let row = 0; row < shapes.length; row++)
      to[row] = words[(paddedTo8((starts[shapes[row] ?? 0] ?? 0) + headBytes) >>> 2) + behind] ?? 0;
    return;
  }
  for (let row = 0; row < shapes.length; row++) {
    const at = (paddedTo8((starts[shapes[row] ?? 0] ?? 0) + headBytes) >>> 2) + behind;
    to[row * 2] = words[at] ?? 0;
    to[row * 2 + 1] = words[at + 1] ?? 0;
  }
}

function copyRows(
  { ordinals, series, times, filled }: JoinedLists & { readonly filled: readonly FilledColumn[] },
  words: Uint32Array,
  { starts, rowCounts }: ShapeHeads,
  set: LaidSet,
): void {
  const headBytes = headBytesOf(set);
  const bytes = new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
  // A view of either side takes longer for so few.
  const copy = (at: number, to: Uint32Array, place: number, count: number): void => {
    for (let i = 0; i < count; i++) to[place + i] = words[at + i] ?? 0;
  };
  let row = 0;
  for (const shape of set.shapes) {
    const count = rowCounts[shape] ?? 0;
    const listWords = (count + 1) & ~1;
    let at = paddedTo8((starts[shape] ?? 0) + headBytes) >>> 2;
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
