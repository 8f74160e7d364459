/**
 * Flushes series by the thousand: the kernel writes blocks, CRCs and index entries of as many as there is room for. Takes
 * series whose rows are all in one table without texts; the others are left (flush.ts).
 */
import { exactBytesOf } from '../../../base/exact-text.ts';
import { must } from '../../../base/assert.ts';
import { KiB, MiB } from '../../../base/units.ts';
import type { Slices } from '../../../env/slices.ts';
import type { StoreKernel } from '../../../kernels/store-kernel.ts';
import { FieldType } from '../../../models/field-value.ts';
import type { ResidentSeries } from '../../index/resident-series.ts';
import type { TsmWriter } from '../../tsm/tsm-writer.ts';
import type { Memtable } from '../memtable/memtable.ts';
import type { ShapeTable } from '../memtable/shape-table.ts';
import { placedBytesMax, PlacedRows } from './placed-rows.ts';

/** Longer series cost enough to be flushed one by one. */
const rowsMax = 16_384;
/** About what a slice of work writes. */
const blocksBytes = MiB;
const indexBytes = 256 * KiB;
const columnWords = 5;
/** With more columns a series would hardly fit. */
const columnsMax = 4_096;

interface Block {
  readonly at: number;
  readonly lengthBytes: number;
}

/** What the kernel has to know of a table: its columns by name. */
interface PlacedTable {
  readonly table: ShapeTable;
  readonly columns: number;
  readonly columnCount: number;
  /** Until all of it is written. */
  rows: PlacedRows | undefined;
  /** Of its series, those that are not written yet. */
  seriesLeft: number;
}

/** Measurements that are looked up between two looks at the time. */
const measurementsAtOnce = 1_024;
/** As kernels/assembly/placed.ts has it. */
const anyTable = 0xffffffff;

export interface OrderedSeries {
  /** In the store's memory, in order of their keys in files. */
  readonly ids: number;
  readonly count: number;
}

export class SeriesFlusher {
  readonly #kernel: StoreKernel;
  readonly #memtable: Memtable;
  readonly #index: ResidentSeries;
  readonly #held: Block[] = [];
  readonly #work: number;
  readonly #blocks: number;
  readonly #entries: number;
  /** By number of the measurement: the number of the one table that its rows are in, or anyTable. */
  readonly #tables: number;
  readonly #measurementCount: number;
  /** Some measurement is in any table. */
  #hasOthers = false;
  #isReady = false;
  /** By number of the table, once it was begun. */
  readonly #placed: (PlacedTable | undefined)[] = [];
  /** What rows of all tables take that are placed now: a sum over tables for each of them costs seconds with 20,000. */
  #placedBytes = 0;

  /** The memtable does not change meanwhile. */
  constructor(kernel: StoreKernel, memtable: Memtable) {
    this.#kernel = kernel;
    this.#memtable = memtable;
    this.#index = memtable.series;
    this.#work = this.#hold(kernel.exports.flushWorkBytes(rowsMax));
    this.#blocks = this.#hold(blocksBytes);
    this.#entries = this.#hold(indexBytes);
    this.#measurementCount = this.#index.measurements.length;
    this.#tables = this.#hold(Math.max(1, this.#measurementCount) * 4);
  }

  /** Gets ready for series from number `from` on: to be called before they are flushed. */
  async place({ ids, count }: OrderedSeries, from: number, slices: Slices): Promise<void> {
    if (!this.#isReady) await this.#numberTables(slices);
    const tableNumber = this.#tableAt(ids, from);
    if (tableNumber === anyTable || this.#placed[tableNumber] !== undefined) return;
    const table = must(this.#memtable.allTables()[tableNumber], 'a number is that of a table');
    const ports = {
      kernel: this.#kernel,
      index: this.#index,
      table,
      tables: this.#tables,
      tableNumber,
      roomBytesMax: placedBytesMax - this.#placedBytes,
      work: this.#work,
      rowsMax,
    };
    // Series before this one may have rows in it, too.
    const first = this.#hasOthers ? 0 : from;
    const rows = await PlacedRows.of(ports, { ids, from: first, count }, slices);
    try {
      this.#placed[tableNumber] = this.#place(table, rows);
    } catch (error) {
      rows?.release();
      throw error;
    }
    this.#placedBytes += rows?.roomBytes ?? 0;
  }

  /** Writes series from number `from` on, which are placed; answers the number of the one that it has left. */
  flush({ ids, count }: OrderedSeries, from: number, writer: TsmWriter): number {
    const tableNumber = this.#tableAt(ids, from);
    const placed = this.#placed[tableNumber];
    if (placed === undefined) return from;
    const { table, columns, columnCount, rows } = placed;
    const { at, mask, previous, times, sequences, order } = table.places();
    const { exports } = this.#kernel;
    const next = exports.flushSeries(this.#index.table.at, this.#tables, tableNumber, at, mask, previous, times, sequences, order, columns, columnCount, ids, from, count, rowsMax, this.#work, BigInt(writer.offset), this.#blocks, this.#blocks + blocksBytes, this.#entries, this.#entries + indexBytes, rows?.starts ?? 0, rows?.counts ?? 0, rows?.times ?? 0); // prettier-ignore
    const blocksEnd = exports.flushedBlocks() >>> 0;
    const indexEnd = exports.flushedIndex() >>> 0;
    const blocks = this.#kernel.bytes(this.#blocks, blocksEnd - this.#blocks);
    writer.addEncoded(blocks, this.#kernel.bytes(this.#entries, indexEnd - this.#entries));
    placed.seriesLeft -= next - from;
    if (placed.seriesLeft === 0) {
      this.#placedBytes -= placed.rows?.roomBytes ?? 0;
      placed.rows?.release();
      placed.rows = undefined;
    }
    return next;
  }

  release(): void {
    for (const placed of this.#placed) placed?.rows?.release();
    for (const { at, lengthBytes } of this.#held) this.#kernel.heap.free(at, lengthBytes);
    this.#held.length = 0;
  }

  #tableAt(ids: number, number: number): number {
    const [id = 0] = this.#kernel.words(ids + number * 4, 1);
    return this.#kernel.words(this.#tables, this.#measurementCount)[this.#index.measurementNumberOf(id)] ?? anyTable; // prettier-ignore
  }

  async #numberTables(slices: Slices): Promise<void> {
    const numbers = new Map(this.#memtable.allTables().map((table, number) => [table, number]));
    for (let from = 0; from < this.#measurementCount; from += measurementsAtOnce) {
      const end = Math.min(this.#measurementCount, from + measurementsAtOnce);
      const words = this.#kernel.words(this.#tables, end);
      for (let measurement = from; measurement < end; measurement++) {
        const tables = this.#memtable.tables(this.#index.measurementName(measurement));
        const table = this.#simpleTable(tables);
        words[measurement] = table === undefined ? anyTable : (numbers.get(table) ?? anyTable);
        this.#hasOthers ||= table === undefined && tables.length > 0;
      }
      await slices.next();
    }
    this.#isReady = true;
  }

  /** The one table that has all rows of a measurement; undefined where the kernel does not take it. */
  #simpleTable(tables: readonly ShapeTable[]): ShapeTable | undefined {
    const [table] = tables;
    const isSimple =
      table !== undefined &&
      tables.length === 1 &&
      !this.#index.hasSeparator &&
      table.fields.length <= columnsMax &&
      table.fields.every(({ type }) => type !== FieldType.string);
    return isSimple ? table : undefined;
  }

  #place(table: ShapeTable, rows: PlacedRows | undefined): PlacedTable {
    const named = table.columnsByName();
    const names = named.map(({ name }) => exactBytesOf(name));
    const headBytes = named.length * columnWords * 4;
    const nameBytes = names.reduce((sum, name) => sum + name.length, 0);
    const columns = this.#hold(headBytes + nameBytes);
    let at = columns + headBytes;
    named.forEach(({ type, column }, i) => {
      const name = names[i] ?? new Uint8Array();
      const words = [table.columnPlace(column), type, at, name.length, rows?.column(column) ?? 0];
      this.#kernel.words(columns + i * columnWords * 4, columnWords).set(words);
      this.#kernel.bytes(at, name.length).set(name);
      at += name.length;
    });
    return { table, columns, columnCount: named.length, rows, seriesLeft: table.heads.count };
  }

  #hold(lengthBytes: number): number {
    const at = this.#kernel.heap.allocate(lengthBytes);
    this.#held.push({ at, lengthBytes });
    return at;
  }
}
