/**
 * Rows of columns as JSON, written in the memory of a kernel. Twin: writeColumns() of query/emit/json-rows.ts, which also
 * takes what is left to it here: texts that are no UTF-8, very long ones, and times of a time zone.
 */
import { Buffer, isUtf8 } from 'node:buffer';
import { Arena } from './arena.ts';

/** What a module has for rows of JSON. */
interface JsonExports {
  heapBase(): number;
  jsonPicked(rows: number, times: number, count: number, unit: bigint, out: number): number;
  jsonRows(columns: number, columnCount: number, times: number, count: number, unit: bigint, out: number): number; // prettier-ignore
}

/** A column of results (query/column.ts). */
export interface JsonColumn {
  readonly type: 'float' | 'integer' | 'unsigned' | 'boolean' | 'string';
  readonly values:
    | Float64Array
    | BigInt64Array
    | BigUint64Array
    | Uint8Array
    | { readonly offsets: Uint32Array; readonly bytes: Uint8Array };
  readonly valid?: Uint8Array | undefined;
}

/** Cells that are the same in each row, with the commas between them, as JSON. */
export interface JsonConstant {
  readonly type: 'constant';
  readonly text: Uint8Array;
}

export interface JsonTable {
  readonly timesNs: BigInt64Array;
  readonly columns: readonly (JsonColumn | JsonConstant)[];
  /** What stands where a cell of a column is missing; ASCII. Of no use to a constant. */
  readonly missing: readonly string[];
  readonly start: number;
  readonly end: number;
  /** Nanoseconds in a unit of times; 0 for RFC3339. */
  readonly unitNs: bigint;
}

/** By number of the kernel. */
const types: readonly (JsonColumn | JsonConstant)['type'][] = ['float', 'integer', 'boolean', 'string', 'unsigned', 'constant']; // prettier-ignore
const pagesFirst = 4;
const pagesMax = 1_024;
const bytesMax = pagesMax * 65_536;
/** What a time takes with the brackets of its row, and any other cell but a text with its comma. */
export const rowBytesMax = 40;
export const cellBytesMax = 32;
/** Of a byte of a text: `\u` and four digits. */
export const escapeBytesMax = 6;
/** Of what is written at once, texts aside; and texts of a table that are written here. */
export const outBytesMax = 8 << 20;
export const textBytesMax = 1 << 18;
/** Readable behind each text, and written behind the last. */
export const paddingBytes = 32;
/** Of a column. */
export const recordBytes = 32;

export type JsonValues = BigInt64Array | BigUint64Array | Float64Array | Uint32Array | Uint8Array;

/** A memory in which JSON is written, and what writes it. */
export class JsonMemory {
  readonly exports: JsonExports;
  readonly arena: Arena;
  /** All of the memory. */
  #bytes = new Uint8Array(0);
  #words = new Uint32Array(0);

  /** `module` is the kernels', compiled; `textOf` says what a float is called that has many digits, and throws for none. */
  constructor(module: WebAssembly.Module, textOf: (value: number) => string) {
    const memory = new WebAssembly.Memory({ initial: pagesFirst, maximum: pagesMax });
    const unused = (): number => 0;
    const slowText = (value: number, out: number): number => {
      const text = textOf(value);
      const bytes = new Uint8Array(memory.buffer, out, text.length);
      for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
      return text.length;
    };
    const imports = { env: { memory, slowFloat: unused, slowText, abort: unused } };
    this.exports = new WebAssembly.Instance(module, imports).exports as unknown as JsonExports;
    this.arena = new Arena(memory, { base: this.exports.heapBase(), bytesMax });
  }

  /** A copy of some of the values, at the end of the arena. */
  place(values: JsonValues, start: number, end: number): number {
    const ptr = this.arena.allocate((end - start) * values.BYTES_PER_ELEMENT + paddingBytes);
    this.copy(values, { start, end }, ptr);
    return ptr;
  }

  copy(
    values: JsonValues,
    { start, end }: { readonly start: number; readonly end: number },
    to: number,
  ): void {
    // prettier-ignore
    const width = values.BYTES_PER_ELEMENT;
    const from = new Uint8Array(values.buffer, values.byteOffset + start * width, (end - start) * width); // prettier-ignore
    this.bytes.set(from, to);
  }

  get bytes(): Uint8Array {
    const { buffer } = this.arena.memory;
    if (this.#bytes.buffer !== buffer) this.#bytes = new Uint8Array(buffer);
    return this.#bytes;
  }

  get words(): Uint32Array {
    const { buffer } = this.arena.memory;
    if (this.#words.buffer !== buffer) this.#words = new Uint32Array(buffer);
    return this.#words;
  }
}

/** A column as the kernel has it: addresses of its parts, 0 for what it has not. */
export interface JsonRecord {
  readonly type: (JsonColumn | JsonConstant)['type'];
  readonly valuesPtr: number;
  readonly validPtr?: number;
  readonly textsPtr?: number;
  readonly missingPtr?: number;
  /** Of what stands where a cell is missing, or of a constant. */
  readonly textBytes?: number;
}

export function writeRecord(words: Uint32Array, at: number, record: JsonRecord): void {
  const { type, valuesPtr, validPtr = 0, textsPtr = 0, missingPtr = 0, textBytes = 0 } = record;
  const word = at >>> 2;
  words[word] = types.indexOf(type);
  words[word + 1] = valuesPtr;
  words[word + 2] = validPtr;
  words[word + 3] = textsPtr;
  words[word + 4] = missingPtr;
  words[word + 5] = textBytes;
}

export class JsonKernel {
  readonly #memory: JsonMemory;

  /** See JsonMemory. */
  constructor(module: WebAssembly.Module, textOf: (value: number) => string) {
    this.#memory = new JsonMemory(module, textOf);
  }

  /** A view that holds until the next call; undefined when it is left to the twin. */
  write(table: JsonTable): Uint8Array | undefined {
    const { columns, start, end, unitNs } = table;
    const count = end - start;
    const rowsBytes = count * roomOfRow(table);
    const textBytes = rowsBytes > outBytesMax ? undefined : textBytesOf(table);
    if (textBytes === undefined) return undefined;
    const { arena, exports } = this.#memory;
    arena.release(arena.base);
    const times = this.#memory.place(table.timesNs, start, end);
    const records = arena.allocate(columns.length * recordBytes);
    columns.forEach((column, i) => {
      this.#placeColumn(column, table, { i, record: records + i * recordBytes });
    });
    const out = arena.allocate(rowsBytes + textBytes * escapeBytesMax + paddingBytes);
    const stop = exports.jsonRows(records, columns.length, times, count, unitNs, out);
    return stop === 0 ? undefined : new Uint8Array(arena.memory.buffer, out, (stop >>> 0) - out);
  }

  /** Column `i` of a table, and its record as the kernel has it. */
  #placeColumn(
    column: JsonColumn | JsonConstant,
    { start, end, missing }: JsonTable,
    { i, record }: { readonly i: number; readonly record: number },
  ): void {
    const memory = this.#memory;
    if (column.type === 'constant') {
      const { type, text } = column;
      const valuesPtr = memory.place(text, 0, text.length);
      writeRecord(memory.words, record, { type, valuesPtr, textBytes: text.length });
      return;
    }
    const { type, values, valid } = column;
    const text = missing[i] ?? '';
    let textsPtr = 0;
    let valuesPtr: number;
    if ('offsets' in values) {
      const [from = 0, to = 0] = [values.offsets[start], values.offsets[end]];
      valuesPtr = memory.place(values.offsets, start, end + 1);
      // Offsets stay those of the column's bytes, of which a part is here: an address below its place, as u32.
      textsPtr = memory.place(values.bytes, from, to) - from;
    } else valuesPtr = memory.place(values, start, end);
    const validPtr = valid === undefined ? 0 : memory.place(valid, start, end);
    const missingPtr = valid === undefined ? 0 : memory.place(Buffer.from(text, 'latin1'), 0, text.length); // prettier-ignore
    writeRecord(memory.words, record, { type, valuesPtr, validPtr, textsPtr, missingPtr, textBytes: text.length }); // prettier-ignore
  }
}

/** What a row may take, texts of string columns aside. */
function roomOfRow({ columns, missing }: JsonTable): number {
  const missingBytes = missing.reduce((most, { length }) => Math.max(most, length), 0);
  let bytes = rowBytesMax;
  for (const column of columns)
    bytes += column.type === 'constant' ? column.text.length + 1 : cellBytesMax + missingBytes;
  return bytes;
}

/** Bytes of the texts of a table; undefined when they are too many, or no UTF-8. */
function textBytesOf({ columns, start, end }: JsonTable): number | undefined {
  let sum = 0;
  for (const column of columns) {
    if (column.type !== 'string' || !('offsets' in column.values)) continue;
    const { offsets, bytes } = column.values;
    const [from = 0, to = 0] = [offsets[start], offsets[end]];
    sum += to - from;
    if (sum > textBytesMax || !isUtf8(bytes.subarray(from, to))) return undefined;
  }
  return sum;
}
