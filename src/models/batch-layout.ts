/**
 * Where the shapes of a batch lie, and which of them are put together: shapes of few rows that have the same fields and no texts, since a
 * body of thousands of measurements would cost an object for each part of each.
 *
 * Who writes a thousand measurements writes them again and again in the same order, as many rows of each: a batch of the same names most
 * likely lies as the one before, which its counts, measurements and fields say.
 */
import { damagedBatch, paddedTo8 } from './batch-reader.ts';
import { FieldType } from './field-value.ts';
import { ShapeNames, type FieldList, type ShapeName } from './shape-names.ts';

/** Of one without rows and fields. */
const shapeBytesMin = 16;

/** Where the shapes of a batch are, and how many. */
export interface ShapesRange {
  readonly start: number;
  readonly end: number;
  readonly shapeCount: number;
}

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

/** Shapes whose rows are put together, or one whose rows stay as they lie. */
export interface LaidSet {
  readonly names: ShapeNames;
  readonly list: FieldList;
  /** Their numbers. */
  readonly shapes: readonly number[];
  readonly rowCount: number;
  /** Whether each has one row. */
  readonly isOfSingles: boolean;
}

export interface BatchLayout {
  readonly heads: ShapeHeads;
  readonly sets: readonly LaidSet[];
  /**
   * Count of rows, measurement, count of fields and fields of each shape, in their order: another batch with the same lies the same
   * way. Empty where there are texts, of whose lengths they say nothing.
   */
  readonly words: Uint32Array;
}

/** Finds the shape of a measurement whose fields are `words[from, end)`. */
interface NamedShapes {
  shape(measurement: number, words: Uint32Array, from: number, end: number): ShapeName;
}

/** Shapes of more rows each are left as they lie. */
const joinedRowsMax = 32;
/** Of a shape in `words`, besides its fields. */
const headWords = 3;

/** `words` are those of the batch. */
export function readLayout(
  words: Uint32Array,
  names: NamedShapes,
  range: ShapesRange,
): BatchLayout {
  const heads = readHeads(words, names, range);
  let wordCount = 0;
  let hasTexts = false;
  for (let shape = 0; shape < heads.names.length; shape++) {
    const { list } = heads.names[shape] as ShapeName;
    wordCount += headWords + list.fields.length;
    hasTexts ||= list.hasTexts;
  }
  const own = hasTexts ? new Uint32Array() : headsOf(words, heads, wordCount);
  return { heads, sets: laidSets(heads), words: own };
}

function headsOf(words: Uint32Array, { starts }: ShapeHeads, wordCount: number): Uint32Array {
  const own = new Uint32Array(wordCount);
  let to = 0;
  for (let shape = 0; shape < starts.length; shape++) {
    const at = (starts[shape] ?? 0) >>> 2;
    const count = headWords + (words[at + 2] ?? 0);
    for (let i = 0; i < count; i++) own[to++] = words[at + i] ?? 0;
  }
  return own;
}

/** Whether another batch lies the same way. */
export function isLaidOut(
  { heads: { starts, end }, words: own }: BatchLayout,
  words: Uint32Array,
  range: ShapesRange,
): boolean {
  const isAlike = starts.length === range.shapeCount && starts[0] === range.start && end === range.end; // prettier-ignore
  if (!isAlike || own.length === 0) return false;
  let from = 0;
  // As long as all before it are the same a shape begins where it did.
  for (let shape = 0; shape < starts.length; shape++) {
    const at = (starts[shape] ?? 0) >>> 2;
    const count = headWords + (own[from + 2] ?? 0);
    for (let i = 0; i < count; i++) if (own[from + i] !== words[at + i]) return false;
    from += count;
  }
  return true;
}

/** About what it takes beside the names of its shapes. */
export function layoutBytesOf({ heads: { starts }, words }: BatchLayout): number {
  return starts.length * shapeLayoutBytes + words.byteLength;
}

/** Twice a reference and a number, and where it is and its rows. */
const shapeLayoutBytes = 32;

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

function readHeads(
  words: Uint32Array,
  names: NamedShapes,
  { start, end, shapeCount }: ShapesRange,
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

interface Gathered {
  readonly list: FieldList;
  readonly shapes: number[];
  rowCount: number;
}

/** By their fields, in the order in which these come first. */
function laidSets(heads: ShapeHeads): readonly LaidSet[] {
  const sets: LaidSet[] = [];
  const add = (list: FieldList, shapes: readonly number[], rowCount: number): void => {
    const names = new ShapeNames(shapes.map((shape) => heads.names[shape] as ShapeName));
    const isOfSingles = shapes.every((shape) => heads.rowCounts[shape] === 1);
    sets.push({ names, list, shapes, rowCount, isOfSingles });
  };
  for (const { list, shapes, rowCount } of gather(heads)) {
    const isJoined = !list.hasTexts && rowCount <= shapes.length * joinedRowsMax;
    if (isJoined) add(list, shapes, rowCount);
    else for (const shape of shapes) add(list, [shape], heads.rowCounts[shape] ?? 0);
  }
  return sets;
}

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
