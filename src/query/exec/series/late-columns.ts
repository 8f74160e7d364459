/**
 * The columns of late fields beside rows that were selected by other fields of the same series. Each field is read by itself,
 * batch after batch, and only cells of selected rows leave the arena. Fields that were written together have batches of the
 * same times: where the selected rows are in them is looked up in the first, the others compare memory.
 */
import { Buffer } from 'node:buffer';
import { must } from '../../../base/assert.ts';
import type { Column, ColumnType } from '../../column.ts';
import type { ColumnBatch, ColumnCursor } from '../../source.ts';
import { copyBatch, nullColumn } from '../columns/column-builder.ts';
import { concatColumns } from '../columns/concat-columns.ts';
import type { FragmentContext } from '../context.ts';
import { pickRows, pickWords, validOf, type WordValues } from '../columns/pick-rows.ts';

export interface LateField {
  readonly type: ColumnType;
  readonly cursor: ColumnCursor;
}

export interface LatePlace {
  readonly timesNs: BigInt64Array;
  readonly ascending: boolean;
  readonly context: FragmentContext;
}

/** So many batches, then others may run. */
const batchesMax = 32;

/** Where selected rows [from, from + rows.length) are in a batch of these times; -1 for a row without a cell. */
interface Partners {
  readonly from: number;
  readonly timesNs: BigInt64Array;
  readonly rows: Int32Array;
}

export class LateColumns {
  readonly #fields: readonly LateField[];
  readonly #place: LatePlace;
  readonly #columns: Column[] = [];
  /** Of the batches of the field that was read first. */
  readonly #known: Partners[] = [];
  #pieces: Column[] = [];
  /** Of the field at hand: batches read, and selected rows that have found their cell, or that there is none. */
  #batchCount = 0;
  #done = 0;
  #rowsRead = 0;
  #rowsCounted = 0;

  constructor(fields: readonly LateField[], place: LatePlace) {
    this.#fields = fields;
    this.#place = place;
  }

  /** A column for each field, with a cell or null for each selected row; undefined when there is more to read after a pause. */
  read(): readonly Column[] | undefined {
    const { context } = this.#place;
    const { arena } = context;
    for (let count = 0; this.#columns.length < this.#fields.length; count++) {
      if (count === batchesMax) return undefined;
      context.check();
      const { cursor } = this.#field;
      const mark = arena.mark();
      const batch = cursor.next(arena);
      if (batch !== undefined) this.#take(batch);
      arena.release(mark);
      if (batch === undefined || this.#done === this.#place.timesNs.length) this.#endField();
    }
    return this.#columns;
  }

  get #field(): LateField {
    return must(this.#fields[this.#columns.length], 'there is a field left');
  }

  #take(batch: ColumnBatch): void {
    this.#count(batch.count);
    const { rows } = this.#partnersOf(batch);
    this.#done += rows.length;
    if (rows.length > 0) this.#pieces.push(this.#pick(batch, rows));
  }

  /** A row is counted once, however many fields it has. */
  #count(rows: number): void {
    this.#rowsRead += rows;
    if (this.#rowsRead <= this.#rowsCounted) return;
    this.#place.context.countPoints(this.#rowsRead - this.#rowsCounted);
    this.#rowsCounted = this.#rowsRead;
  }

  #partnersOf({ timesPtr, count }: ColumnBatch): Partners {
    const { buffer } = this.#place.context.arena.memory;
    const timesNs = new BigInt64Array(buffer, timesPtr, count);
    const number = this.#batchCount++;
    const known = this.#known[number];
    if (known?.from === this.#done && isSame(known.timesNs, timesNs)) return known;
    const { timesNs: wanted, ascending } = this.#place;
    const rows = rowsAt(timesNs, wanted.subarray(this.#done), ascending);
    const found = { from: this.#done, timesNs, rows };
    // The arena is used again for the next batch.
    if (this.#columns.length === 0 && this.#fields.length > 1)
      this.#known[number] = { ...found, timesNs: timesNs.slice() };
    return found;
  }

  #pick(batch: ColumnBatch, rows: Int32Array): Column {
    const { type } = this.#field;
    const { arena } = this.#place.context;
    const { buffer } = arena.memory;
    const { valuesPtr, count } = batch;
    const words = <T extends WordValues>(room: T): T =>
      pickWords(new Uint32Array(buffer, valuesPtr, count * 2), rows, room);
    const valid = validOf(rows);
    if (batch.type === type && type === 'float')
      return { type, values: words(new Float64Array(rows.length)), valid };
    if (batch.type === type && type === 'integer')
      return { type, values: words(new BigInt64Array(rows.length)), valid };
    if (batch.type === type && type === 'unsigned')
      return { type, values: words(new BigUint64Array(rows.length)), valid };
    const [, column] = copyBatch(batch, arena);
    return pickRows(column, rows);
  }

  #endField(): void {
    const { type } = this.#field;
    const missing = this.#place.timesNs.length - this.#done;
    if (missing > 0) this.#pieces.push(nullColumn(type, missing));
    this.#columns.push(concatColumns(type, this.#pieces));
    this.#pieces = [];
    this.#batchCount = 0;
    this.#done = 0;
    this.#rowsRead = 0;
  }
}

function isSame(left: BigInt64Array, right: BigInt64Array): boolean {
  return left.length === right.length && bytesOf(left).equals(bytesOf(right));
}

function bytesOf({ buffer, byteOffset, byteLength }: BigInt64Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

/**
 * For each of `wantedNs` its row in `timesNs`, -1 where it has none, up to the first that may still come behind the last of
 * them. Both go in the direction of time, and are compared as words: a bigint for each comparison costs too much.
 */
function rowsAt(timesNs: BigInt64Array, wantedNs: BigInt64Array, ascending: boolean): Int32Array {
  const times = wordsOf(timesNs);
  const wanted = wordsOf(wantedNs);
  const rows = new Int32Array(wantedNs.length);
  const sign = ascending ? 1 : -1;
  let row = 0;
  for (let i = 0; i < rows.length; i++) {
    const low = wanted[i * 2] ?? 0;
    const high = wanted[i * 2 + 1] ?? 0;
    let order = -1;
    for (; row < timesNs.length; row++) {
      const difference = (times[row * 2 + 1] ?? 0) - high;
      // Only the upper word has a sign.
      order = difference === 0 ? ((times[row * 2] ?? 0) >>> 0) - (low >>> 0) : difference;
      if (order * sign >= 0) break;
    }
    if (row === timesNs.length) return rows.subarray(0, i);
    rows[i] = order === 0 ? row : -1;
  }
  return rows;
}

function wordsOf({ buffer, byteOffset, length }: BigInt64Array): Int32Array {
  return new Int32Array(buffer, byteOffset, length * 2);
}
