/**
 * The rows of a table in order of their series, while it is flushed (kernels/assembly/placed.ts): each column is read once as it
 * lies. What it takes is bounded and given back with the flush; without room for it the flush follows the chains of series.
 */
import { MiB } from '../../../base/units.ts';
import type { Slices } from '../../../env/slices.ts';
import type { StoreKernel } from '../../../kernels/store-kernel.ts';
import { FieldType } from '../../../models/field-value.ts';
import type { ResidentSeries } from '../../index/resident-series.ts';
import type { ShapeTable } from '../memtable/shape-table.ts';

/** Tables of fewer rows are in the cache of a processor, whole. */
const rowsLeast = 16_384;
/** Of all tables of a flush: four memtables of the usual size. */
export const placedBytesMax = 128 * MiB;
/** What is done between two looks at the time. */
const rowsAtOnce = 131_072;
const seriesAtOnce = 32_768;

/** Series of the store in order of their keys in files, from the first of the table on. */
export interface SeriesFrom {
  readonly ids: number;
  readonly from: number;
  readonly count: number;
}

export interface PlacedPorts {
  readonly kernel: StoreKernel;
  readonly index: ResidentSeries;
  readonly table: ShapeTable;
  /** By number of the measurement, of the one table that its series have their rows in (kernels/assembly/placed.ts). */
  readonly tables: number;
  /** Of this one. */
  readonly tableNumber: number;
  /** What it may take. */
  readonly roomBytesMax: number;
  /** Room to order a series of `rowsMax` rows; longer ones are not asked for here. */
  readonly work: number;
  readonly rowsMax: number;
}

export class PlacedRows {
  readonly #kernel: StoreKernel;
  readonly #table: ShapeTable;
  readonly #series: SeriesFrom;
  #room: { readonly at: number; readonly lengthBytes: number } | undefined;
  readonly #starts: number;
  readonly #counts: number;
  readonly #places: number;
  /** A word for each row, until columns are placed. */
  readonly #spare: number;
  /** Where the times are. */
  readonly times: number;
  readonly #columns: readonly number[];

  private constructor(kernel: StoreKernel, table: ShapeTable, series: SeriesFrom) {
    const { rowCount, fields } = table;
    this.#kernel = kernel;
    this.#table = table;
    this.#series = series;
    const lengthBytes = roomBytesOf(table, series);
    const at = kernel.heap.allocateTrimmed(lengthBytes);
    this.#room = { at, lengthBytes };
    // Words of eight bytes, then booleans, then words of four.
    this.times = at;
    let top = at + rowCount * 8;
    const columns: number[] = [];
    for (const width of [8, 1])
      for (const [number, { type }] of fields.entries()) {
        if (widthOf(type) !== width) continue;
        columns[number] = top;
        top += Math.ceil((rowCount * width) / 8) * 8;
      }
    this.#columns = columns;
    this.#places = top;
    this.#starts = top + rowCount * 4;
    this.#counts = this.#starts + (series.count - series.from + 1) * 4;
    const wide = fields.findIndex(({ type }) => widthOf(type) === 8);
    this.#spare = columns[wide] ?? this.#counts + (series.count - series.from) * 4;
  }

  /** To be released. Undefined where it is not worth it or there is no room. */
  static async of(
    ports: PlacedPorts,
    series: SeriesFrom,
    slices: Slices,
  ): Promise<PlacedRows | undefined> {
    const { kernel, table, roomBytesMax } = ports;
    const roomBytes = roomBytesOf(table, series);
    // Before it is trimmed a block may be twice as large as what is asked for.
    const isFree = roomBytes * 2 <= kernel.heap.freeBytes;
    if (table.rowCount < rowsLeast || roomBytes > roomBytesMax || !isFree) return undefined;
    const placed = new PlacedRows(kernel, table, series);
    try {
      if (await placed.#place(ports, slices)) return placed;
    } catch (error) {
      placed.release();
      throw error;
    }
    placed.release();
    return undefined;
  }

  get roomBytes(): number {
    return this.#room?.lengthBytes ?? 0;
  }

  /** Where the first row of each series is said, by its number. */
  get starts(): number {
    return this.#starts - this.#series.from * 4;
  }

  /** How many rows of each count, by its number. */
  get counts(): number {
    return this.#counts - this.#series.from * 4;
  }

  column(number: number): number {
    return this.#columns[number] ?? 0;
  }

  release(): void {
    if (this.#room !== undefined)
      this.#kernel.heap.freeTrimmed(this.#room.at, this.#room.lengthBytes);
    this.#room = undefined;
  }

  /** False when not all rows are those of the series. */
  async #place(ports: PlacedPorts, slices: Slices): Promise<boolean> {
    const { exports } = this.#kernel;
    const { ids, from, count } = this.#series;
    const { tables, tableNumber } = ports;
    const { rowCount, fields } = this.#table;
    const { at, mask, previous, times } = this.#table.places();
    const [starts, counts, places] = [this.starts, this.counts, this.#places];
    let sum = 0;
    for (let first = from; first < count; first += seriesAtOnce) {
      const end = Math.min(count, first + seriesAtOnce);
      sum = exports.placeSeries(ports.index.table.at, tables, tableNumber, at, mask, ids, first, end, sum, starts, counts, places) >>> 0; // prettier-ignore
      await slices.next();
    }
    if (sum !== rowCount) return false;
    await this.#byRows(slices, (first, end) => {
      exports.placeRows(previous, first, end, places);
      exports.placeWords(times, first, end, places, this.times);
    });
    if (!(await this.#isInTime(slices))) await this.#order(ports, slices);
    for (const [number, { type }] of fields.entries()) {
      const column = this.#table.columnPlace(number);
      const out = this.column(number);
      await this.#byRows(slices, (first, end) => {
        if (type === FieldType.boolean) exports.placeBytes(column, first, end, places, out);
        else exports.placeWords(column, first, end, places, out);
      });
    }
    return true;
  }

  async #isInTime(slices: Slices): Promise<boolean> {
    const { from, count } = this.#series;
    for (let first = from; first < count; first += seriesAtOnce) {
      const end = Math.min(count, first + seriesAtOnce);
      const { exports } = this.#kernel;
      if (exports.arePlacedInTime(this.starts, this.counts, first, end, this.times) === 0)
        return false;
      await slices.next();
    }
    return true;
  }

  /** Has each row go to its place in order of time: bodies of several clients overtake each other. */
  async #order({ work, rowsMax }: PlacedPorts, slices: Slices): Promise<void> {
    const { exports } = this.#kernel;
    const { from, count } = this.#series;
    const { sequences, order } = this.#table.places();
    const rows = this.#spare;
    await this.#byRows(slices, (first, end) => {
      exports.listPlaced(this.#places, first, end, rows);
    });
    for (let next = from; next < count;) {
      const end = Math.min(count, next + seriesAtOnce);
      next = exports.orderPlaced(this.starts, this.counts, next, end, rowsMax, rowsAtOnce, this.times, rows, this.#places, work, sequences, order) >>> 0; // prettier-ignore
      await slices.next();
    }
  }

  async #byRows(slices: Slices, work: (first: number, end: number) => void): Promise<void> {
    const { rowCount } = this.#table;
    for (let first = 0; first < rowCount; first += rowsAtOnce) {
      work(first, Math.min(rowCount, first + rowsAtOnce));
      await slices.next();
    }
  }
}

function roomBytesOf({ rowCount, fields }: ShapeTable, { from, count }: SeriesFrom): number {
  const valueBytes = fields.reduce((sum, { type }) => sum + Math.ceil((rowCount * widthOf(type)) / 8) * 8, 0); // prettier-ignore
  const spareBytes = fields.some(({ type }) => widthOf(type) === 8) ? 0 : rowCount * 4;
  return rowCount * 12 + valueBytes + spareBytes + (count - from + 1) * 8;
}

function widthOf(type: FieldType): number {
  return type === FieldType.boolean ? 1 : 8;
}
