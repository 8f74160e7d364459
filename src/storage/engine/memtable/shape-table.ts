/**
 * Rows that have the same fields in order of arrival, in the store's memory: appended column by column, chained by series, gathered for
 * readers by kernels. No series and no row costs a JavaScript object.
 */
import { compareUtf8 } from '../../../base/compare-utf8.ts';
import { bytesOf, copyBytes } from '../../../base/copy-bytes.ts';
import { must } from '../../../base/assert.ts';
import { lowerBound } from '../../../base/lower-bound.ts';
import { FieldType } from '../../../models/field-value.ts';
import type { BatchColumn, BatchField, BatchRows } from '../../../models/point-batch.ts';
import type { StoreKernel } from '../../../kernels/store-kernel.ts';
import type { PlacedSeries } from '../../index/shard-index.ts';
import type { BatchOrder } from './batch-order.ts';
import { emptyColumn, valueAt } from '../columns/column-run.ts';
import { withoutRefused } from '../limits/refused-rows.ts';
import { keptRowsLeast, type ListedRows, OrderedRows } from './ordered-rows.ts';
import { copyWords, sequencesOfRows, textBytesOf, textsOfRows } from './row-columns.ts';
import { SeriesHeads } from './series-heads.ts';
import { Column, ShapeChunks } from './shape-chunks.ts';

export interface AppendContext {
  readonly series: PlacedSeries;
  readonly rejects: Uint8Array;
  /** Of the batch's first row. */
  readonly sequence: number;
  /** Of the batch's times. */
  readonly bounds: TimeBounds;
  /** All of the batch, of whose bytes its columns are views. */
  readonly words: Uint32Array;
}

/** Inclusive. */
export interface TimeBounds {
  readonly minTimeNs: bigint;
  readonly maxTimeNs: bigint;
}

export interface Arrivals {
  readonly timesNs: BigInt64Array;
  /** Places of the rows among all of the memtable. */
  readonly sequences: Uint32Array;
  readonly values: BatchColumn;
}

interface NamedColumn extends BatchField {
  readonly column: number;
}

interface EndBounds extends TimeBounds {
  /** The earliest when true, the latest otherwise. */
  readonly ascending: boolean;
}

interface FoundEnd extends EndBounds {
  readonly seriesId: number;
  readonly rowsMax: number;
  readonly row: number | undefined;
}

interface FoundRows extends ListedRows {
  readonly seriesId: number;
  readonly rowsMax: number;
  readonly lengthBytes: number;
}

/** So many rows are written word by word. */
const fewRowsMax = 8;
export class ShapeTable {
  readonly fields: readonly BatchField[];
  readonly #columns: ReadonlyMap<string, number>;
  readonly kernel: StoreKernel;
  readonly #chunks: ShapeChunks;
  readonly #heads: SeriesHeads;
  /** Of the memtable's batches. */
  readonly #order: BatchOrder;
  readonly #hasWordsOnly: boolean;
  #rowCount = 0;
  /** Of the series that was read last, in order of time: its next field needs them too. */
  #found: FoundRows | undefined;
  #lastEnd: FoundEnd | undefined;
  /** What readers left for the next ones, by series. */
  readonly #kept = new Map<number, OrderedRows>();
  #byName: readonly NamedColumn[] | undefined;
  /** Bounds of all rows. */
  #minTimeNs = 0n;
  #maxTimeNs = 0n;

  constructor(kernel: StoreKernel, fields: readonly BatchField[], order: BatchOrder) {
    this.fields = fields;
    this.#columns = new Map(fields.map(({ name }, column) => [name, column]));
    this.#hasWordsOnly = fields.every(({ type }) => type !== FieldType.string && type !== FieldType.boolean); // prettier-ignore
    this.#order = order;
    this.kernel = kernel;
    this.#chunks = new ShapeChunks(kernel, fields);
    this.#heads = new SeriesHeads(kernel);
  }

  get rowCount(): number {
    return this.#rowCount;
  }

  /** How many rows came before one of all of the memtable, which is the first of its batch. */
  rowsBefore(sequence: number): number {
    let [low, high] = [0, this.#rowCount];
    if (high === 0 || this.sequence(high - 1) < sequence) return high;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.sequence(middle) < sequence) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The series that have rows. */
  get heads(): SeriesHeads {
    return this.#heads;
  }

  hasShape(fields: readonly BatchField[]): boolean {
    const own = this.fields;
    if (fields === own) return true;
    return (
      fields.length === own.length &&
      fields.every(({ name, type }, i) => name === own[i]?.name && type === own[i].type)
    );
  }

  /** -1 when the shape has none. */
  columnOf(field: string): number {
    return this.#columns.get(field) ?? -1;
  }

  /** Bytes that a value of a column takes. */
  width(column: number): number {
    return this.#chunks.width(Column.firstField + column);
  }

  /** Where kernels find the chains of the series, their times, and which of two rows of one time counts. */
  places(): {
    at: number;
    mask: number;
    previous: number;
    times: number;
    sequences: number;
    order: number;
  } {
    // prettier-ignore
    const { at, mask } = this.#heads;
    const [previous = 0, times = 0, sequences = 0] = [Column.previous, Column.times, Column.sequence].map((one) => this.#chunks.column(one)); // prettier-ignore
    return { at, mask, previous, times, sequences, order: this.#order.place };
  }

  /** Where kernels find a column. */
  columnPlace(column: number): number {
    return this.#chunks.column(Column.firstField + column);
  }

  /** The columns in order of the bytes of their names. */
  columnsByName(): readonly NamedColumn[] {
    this.#byName ??= this.fields
      .map(({ name, type }, column) => ({ name, type, column }))
      .sort((a, b) => compareUtf8(a.name, b.name));
    return this.#byName;
  }

  /** Bytes of work room that append() needs in a placed batch. */
  static workBytes({ rowCount }: BatchRows): number {
    return (rowCount + 1) * 4;
  }

  /** Returns about how many bytes were added. */
  append(rows: BatchRows, context: AppendContext): number {
    if (this.#appendFew(rows, context)) return rows.rowCount * (20 + 8 * this.fields.length);
    const taken = withoutRefused(rows, context.rejects);
    if (taken.rowCount === 0) return 0;
    this.#widen(context.bounds);
    const textBases = taken.columns.map((column) => ('offsets' in column ? this.#chunks.keepTexts(column) : 0)); // prettier-ignore
    const rowBefore = this.#rowCount;
    for (let from = 0; from < taken.rowCount;) {
      const row = rowBefore + from;
      const end = from + this.#chunks.reserve(row, taken.rowCount - from);
      this.#write(taken, [from, end], { row, textBases, ...context });
      from = end;
    }
    this.#chain(taken, context.series, rowBefore);
    this.#rowCount = rowBefore + taken.rowCount;
    return taken.rowCount * (20 + 8 * this.fields.length) + textBytesOf(taken);
  }

  /**
   * Few rows that have numbers only: word by word, since a view of each side takes longer.
   * False for any other.
   */
  #appendFew(rows: BatchRows, context: AppendContext): boolean {
    const { rowCount, timesNs, ordinals, series, columns } = rows;
    const { words, series: placed, sequence } = context;
    const row = this.#rowCount;
    if (rowCount > fewRowsMax || context.rejects.length > 0 || !this.#hasWordsOnly) return false;
    if (timesNs.buffer !== words.buffer || this.#chunks.reserve(row, rowCount) < rowCount) return false; // prettier-ignore
    this.#widen(context.bounds);
    this.#heads.reserve(Math.min(rowCount, placed.count));
    const { allWords, exports } = this.kernel;
    copyWords(timesNs, words, allWords, this.#chunks.place(Column.times, row));
    for (let i = 0; i < columns.length; i++)
      copyWords(columns[i] as BigInt64Array, words, allWords, this.#chunks.place(Column.firstField + i, row)); // prettier-ignore
    const sequences = this.#chunks.place(Column.sequence, row) / 4;
    for (let i = 0; i < rowCount; i++) {
      allWords[sequences + i] = (ordinals[i] ?? 0) + sequence;
      allWords[placed.work / 4 + i] = series[i] ?? 0;
    }
    const { at, mask } = this.#heads;
    this.#heads.added(exports.chainRows(at, mask, placed.work, placed.ids, rowCount, row, this.#chunks.column(Column.previous))); // prettier-ignore
    this.#rowCount = row + rowCount;
    return true;
  }

  #write(
    { timesNs, ordinals, columns }: BatchRows,
    [from, end]: readonly [number, number],
    to: AppendContext & { readonly row: number; readonly textBases: readonly number[] },
  ): void {
    const { row } = to;
    const { exports } = this.kernel;
    this.#chunks.write(Column.times, row, timesNs.subarray(from, end));
    this.#chunks.write(Column.sequence, row, ordinals.subarray(from, end));
    exports.addToWords(this.#chunks.place(Column.sequence, row), end - from, to.sequence);
    columns.forEach((column, i) => {
      const number = Column.firstField + i;
      if (!('offsets' in column)) {
        this.#chunks.write(number, row, column.subarray(from, end));
        return;
      }
      const { work } = to.series;
      this.kernel.words(work, end - from + 1).set(column.offsets.subarray(from, end + 1));
      const base = (to.textBases[i] ?? 0) - (column.offsets[0] ?? 0);
      exports.placeTexts(work, 0, end - from, base, this.#chunks.place(number, row));
    });
  }

  /** Links the rows from `row` on to those of their series before them. */
  #chain({ series, rowCount }: BatchRows, placed: PlacedSeries, row: number): void {
    this.#heads.reserve(Math.min(rowCount, placed.count));
    copyBytes(this.kernel.bytes(placed.work, rowCount * 4), bytesOf(series));
    const { at, mask } = this.#heads;
    this.#heads.added(
      this.kernel.exports.chainRows(at, mask, placed.work, placed.ids, rowCount, row, this.#chunks.column(Column.previous)), // prettier-ignore
    );
  }

  /** Whether a series has a row below `rowsMax`. */
  hasRows(seriesId: number, rowsMax: number): boolean {
    const { at, mask } = this.#heads;
    return this.kernel.exports.firstRow(at, mask, seriesId) >>> 0 < rowsMax;
  }

  /** Copies of what the rows of a series below `rowsMax` have, in order of arrival. */
  arrivals(column: number, seriesId: number, rowsMax: number): Arrivals {
    const listed = this.#allListed(seriesId, rowsMax);
    const timesNs = new BigInt64Array(this.kernel.buffer, listed.times, listed.count).slice();
    const sequences = sequencesOfRows(this.kernel, this.#chunks.column(Column.sequence), listed);
    return { timesNs, sequences, values: this.valuesOf(column, listed) };
  }

  /** The times of inTime(). A view: it holds until the memory grows or another series is read. */
  timesInTime(seriesId: number, rowsMax: number): BigInt64Array {
    const { times, count } = this.#ordered(seriesId, rowsMax);
    return new BigInt64Array(this.kernel.buffer, times, count);
  }

  /** Values of some rows of inTime(), 8 bytes or one a row. A view: it holds until the next call. */
  bytesInTime(
    column: number,
    { seriesId, rowsMax, from, count }: { readonly seriesId: number; readonly rowsMax: number; readonly from: number; readonly count: number }, // prettier-ignore
  ): Uint8Array {
    const widthBytes = this.#chunks.width(Column.firstField + column);
    const lengthBytes = count * widthBytes;
    const gather = (listed: Pick<ListedRows, 'rows' | 'count'>, out: number) => {
      this.gather(column, listed, out);
    };
    const kept = count < keptRowsLeast ? undefined : this.keptFor(seriesId, rowsMax);
    const at = kept?.column(column, from + count, { widthBytes, gather });
    if (at !== undefined) return this.kernel.bytes(at + from * widthBytes, lengthBytes);
    let { rows } = this.#ordered(seriesId, rowsMax);
    const keptBefore = this.#kept.get(seriesId);
    let out = this.kernel.scratch(lengthBytes);
    if (this.#kept.get(seriesId) !== keptBefore) {
      // The room was that of the rows.
      ({ rows } = this.inTime(seriesId, rowsMax));
      out = this.kernel.scratch(lengthBytes);
    }
    this.gather(column, { rows: rows + from * 4, count }, out);
    return this.kernel.bytes(out, lengthBytes);
  }

  /** inTime() for a reader, of what is kept where there is enough of it; no pointer is held over an allocation. */
  #ordered(seriesId: number, rowsMax: number): ListedRows {
    return this.keptFor(seriesId, rowsMax)?.below(rowsMax) ?? this.inTime(seriesId, rowsMax);
  }

  /** What readers leave of a series; undefined for one of few rows, and for a view whose rows are not the first of what is kept. */
  keptFor(seriesId: number, rowsMax: number): OrderedRows | undefined {
    const known = this.#kept.get(seriesId);
    if (known !== undefined && rowsMax <= known.rowsSeen)
      return known.below(rowsMax) === undefined ? undefined : known;
    const { exports, kept } = this.kernel;
    const { at, mask } = this.#heads;
    const total = exports.rowsOfSeries(at, mask, seriesId);
    if (total < keptRowsLeast) return undefined;
    if (known !== undefined) {
      const [from, room] = [known.rowsSeen, total - known.arrivedCount];
      const added = this.#listed(seriesId, { from, rowsMax, room });
      const isNewer = this.#isInTime(added.times, added.count);
      // The list may have taken the room of what is kept.
      if (isNewer && this.#kept.get(seriesId) === known && known.append(added, rowsMax))
        return known;
      kept.remove(known);
    }
    return this.#keep(seriesId, rowsMax, total);
  }

  #keep(seriesId: number, rowsMax: number, total: number): OrderedRows | undefined {
    const { rows, times, count } = this.#listed(seriesId, { from: 0, rowsMax, room: total });
    if (count < keptRowsLeast) return undefined;
    const isPlain = this.#isInTime(times, count);
    const listed = { rows, times, count: isPlain ? count : this.#orderInPlace(rows, times, count) };
    const onRelease = () => this.#kept.delete(seriesId);
    const seen = { rowsSeen: rowsMax, arrivedCount: count, isPlain, onRelease };
    const made = new OrderedRows(this.kernel, listed, seen);
    this.#kept.set(seriesId, made);
    this.kernel.kept.add(made);
    return made;
  }

  /** The value of one row. A text is a copy. */
  valueOf(column: number, row: number): number | bigint | boolean | Uint8Array {
    const { type } = must(this.fields[column], 'the column is there');
    const at = this.#chunks.place(Column.firstField + column, row);
    const { view } = this.kernel;
    if (type !== FieldType.string) return valueAt(type, view, at);
    return this.kernel.bytes(view.getUint32(at, true), view.getUint32(at + 4, true)).slice();
  }

  /**
   * The same in order of time, of equal times the one that counts only: each row has all of the shape's fields, so that it
   * does for each of them.
   */
  inTime(seriesId: number, rowsMax: number): ListedRows {
    const found = this.#found;
    if (found?.seriesId === seriesId && found.rowsMax === rowsMax) return found;
    const { rows, times, count } = this.#allListed(seriesId, rowsMax);
    const lengthBytes = Math.max(1, count) * 12;
    this.#forgetFound();
    const at = this.kernel.heap.allocate(lengthBytes);
    const ordered = this.#isInTime(times, count) ? count : this.#orderInPlace(rows, times, count);
    this.kernel.bytes(at, ordered * 8).set(this.kernel.bytes(times, ordered * 8));
    this.kernel.bytes(at + ordered * 8, ordered * 4).set(this.kernel.bytes(rows, ordered * 4));
    this.#found = { seriesId, rowsMax, count: ordered, times: at, rows: at + ordered * 8, lengthBytes }; // prettier-ignore
    return this.#found;
  }

  #isInTime(times: number, count: number): boolean {
    return this.kernel.exports.isAscending(times, count) !== 0;
  }

  /** In place; answers how many are kept. The room behind them is as large again, see #listed(). */
  #orderInPlace(rows: number, times: number, count: number): number {
    const spareTimes = rows + Math.ceil(count / 2) * 8;
    const spareRows = spareTimes + count * 8;
    const runs = spareRows + Math.ceil(count / 2) * 8;
    const { sequences, order } = this.places();
    return this.kernel.exports.orderRows(times, rows, count, spareTimes, spareRows, runs, sequences, order); // prettier-ignore
  }

  #allListed(seriesId: number, rowsMax: number): ListedRows {
    const { at, mask } = this.#heads;
    const room = this.kernel.exports.rowsOfSeries(at, mask, seriesId);
    return this.#listed(seriesId, { from: 0, rowsMax, room });
  }

  /** Rows [from, rowsMax), at most `room`, in the scratch room, which is large enough to order them too. */
  #listed(
    seriesId: number,
    {
      from,
      rowsMax,
      room,
    }: { readonly from: number; readonly rowsMax: number; readonly room: number },
  ): ListedRows {
    const { exports } = this.kernel;
    const { at, mask } = this.#heads;
    if (room === 0) return { count: 0, rows: 0, times: 0 };
    const times = this.kernel.scratch((room + 2) * 32);
    const rows = times + room * 8;
    const count = exports.chainedSince(at, mask, seriesId, from, rowsMax, room, this.#chunks.column(Column.previous), this.#chunks.column(Column.times), rows, times); // prettier-ignore
    return { count, rows, times };
  }

  /**
   * The row of a series below `rowsMax` at one end of the bounds: the earliest or the latest, of one time what counts. Rows
   * that a view sees stay what they are, and the next field of a series has its end in the same one.
   */
  endRow(seriesId: number, rowsMax: number, bounds: EndBounds): number | undefined {
    const last = this.#lastEnd;
    const { minTimeNs, maxTimeNs, ascending } = bounds;
    if (last?.seriesId === seriesId && last.rowsMax === rowsMax && last.ascending === ascending && last.minTimeNs === minTimeNs && last.maxTimeNs === maxTimeNs) return last.row; // prettier-ignore
    const row = this.#findEnd(seriesId, rowsMax, bounds);
    this.#lastEnd = { seriesId, rowsMax, minTimeNs, maxTimeNs, ascending, row };
    return row;
  }

  #findEnd(
    seriesId: number,
    rowsMax: number,
    { minTimeNs, maxTimeNs, ascending }: EndBounds,
  ): number | undefined {
    const kept = this.keptFor(seriesId, rowsMax)?.below(rowsMax);
    if (kept !== undefined) return this.#endOf(kept, { minTimeNs, maxTimeNs, ascending });
    const { at, mask, previous, times, sequences, order } = this.places();
    const row = this.kernel.exports.endRow(at, mask, seriesId, rowsMax, previous, times, clamped(minTimeNs), clamped(maxTimeNs), ascending, sequences, order); // prettier-ignore
    return row === 0 ? undefined : (row >>> 0) - 1;
  }

  #endOf(
    { rows, times, count }: ListedRows,
    { minTimeNs, maxTimeNs, ascending }: EndBounds,
  ): number | undefined {
    const all = new BigInt64Array(this.kernel.buffer, times, count);
    const at = ascending ? lowerBound(all, minTimeNs) : lowerBound(all, maxTimeNs + 1n) - 1;
    const timeNs = all[at];
    if (timeNs === undefined || timeNs < minTimeNs || timeNs > maxTimeNs) return undefined;
    return this.kernel.words(rows, count)[at];
  }

  /** Whether any row may lie within the bounds. */
  overlaps({ minTimeNs, maxTimeNs }: TimeBounds): boolean {
    return this.#rowCount > 0 && this.#minTimeNs <= maxTimeNs && this.#maxTimeNs >= minTimeNs;
  }

  /** Writes the values of rows, texts aside, to `out`, 8 bytes or one a row. */
  gather(column: number, { rows, count }: Pick<ListedRows, 'rows' | 'count'>, out: number): void {
    const number = Column.firstField + column;
    const { exports } = this.kernel;
    const from = this.#chunks.column(number);
    if (this.#chunks.width(number) === 8) exports.chunkWords(from, rows, count, out);
    else exports.chunkBytes(from, rows, count, out);
  }

  /** A copy of the values of rows. */
  valuesOf(column: number, listed: Pick<ListedRows, 'rows' | 'count'>): BatchColumn {
    const { type } = must(this.fields[column], 'the column is there');
    if (type === FieldType.string)
      return textsOfRows(this.kernel, this.columnPlace(column), listed);
    const { heap } = this.kernel;
    const values = emptyColumn(type, listed.count);
    const lengthBytes = Math.max(1, values.byteLength);
    const at = heap.allocate(lengthBytes);
    this.gather(column, listed, at);
    new Uint8Array(values.buffer).set(this.kernel.bytes(at, values.byteLength));
    heap.free(at, lengthBytes);
    return values;
  }

  timeNs(row: number): bigint {
    return this.kernel.view.getBigInt64(this.#chunks.place(Column.times, row), true);
  }

  sequence(row: number): number {
    return this.kernel.view.getUint32(this.#chunks.place(Column.sequence, row), true);
  }

  /** Negative when the row at sequence `left` of the memtable counts less than the one at `right`, of one series and time. */
  compareSequences(left: number, right: number): number {
    return this.#order.compare(left, right);
  }

  /** Gives its memory back: nobody may ask any more. */
  release(): void {
    this.#forgetFound();
    for (const kept of this.#kept.values()) this.kernel.kept.remove(kept);
    this.#chunks.release();
    this.#heads.release();
  }

  #forgetFound(): void {
    if (this.#found !== undefined)
      this.kernel.heap.free(this.#found.times, this.#found.lengthBytes);
    this.#found = undefined;
  }

  #widen({ minTimeNs, maxTimeNs }: TimeBounds): void {
    if (this.#rowCount === 0 || minTimeNs < this.#minTimeNs) this.#minTimeNs = minTimeNs;
    if (this.#rowCount === 0 || maxTimeNs > this.#maxTimeNs) this.#maxTimeNs = maxTimeNs;
  }
}

/** Bounds of a query may lie beyond int64. */
function clamped(timeNs: bigint): bigint {
  if (timeNs < -(2n ** 63n)) return -(2n ** 63n);
  return timeNs > 2n ** 63n - 1n ? 2n ** 63n - 1n : timeNs;
}
