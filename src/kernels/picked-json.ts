/**
 * JSON of rows that lie in several tables, such as those of many series merged by time: the tables come to the memory of the kernel
 * some rows at a time and stay there, so that no cell is copied to a column of its own first. Twin: the columns of
 * query/exec/columns/pick-merged.ts, written by JsonKernel or cell by cell.
 */
import { Buffer, isUtf8 } from 'node:buffer';
import { cellBytesMax, escapeBytesMax, JsonMemory, outBytesMax, paddingBytes, recordBytes, rowBytesMax, textBytesMax, writeRecord, type JsonColumn, type JsonConstant, type JsonValues } from './json-kernel.ts'; // prettier-ignore

export type PartColumn =
  JsonConstant | { readonly type: 'values'; readonly column: JsonColumn; readonly missing: string };

/** A table. It and its columns stay what they are: its rows are brought to the kernel once. */
export class JsonPart {
  readonly columns: readonly PartColumn[];
  readonly rowCount: number;
  /** What a row of it may take, texts of string columns aside. */
  readonly roomBytes: number;
  readonly texts: readonly { readonly offsets: Uint32Array; readonly bytes: Uint8Array }[];
  /** The kernel's: where each window of rows has its columns, 0 for nowhere, as of what was placed in `generation`. */
  windows = noWindows;
  windowShift = 0;
  generation = 0;
  /** Texts of it are no UTF-8, or very long. */
  isLeft = false;

  constructor(columns: readonly PartColumn[], rowCount: number) {
    this.columns = columns;
    this.rowCount = rowCount;
    this.roomBytes = columns.reduce(
      (sum, column) => sum + (column.type === 'constant' ? column.text.length + 1 : cellBytesMax + column.missing.length), // prettier-ignore
      rowBytesMax,
    );
    this.texts = columns.flatMap((one) => one.type === 'values' && 'offsets' in one.column.values ? [one.column.values] : []); // prettier-ignore
  }

  /** Bytes of the texts of a row; of a missing one there may be some, too. */
  textBytes(row: number): number {
    let sum = 0;
    for (const { offsets } of this.texts) sum += (offsets[row + 1] ?? 0) - (offsets[row] ?? 0);
    return sum;
  }
}

export interface PickedTable {
  readonly timesNs: BigInt64Array;
  readonly parts: readonly JsonPart[];
  /** Of each row: the number of its part, and its row there. */
  readonly partAt: Uint32Array;
  readonly rowAt: Uint32Array;
  readonly start: number;
  readonly end: number;
  /** Nanoseconds in a unit of times; 0 for RFC3339. */
  readonly unitNs: bigint;
}

const noWindows = new Uint32Array(0);
/** Rows of parts that are in the memory at once; once they fill it all are forgotten. */
const zoneBytes = 16 << 20;
/** Of all parts of a table together, so that rows of one are not forgotten for those of the next. */
const windowsBytes = zoneBytes / 4;
const windowRowsMin = 16;
const windowRowsMax = 512;
const wordBytes = 8;
/** Before the columns of a window: their count, in the last word. */
const headBytes = 16;
const alignBytes = 16;

/** The rows that were looked up for a call, with the room that their text may take. */
interface LocatedRows {
  readonly rowsPtr: number;
  readonly roomBytes: number;
}

export class PickedJson {
  readonly #memory: JsonMemory;
  readonly #zone: number;
  #zoneTop: number;
  #generation = 1;
  #places = new Uint32Array(0);

  /** See JsonMemory. */
  constructor(module: WebAssembly.Module, textOf: (value: number) => string) {
    this.#memory = new JsonMemory(module, textOf);
    this.#zone = this.#memory.arena.allocate(zoneBytes);
    this.#zoneTop = this.#zone;
  }

  /** A view that holds until the next call; undefined when it is left to the twin. */
  write(table: PickedTable): Uint8Array | undefined {
    const { arena, exports } = this.#memory;
    const { timesNs, start, end, unitNs } = table;
    arena.release(this.#zone + zoneBytes);
    const isLeft = (): boolean => table.parts.some((part) => part.isLeft);
    if (isLeft()) return undefined;
    let located = this.#locate(table);
    if (located === undefined && !isLeft()) {
      // Once more with all of the zone.
      this.#generation++;
      this.#zoneTop = this.#zone;
      located = this.#locate(table);
    }
    if (located === undefined) return undefined;
    const times = this.#memory.place(timesNs, start, end);
    const out = arena.allocate(located.roomBytes + paddingBytes);
    const stop = exports.jsonPicked(located.rowsPtr, times, end - start, unitNs, out);
    return stop === 0 ? undefined : new Uint8Array(arena.memory.buffer, out, (stop >>> 0) - out);
  }

  /** Where the kernel finds each row; undefined where there is no room for all of them, or one cannot be written here. */
  #locate({ parts, partAt, rowAt, start, end }: PickedTable): LocatedRows | undefined {
    const places = this.#placesOf((end - start) * 2);
    let roomBytes = 0;
    let textBytes = 0;
    let to = 0;
    for (let i = start; i < end; i++) {
      const part = parts[partAt[i] ?? 0];
      const row = rowAt[i] ?? 0;
      const columns = part === undefined ? 0 : this.#columnsOf(part, row, parts.length);
      if (part === undefined || columns === 0) return undefined;
      places[to++] = columns;
      places[to++] = row;
      roomBytes += part.roomBytes;
      if (part.texts.length > 0) textBytes += part.textBytes(row);
    }
    if (roomBytes > outBytesMax || textBytes > textBytesMax) return undefined;
    const rowsPtr = this.#memory.place(places, 0, to);
    return { rowsPtr, roomBytes: roomBytes + textBytes * escapeBytesMax };
  }

  #placesOf(length: number): Uint32Array {
    if (this.#places.length < length) this.#places = new Uint32Array(length);
    return this.#places;
  }

  /** The columns of the window of a part that has a row; 0 where there is no room, or it is left to the twin. */
  #columnsOf(part: JsonPart, row: number, partCount: number): number {
    if (part.generation !== this.#generation) {
      part.generation = this.#generation;
      part.windowShift = shiftOf(part, partCount);
      part.windows = new Uint32Array((part.rowCount >>> part.windowShift) + 1);
    }
    const window = row >>> part.windowShift;
    const known = part.windows[window] ?? 0;
    if (known !== 0) return known;
    const placed = this.#placeWindow(part, window);
    part.windows[window] = placed;
    return placed;
  }

  #placeWindow(part: JsonPart, window: number): number {
    const { columns } = part;
    part.isLeft ||= !areWritten(part, window);
    if (part.isLeft) return 0;
    const rows = rowsOf(part, window);
    const head = this.#room(headBytes + columns.length * recordBytes);
    if (head === 0) return 0;
    const records = head + headBytes;
    for (const [i, column] of columns.entries())
      if (!this.#placeColumn(column, rows, records + i * recordBytes)) return 0;
    this.#memory.words[(records >>> 2) - 1] = columns.length;
    return records;
  }

  /** Whether it had room. Addresses are those of row 0, which need not be there: as u32. */
  #placeColumn(part: PartColumn, { start, end }: RowRange, record: number): boolean {
    const { words } = this.#memory;
    if (part.type === 'constant') {
      const { type, text } = part;
      const valuesPtr = this.#place(text, 0, text.length);
      writeRecord(words, record, { type, valuesPtr, textBytes: text.length });
      return valuesPtr !== 0;
    }
    const { column, missing } = part;
    const { type, values, valid } = column;
    let textsPtr = 0;
    let valuesPtr: number;
    if ('offsets' in values) {
      const [from = 0, to = 0] = [values.offsets[start], values.offsets[end]];
      const textsAt = this.#place(values.bytes, from, to);
      const offsetsAt = this.#place(values.offsets, start, end + 1);
      if (textsAt === 0 || offsetsAt === 0) return false;
      textsPtr = textsAt - from;
      valuesPtr = offsetsAt - start * values.offsets.BYTES_PER_ELEMENT;
    } else {
      const valuesAt = this.#place(values, start, end);
      if (valuesAt === 0) return false;
      valuesPtr = valuesAt - start * values.BYTES_PER_ELEMENT;
    }
    if (valid === undefined) {
      writeRecord(words, record, { type, valuesPtr, textsPtr });
      return true;
    }
    const validAt = this.#place(valid, start, end);
    const missingPtr = this.#place(Buffer.from(missing, 'latin1'), 0, missing.length);
    writeRecord(words, record, { type, valuesPtr, validPtr: validAt - start, textsPtr, missingPtr, textBytes: missing.length }); // prettier-ignore
    return validAt !== 0 && missingPtr !== 0;
  }

  /** A copy of some of the values in the zone; 0 where there is no room. */
  #place(values: JsonValues, start: number, end: number): number {
    const ptr = this.#room((end - start) * values.BYTES_PER_ELEMENT + paddingBytes);
    if (ptr !== 0) this.#memory.copy(values, { start, end }, ptr);
    return ptr;
  }

  #room(lengthBytes: number): number {
    const at = this.#zoneTop;
    const top = (at + lengthBytes + alignBytes - 1) & -alignBytes;
    if (top > this.#zone + zoneBytes) return 0;
    this.#zoneTop = top;
    return at;
  }
}

/** Rows of a window, as a power of two. */
function shiftOf({ columns, texts }: JsonPart, partCount: number): number {
  const rowBytes = Math.max(1, columns.length + texts.length) * wordBytes;
  const rows = windowsBytes / (rowBytes * partCount);
  return Math.floor(Math.log2(Math.min(windowRowsMax, Math.max(windowRowsMin, rows))));
}

interface RowRange {
  readonly start: number;
  readonly end: number;
}

function rowsOf({ rowCount, windowShift }: JsonPart, window: number): RowRange {
  const start = window << windowShift;
  return { start, end: Math.min(rowCount, start + (1 << windowShift)) };
}

/** Whether the kernel writes the texts of a window: each is UTF-8 by itself, and all are not very long. */
function areWritten(part: JsonPart, window: number): boolean {
  const { start, end } = rowsOf(part, window);
  return part.texts.every(({ offsets, bytes }) => {
    const [from = 0, to = 0] = [offsets[start], offsets[end]];
    if (to - from > textBytesMax || !isUtf8(bytes.subarray(from, to))) return false;
    for (let row = start; row < end; row++)
      // A text may end within a character that the next one goes on with.
      if (((bytes[offsets[row] ?? 0] ?? 0) & 0xc0) === 0x80) return false;
    return true;
  });
}
