/**
 * Rows of columns as JSON, written in the memory of a kernel. Twin: writeColumns() of query/emit/json-rows.ts, which also
 * takes what is left to it here: texts that are no UTF-8, very long ones, and times of a time zone.
 */
import { Buffer, isUtf8 } from 'node:buffer';
import { Arena } from './arena.ts';

interface JsonExports {
  heapBase(): number;
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

export interface JsonTable {
  readonly timesNs: BigInt64Array;
  readonly columns: readonly JsonColumn[];
  /** What stands where a cell of a column is missing; ASCII. */
  readonly missing: readonly string[];
  readonly start: number;
  readonly end: number;
  /** Nanoseconds in a unit of times; 0 for RFC3339. */
  readonly unitNs: bigint;
}

const types: readonly JsonColumn['type'][] = ['float', 'integer', 'boolean', 'string', 'unsigned'];
const pagesFirst = 4;
const pagesMax = 1_024;
const bytesMax = pagesMax * 65_536;
/** What a time takes with the brackets of its row, and any other cell but a text with its comma. */
const rowBytesMax = 40;
const cellBytesMax = 32;
/** Of a byte of a text: `\u` and four digits. */
const escapeBytesMax = 6;
/** Of what is written at once, texts aside; and texts of a table that are written here. */
const outBytesMax = 8 << 20;
const textBytesMax = 1 << 18;
/** Readable behind each text, and written behind the last. */
const paddingBytes = 32;
/** Of a column. */
const recordBytes = 32;

type Values = BigInt64Array | BigUint64Array | Float64Array | Uint32Array | Uint8Array;

export class JsonKernel {
  readonly #exports: JsonExports;
  readonly #arena: Arena;
  /** All of the memory. */
  #bytes = new Uint8Array(0);

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
    this.#exports = new WebAssembly.Instance(module, imports).exports as unknown as JsonExports;
    this.#arena = new Arena(memory, { base: this.#exports.heapBase(), bytesMax });
  }

  /** A view that holds until the next call; undefined when it is left to the twin. */
  write(table: JsonTable): Uint8Array | undefined {
    const { columns, start, end, unitNs } = table;
    const count = end - start;
    const missingBytes = table.missing.reduce((most, { length }) => Math.max(most, length), 0);
    const rowsBytes = count * (rowBytesMax + columns.length * (cellBytesMax + missingBytes));
    const textBytes = rowsBytes > outBytesMax ? undefined : textBytesOf(table);
    if (textBytes === undefined) return undefined;
    const arena = this.#arena;
    arena.release(arena.base);
    const times = this.#place(table.timesNs, start, end);
    const records = arena.allocate(columns.length * recordBytes);
    columns.forEach((column, i) => {
      this.#placeColumn(column, table, { i, record: records + i * recordBytes });
    });
    const out = arena.allocate(rowsBytes + textBytes * escapeBytesMax + paddingBytes);
    const stop = this.#exports.jsonRows(records, columns.length, times, count, unitNs, out);
    return stop === 0 ? undefined : new Uint8Array(arena.memory.buffer, out, (stop >>> 0) - out);
  }

  /** Column `i` of a table, and its record as the kernel has it. */
  #placeColumn(
    { type, values, valid }: JsonColumn,
    { start, end, missing }: JsonTable,
    { i, record }: { readonly i: number; readonly record: number },
  ): void {
    const text = missing[i] ?? '';
    let textsPtr = 0;
    let valuesPtr: number;
    if ('offsets' in values) {
      const [from = 0, to = 0] = [values.offsets[start], values.offsets[end]];
      valuesPtr = this.#place(values.offsets, start, end + 1);
      // Offsets stay those of the column's bytes, of which a part is here: an address below its place, as u32.
      textsPtr = this.#place(values.bytes, from, to) - from;
    } else valuesPtr = this.#place(values, start, end);
    const validPtr = valid === undefined ? 0 : this.#place(valid, start, end);
    const missingPtr = valid === undefined ? 0 : this.#place(Buffer.from(text, 'latin1'), 0, text.length); // prettier-ignore
    const words = new Uint32Array(this.#arena.memory.buffer, record, recordBytes / 4);
    words[0] = types.indexOf(type);
    words[1] = valuesPtr;
    words[2] = validPtr;
    words[3] = textsPtr;
    words[4] = missingPtr;
    words[5] = text.length;
  }

  /** A copy of some of the values. */
  #place(values: Values, start: number, end: number): number {
    const width = values.BYTES_PER_ELEMENT;
    const lengthBytes = (end - start) * width;
    const ptr = this.#arena.allocate(lengthBytes + paddingBytes);
    const { buffer } = this.#arena.memory;
    if (this.#bytes.buffer !== buffer) this.#bytes = new Uint8Array(buffer);
    this.#bytes.set(new Uint8Array(values.buffer, values.byteOffset + start * width, lengthBytes), ptr); // prettier-ignore
    return ptr;
  }
}

/** Bytes of the texts of a table; undefined when they are too many, or no UTF-8. */
function textBytesOf({ columns, start, end }: JsonTable): number | undefined {
  let sum = 0;
  for (const { values } of columns) {
    if (!('offsets' in values)) continue;
    const [from = 0, to = 0] = [values.offsets[start], values.offsets[end]];
    sum += to - from;
    if (sum > textBytesMax || !isUtf8(values.bytes.subarray(from, to))) return undefined;
  }
  return sum;
}
