/**
 * Flushes series by the thousand: the kernel writes blocks, CRCs and index entries of as many as there is room for. Takes
 * series whose rows are all in one table without texts; the others are left (flush.ts).
 */
import { KiB, MiB } from '../../../base/units.ts';
import type { Slices } from '../../../env/slices.ts';
import type { StoreKernel } from '../../../kernels/store-kernel.ts';
import { FieldType } from '../../../models/field-value.ts';
import type { ResidentSeries } from '../../index/resident-series.ts';
import type { TsmWriter } from '../../tsm/tsm-writer.ts';
import type { Memtable } from '../memtable/memtable.ts';
import type { ShapeTable } from '../memtable/shape-table.ts';
import { PlacedRows } from './placed-rows.ts';

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
  readonly rows: PlacedRows | undefined;
}

export interface OrderedSeries {
  /** In the store's memory, in order of their keys in files. */
  readonly ids: number;
  readonly count: number;
}

const encoder = new TextEncoder();

export class SeriesFlusher {
  readonly #kernel: StoreKernel;
  readonly #memtable: Memtable;
  readonly #index: ResidentSeries;
  readonly #held: Block[] = [];
  readonly #work: number;
  readonly #blocks: number;
  readonly #entries: number;
  /** By number of the measurement; undefined for one that is left. */
  readonly #placed = new Map<number, PlacedTable | undefined>();
  /** Of the measurement that was begun last. */
  #rows: PlacedRows | undefined;

  /** The memtable does not change meanwhile. */
  constructor(kernel: StoreKernel, memtable: Memtable) {
    this.#kernel = kernel;
    this.#memtable = memtable;
    this.#index = memtable.series;
    this.#work = this.#hold(kernel.exports.flushWorkBytes(rowsMax));
    this.#blocks = this.#hold(blocksBytes);
    this.#entries = this.#hold(indexBytes);
  }

  /** Gets ready for series from number `from` on: to be called before they are flushed. */
  async place({ ids, count }: OrderedSeries, from: number, slices: Slices): Promise<void> {
    const measurement = this.#measurementAt(ids, from);
    if (this.#placed.has(measurement)) return;
    const table = this.#simpleTable(measurement);
    if (table === undefined) {
      this.#placed.set(measurement, undefined);
      return;
    }
    const store = { kernel: this.#kernel, index: this.#index, table, work: this.#work, rowsMax };
    // The rows of the measurement before are all written.
    this.#rows?.release();
    this.#rows = undefined;
    this.#rows = await PlacedRows.of(store, { ids, from, count, measurement }, slices);
    this.#placed.set(measurement, this.#place(table, this.#rows));
  }

  /** Writes series from number `from` on, which are placed; answers the number of the one that it has left. */
  flush({ ids, count }: OrderedSeries, from: number, writer: TsmWriter): number {
    const measurement = this.#measurementAt(ids, from);
    const placed = this.#placed.get(measurement);
    if (placed === undefined) return from;
    const { table, columns, columnCount } = placed;
    // Series of a measurement that was begun before another one follow their chains.
    const rows = placed.rows === this.#rows ? placed.rows : undefined;
    const { at, mask, previous, times, sequences, order } = table.places();
    const { exports } = this.#kernel;
    const next = exports.flushSeries(this.#index.table.at, measurement, at, mask, previous, times, sequences, order, columns, columnCount, ids, from, count, rowsMax, this.#work, BigInt(writer.offset), this.#blocks, this.#blocks + blocksBytes, this.#entries, this.#entries + indexBytes, rows?.starts ?? 0, rows?.counts ?? 0, rows?.times ?? 0); // prettier-ignore
    const blocksEnd = exports.flushedBlocks() >>> 0;
    const indexEnd = exports.flushedIndex() >>> 0;
    const blocks = this.#kernel.bytes(this.#blocks, blocksEnd - this.#blocks);
    writer.addEncoded(blocks, this.#kernel.bytes(this.#entries, indexEnd - this.#entries));
    return next;
  }

  release(): void {
    this.#rows?.release();
    for (const { at, lengthBytes } of this.#held) this.#kernel.heap.free(at, lengthBytes);
    this.#held.length = 0;
  }

  #measurementAt(ids: number, number: number): number {
    const [id = 0] = this.#kernel.words(ids + number * 4, 1);
    return this.#index.measurementNumberOf(id);
  }

  /** The one table that has all rows of a measurement; undefined where the kernel does not take it. */
  #simpleTable(measurement: number): ShapeTable | undefined {
    const tables = this.#memtable.tables(this.#index.measurementName(measurement));
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
    const names = named.map(({ name }) => encoder.encode(name));
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
    return { table, columns, columnCount: named.length, rows };
  }

  #hold(lengthBytes: number): number {
    const at = this.#kernel.heap.allocate(lengthBytes);
    this.#held.push({ at, lengthBytes });
    return at;
  }
}
