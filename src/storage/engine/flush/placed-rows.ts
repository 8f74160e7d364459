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
/** Four memtables of the usual size. */
const roomBytesMax = 128 * MiB;
/** What is done between two looks at the time. */
const rowsAtOnce = 131_072;
const seriesAtOnce = 32_768;
/** Where more of the rows are out of order they are gathered anyway. */
const unorderedPartMax = 1 / 4;

/** Series of the store in order of their keys in files, from the first of the table on. */
export interface SeriesFrom {
  readonly ids: number;
  readonly from: number;
  readonly count: number;
  readonly measurement: number;
}

export class PlacedRows {
  readonly #kernel: StoreKernel;
  readonly #table: ShapeTable;
  readonly #series: SeriesFrom;
  #room: { readonly at: number; readonly lengthBytes: number } | undefined;
  readonly #starts: number;
  readonly #places: number;
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
  }

  /** To be released. Undefined where it is not worth it or there is no room. */
  static async of(
    { kernel, index, table }: { readonly kernel: StoreKernel; readonly index: ResidentSeries; readonly table: ShapeTable }, // prettier-ignore
    series: SeriesFrom,
    slices: Slices,
  ): Promise<PlacedRows | undefined> {
    const roomBytes = roomBytesOf(table, series);
    // Before it is trimmed a block may be twice as large as what is asked for.
    const isFree = roomBytes * 2 <= kernel.heap.freeBytes;
    if (table.rowCount < rowsLeast || roomBytes > roomBytesMax || !isFree) return undefined;
    const placed = new PlacedRows(kernel, table, series);
    try {
      if (await placed.#place(index, slices)) return placed;
    } catch (error) {
      placed.release();
      throw error;
    }
    placed.release();
    return undefined;
  }

  /** Where the first row of each series is said, by its number. */
  get starts(): number {
    return this.#starts - this.#series.from * 4;
  }

  column(number: number): number {
    return this.#columns[number] ?? 0;
  }

  release(): void {
    if (this.#room !== undefined)
      this.#kernel.heap.freeTrimmed(this.#room.at, this.#room.lengthBytes);
    this.#room = undefined;
  }

  /** False when the rows are better gathered. */
  async #place(index: ResidentSeries, slices: Slices): Promise<boolean> {
    const { exports } = this.#kernel;
    const { ids, from, count, measurement } = this.#series;
    const { rowCount, fields } = this.#table;
    const { at, mask, previous, times } = this.#table.places();
    let sum = 0;
    for (let first = from; first < count; first += seriesAtOnce) {
      const end = Math.min(count, first + seriesAtOnce);
      sum = exports.placeSeries(index.table.at, measurement, at, mask, ids, first, end, sum, this.starts, this.#places) >>> 0; // prettier-ignore
      await slices.next();
    }
    if (sum !== rowCount) return false;
    this.#kernel.words(this.starts + count * 4, 1)[0] = sum;
    await this.#byRows(slices, (first, end) => {
      exports.placeRows(previous, first, end, this.#places);
      exports.placeWords(times, first, end, this.#places, this.times);
    });
    let unordered = 0;
    for (let first = from; first < count; first += seriesAtOnce) {
      unordered += exports.unorderedRows(this.starts, first, Math.min(count, first + seriesAtOnce), this.times); // prettier-ignore
      await slices.next();
    }
    if (unordered > rowCount * unorderedPartMax) return false;
    for (const [number, { type }] of fields.entries()) {
      const column = this.#table.columnPlace(number);
      const out = this.column(number);
      await this.#byRows(slices, (first, end) => {
        if (type === FieldType.boolean) exports.placeBytes(column, first, end, this.#places, out);
        else exports.placeWords(column, first, end, this.#places, out);
      });
    }
    return true;
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
  return rowCount * 12 + valueBytes + (count - from + 1) * 4;
}

function widthOf(type: FieldType): number {
  return type === FieldType.boolean ? 1 : 8;
}
