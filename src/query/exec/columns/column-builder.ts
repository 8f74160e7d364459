import { Buffer } from 'node:buffer';
import { exactBytesOf, exactTextIn } from '../../../base/exact-text.ts';
import type { Column, ColumnType, StringValues } from '../../column.ts';
import { RepeatedText, repeatedTextOf } from '../../repeated-text.ts';
import type { Value } from '../../value.ts';
import type { ColumnBatch, EndPoint, SourceArena } from '../../source.ts';

/** Copies a batch out of the arena, since the arena is used again for the next one. */
export function copyBatch(batch: ColumnBatch, arena: SourceArena): [BigInt64Array, Column] {
  return [copyTimes(batch, arena), copyValues(batch, arena)];
}

export function copyTimes(
  { timesPtr, count }: ColumnBatch,
  { memory }: SourceArena,
): BigInt64Array {
  // prettier-ignore
  return new BigInt64Array(memory.buffer, timesPtr, count).slice();
}

export function copyValues(
  { type, valuesPtr, count }: ColumnBatch,
  { memory }: SourceArena,
): Column {
  // prettier-ignore
  const { buffer } = memory;
  switch (type) {
    case 'float':
      return { type, values: new Float64Array(buffer, valuesPtr, count).slice() };
    case 'integer':
      return { type, values: new BigInt64Array(buffer, valuesPtr, count).slice() };
    case 'unsigned':
      return { type, values: new BigUint64Array(buffer, valuesPtr, count).slice() };
    case 'boolean':
      return { type, values: new Uint8Array(buffer, valuesPtr, count).slice() };
    case 'string':
      return { type, values: copyStrings(buffer, valuesPtr, count) };
  }
}

function copyStrings(buffer: ArrayBuffer, refsPtr: number, count: number): StringValues {
  const refs = new Uint32Array(buffer, refsPtr, count * 2);
  const offsets = new Uint32Array(count + 1);
  for (let i = 0; i < count; i++) offsets[i + 1] = (offsets[i] ?? 0) + (refs[i * 2 + 1] ?? 0);
  const source = new Uint8Array(buffer);
  const bytes = new Uint8Array(offsets[count] ?? 0);
  for (let i = 0; i < count; i++) {
    const start = refs[i * 2] ?? 0;
    bytes.set(source.subarray(start, start + (refs[i * 2 + 1] ?? 0)), offsets[i] ?? 0);
  }
  return { offsets, bytes };
}

/** Whether cells of one type can be had in another: numbers in any type of numbers, all else as it is. */
export function isConvertible(from: ColumnType, to: ColumnType): boolean {
  const isNumber = (type: ColumnType) =>
    type === 'float' || type === 'integer' || type === 'unsigned';
  return isNumber(from) && isNumber(to);
}

/** A float cut to an integer; beyond int64, and for NaN, the least one, as the reference's machine has it. */
export function wholeOf(value: number): bigint {
  const isInside = value >= -9223372036854775808 && value < 9223372036854775808;
  return isInside ? BigInt(Math.trunc(value)) : -9223372036854775808n;
}

/** In place of what a builder of another type has: six arrays are most of what a builder of few rows costs. */
const noFloats = new Float64Array(0);
const noIntegers = new BigInt64Array(0);
const noUnsigneds = new BigUint64Array(0);
const noBytes = new Uint8Array(0);
const noOffsets = new Uint32Array(0);

/** Collects `capacity` rows at the most into a column; cells of another type than the column's are null. */
export class ColumnBuilder {
  readonly #type: ColumnType;
  readonly #floats: Float64Array = noFloats;
  readonly #integers: BigInt64Array = noIntegers;
  readonly #unsigneds: BigUint64Array = noUnsigneds;
  readonly #booleans: Uint8Array = noBytes;
  readonly #offsets: Uint32Array = noOffsets;
  #bytes: Uint8Array = noBytes;
  readonly #valid: Uint8Array;
  #count = 0;
  #nullCount = 0;

  constructor(type: ColumnType, capacity: number) {
    this.#type = type;
    this.#valid = new Uint8Array(capacity);
    if (type === 'float') this.#floats = new Float64Array(capacity);
    else if (type === 'integer') this.#integers = new BigInt64Array(capacity);
    else if (type === 'unsigned') this.#unsigneds = new BigUint64Array(capacity);
    else if (type === 'boolean') this.#booleans = new Uint8Array(capacity);
    else {
      this.#offsets = new Uint32Array(capacity + 1);
      this.#bytes = new Uint8Array(Math.max(64, capacity * 8));
    }
  }

  get count(): number {
    return this.#count;
  }

  pushNull(): void {
    const row = this.#count++;
    if (this.#type === 'string') this.#offsets[row + 1] = this.#offsets[row] ?? 0;
    this.#nullCount++;
  }

  /** Appends row `row` of another column, converted where that is possible. */
  pushFrom(column: Column, row: number): void {
    if (column.valid !== undefined && column.valid[row] !== 1) {
      this.pushNull();
      return;
    }
    const at = this.#count;
    if (column.type !== this.#type) {
      this.#pushConverted(column, row);
      return;
    }
    switch (column.type) {
      case 'float':
        this.#floats[at] = column.values[row] ?? 0;
        break;
      case 'integer':
        this.#integers[at] = column.values[row] ?? 0n;
        break;
      case 'unsigned':
        this.#unsigneds[at] = column.values[row] ?? 0n;
        break;
      case 'boolean':
        this.#booleans[at] = column.values[row] ?? 0;
        break;
      case 'string': {
        const { offsets, bytes } = column.values;
        this.#pushBytes(bytes, offsets[row] ?? 0, offsets[row + 1] ?? 0);
        break;
      }
    }
    this.#valid[at] = 1;
    this.#count = at + 1;
  }

  /** Appends a value of the column's own type, or null. */
  pushValue(value: Value | null): void {
    if (value === null) {
      this.pushNull();
      return;
    }
    const at = this.#count;
    if (this.#type === 'float') this.#floats[at] = Number(value);
    else if (this.#type === 'integer') this.#integers[at] = BigInt(value);
    else if (this.#type === 'unsigned') this.#unsigneds[at] = BigInt(value);
    else if (this.#type === 'boolean') this.#booleans[at] = value === true ? 1 : 0;
    else {
      const text = exactBytesOf(String(value));
      this.#pushBytes(text, 0, text.length);
    }
    this.#valid[at] = 1;
    this.#count = at + 1;
  }

  pushString(text: Uint8Array): void {
    this.#pushBytes(text, 0, text.length);
    this.#valid[this.#count++] = 1;
  }

  finish(): Column {
    const count = this.#count;
    const valid = this.#nullCount > 0 ? this.#valid.slice(0, count) : undefined;
    switch (this.#type) {
      case 'float':
        return { type: 'float', values: this.#floats.slice(0, count), valid };
      case 'integer':
        return { type: 'integer', values: this.#integers.slice(0, count), valid };
      case 'unsigned':
        return { type: 'unsigned', values: this.#unsigneds.slice(0, count), valid };
      case 'boolean':
        return { type: 'boolean', values: this.#booleans.slice(0, count), valid };
      case 'string': {
        const offsets = this.#offsets.slice(0, count + 1);
        const bytes = this.#bytes.slice(0, offsets[count] ?? 0);
        return { type: 'string', values: { offsets, bytes }, valid };
      }
    }
  }

  /** The same field may be integer in one shard and float in another (trap 40), and a cast asks for either (spec 6.3). */
  #pushConverted(column: Column, row: number): void {
    if (
      column.type === 'string' ||
      column.type === 'boolean' ||
      !isConvertible(column.type, this.#type)
    ) {
      this.pushNull();
      return;
    }
    const value = column.values[row] ?? 0;
    const at = this.#count;
    if (this.#type === 'float') this.#floats[at] = Number(value);
    else {
      const whole = typeof value === 'bigint' ? value : wholeOf(value);
      if (this.#type === 'integer') this.#integers[at] = whole;
      else this.#unsigneds[at] = whole;
    }
    this.#valid[at] = 1;
    this.#count = at + 1;
  }

  #pushBytes(source: Uint8Array, start: number, end: number): void {
    const at = this.#offsets[this.#count] ?? 0;
    const length = end - start;
    if (at + length > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(this.#bytes.length * 2, at + length));
      grown.set(this.#bytes);
      this.#bytes = grown;
    }
    this.#bytes.set(source.subarray(start, end), at);
    this.#offsets[this.#count + 1] = at + length;
  }
}

/** The cell of a column as a value of the language; null when it has none. */
export function cellValue(column: Column, row: number): Value | null {
  if (column.valid !== undefined && column.valid[row] !== 1) return null;
  switch (column.type) {
    case 'float':
    case 'integer':
    case 'unsigned':
      return column.values[row] ?? null;
    case 'boolean':
      return column.values[row] === 1;
    case 'string': {
      const { offsets, bytes } = column.values;
      const whole = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      return exactTextIn(whole, offsets[row], offsets[row + 1]);
    }
  }
}

/** A column of one row. */
export function columnOfOne(value: EndPoint['value'], type: ColumnType): Column {
  if (typeof value === 'number') return { type: 'float', values: Float64Array.of(value) };
  if (typeof value === 'boolean') return { type: 'boolean', values: Uint8Array.of(Number(value)) };
  if (typeof value === 'object') return { type: 'string', values: { offsets: Uint32Array.of(0, value.length), bytes: new Uint8Array(value) } }; // prettier-ignore
  if (type === 'unsigned') return { type, values: BigUint64Array.of(value) };
  return { type: 'integer', values: BigInt64Array.of(value) };
}

/** A column of nulls. */
export function nullColumn(type: ColumnType, count: number): Column {
  const builder = new ColumnBuilder(type, count);
  for (let row = 0; row < count; row++) builder.pushNull();
  return builder.finish();
}

/** The rows [start, end) of a column, sharing its memory where that is possible. */
export function sliceColumn(column: Column, start: number, end: number): Column {
  const repeated = repeatedTextOf(column);
  if (repeated !== undefined) return new RepeatedText(repeated.text, end - start);
  const valid = column.valid?.subarray(start, end);
  switch (column.type) {
    case 'float':
      return { type: 'float', values: column.values.subarray(start, end), valid };
    case 'integer':
      return { type: 'integer', values: column.values.subarray(start, end), valid };
    case 'unsigned':
      return { type: 'unsigned', values: column.values.subarray(start, end), valid };
    case 'boolean':
      return { type: 'boolean', values: column.values.subarray(start, end), valid };
    case 'string': {
      const { offsets, bytes } = column.values;
      return {
        type: 'string',
        values: { offsets: offsets.subarray(start, end + 1), bytes },
        valid,
      };
    }
  }
}
