/** What a memtable held when the view was taken, for one reader. Its rows are read where they lie. */
import type { Arena } from '../../../kernels/arena.ts';
import type { ResidentSeries } from '../../index/resident-series.ts';
import type { ColumnRun } from '../columns/column-run.ts';
import type { EndValue } from '../../tsm/known-ends.ts';
import type { ColumnEndRequest, ColumnName, KnownSeries, MemoryEnd, MemoryFold, MemoryPart, MemoryRow, MemoryRuns, RowEndRequest, SeriesBounds } from '../memory-part.ts'; // prettier-ignore
import { foldRows, type FoldedSeries } from './fold-rows.ts';
import { runRows, type RunRows } from './run-rows.ts';
import { memtablePieces, readRows, type ShapeRows } from './memtable-read.ts';
import type { ColumnPiece } from '../columns/run-cursor.ts';
import type { ShapeTable, TimeBounds } from './shape-table.ts';
import { fewToAsk } from './tables-by-series.ts';

interface FoundRow {
  readonly table: ShapeTable;
  readonly row: number;
  readonly timeNs: bigint;
}

interface FoundEnd extends FoundRow {
  readonly column: number;
}

/** A series with the bounds of its times. */
export interface ViewedSeries extends TimeBounds {
  readonly key: Uint8Array;
}

/** The part of a memtable that a view reads. */
export interface ViewedMemtable {
  /** Of all rows. */
  readonly bounds: TimeBounds | undefined;
  readonly sizeBytes: number;
  readonly series: ResidentSeries;
  allTables(): readonly ShapeTable[];
  tables(measurement: string): readonly ShapeTable[];
  /** Those of them that may have rows of a series. */
  tablesOf(measurement: string, seriesId: number): Iterable<ShapeTable>;
}

export class MemtableView implements MemoryPart {
  readonly #memtable: ViewedMemtable;
  /** Its rows are those that came before this one among all of the memtable. */
  readonly #sequenceEnd: number;
  /** Of the tables that were asked for. */
  readonly #rowCounts = new Map<ShapeTable, number>();
  /** Lets go of the memtable: the view must not be asked any more. */
  readonly release: () => void;

  constructor(memtable: ViewedMemtable, sequenceEnd: number, release: () => void) {
    this.#memtable = memtable;
    this.#sequenceEnd = sequenceEnd;
    this.release = release;
  }

  /** How many rows of a table are in view, the first of it. */
  #rowsOf(table: ShapeTable): number {
    const known = this.#rowCounts.get(table);
    if (known !== undefined) return known;
    const count = table.rowsBefore(this.#sequenceEnd);
    this.#rowCounts.set(table, count);
    return count;
  }

  /** Those that it knows series by. */
  get series(): ResidentSeries {
    return this.#memtable.series;
  }

  idOf(key: Uint8Array): number | undefined {
    return this.#memtable.series.find(key);
  }

  idsOf(readerIds: Uint32Array, { index, keys }: KnownSeries): Int32Array {
    const { series } = this.#memtable;
    const ids = new Int32Array(readerIds.length);
    // Mostly series of files are looked for; those that the memtable brought are its own.
    if (index.numbersIn(series, readerIds, ids)) return ids;
    const { starts, ends } = keys.ofSeries(readerIds.length);
    const written = keys.bytes.subarray(0, ends[ends.length - 1]);
    series.findAll(written, starts, { ends, ids });
    return ids;
  }

  end(request: ColumnEndRequest): MemoryEnd | undefined {
    const end = this.#findEnd(request);
    if (end === undefined) return undefined;
    const { table, column, row, timeNs } = end;
    return { timeNs, value: () => table.valueOf(column, row) };
  }

  #findEnd(request: ColumnEndRequest): FoundEnd | undefined {
    const { measurement, seriesId, field, ascending } = request;
    let best: FoundEnd | undefined;
    for (const table of this.#memtable.tablesOf(measurement, seriesId)) {
      const column = table.columnOf(field);
      const rowsMax = this.#rowsOf(table);
      if (column < 0 || rowsMax === 0 || !table.overlaps(request)) continue;
      const row = table.endRow(seriesId, rowsMax, request);
      if (row === undefined) continue;
      const end = { table, column, row, timeNs: table.timeNs(row) };
      const isBetter =
        best === undefined ||
        (end.timeNs === best.timeNs
          ? table.compareSequences(table.sequence(row), best.table.sequence(best.row)) > 0
          : end.timeNs < best.timeNs === ascending);
      if (isBetter) best = end;
    }
    return best;
  }

  /** The row of a series at one end of the bounds; undefined when there is none, or rows of several shapes. */
  endRow(request: RowEndRequest): MemoryRow | undefined {
    const { measurement, seriesId } = request;
    let found: ShapeTable | undefined;
    for (const table of this.#memtable.tablesOf(measurement, seriesId)) {
      if (!table.hasRows(seriesId, this.#rowsOf(table))) continue;
      if (found !== undefined) return undefined;
      found = table;
    }
    const row = found?.endRow(seriesId, this.#rowsOf(found), request);
    if (found === undefined || row === undefined) return undefined;
    const table = found;
    const valueOf = (field: string): EndValue | undefined => {
      const column = table.columnOf(field);
      return column < 0 ? undefined : table.valueOf(column, row);
    };
    return { timeNs: table.timeNs(row), valueOf };
  }

  /** The first and the last time of a series within the bounds; undefined when it has no rows there. */
  timesOf(request: SeriesBounds): TimeBounds | undefined {
    let times: TimeBounds | undefined;
    for (const table of this.#memtable.tablesOf(request.measurement, request.seriesId)) {
      const rowsMax = this.#rowsOf(table);
      if (rowsMax === 0 || !table.overlaps(request)) continue;
      const first = table.endRow(request.seriesId, rowsMax, { ...request, ascending: true });
      const last = table.endRow(request.seriesId, rowsMax, { ...request, ascending: false });
      if (first === undefined || last === undefined) continue;
      const [minTimeNs, maxTimeNs] = [table.timeNs(first), table.timeNs(last)];
      times = {
        minTimeNs: times !== undefined && times.minTimeNs < minTimeNs ? times.minTimeNs : minTimeNs,
        maxTimeNs: times !== undefined && times.maxTimeNs > maxTimeNs ? times.maxTimeNs : maxTimeNs,
      };
    }
    return times;
  }

  /** Of all rows, those that came later included; undefined when there are none. */
  get bounds(): TimeBounds | undefined {
    return this.#memtable.bounds;
  }

  get sizeBytes(): number {
    return this.#memtable.sizeBytes;
  }

  /** Series that have rows, as often as they have them of several shapes. A key holds until the memory grows. */
  *viewedSeries(): Generator<ViewedSeries, void> {
    const always = { minTimeNs: -(2n ** 63n), maxTimeNs: 2n ** 63n - 1n };
    for (const table of this.#memtable.allTables()) {
      const rowsMax = this.#rowsOf(table);
      if (rowsMax === 0) continue;
      for (const id of table.heads.ids()) {
        const [first, last] = [true, false].map((ascending) => table.endRow(id, rowsMax, { ...always, ascending })); // prettier-ignore
        if (first === undefined || last === undefined) continue;
        const key = this.#memtable.series.keyOf(id);
        yield { key, minTimeNs: table.timeNs(first), maxTimeNs: table.timeNs(last) };
      }
    }
  }

  /** The values of a field in a series; undefined when there are none. Who knows the tables that may have it names them. */
  read(name: ColumnName, tables?: readonly ShapeTable[]): ColumnRun | undefined {
    const parts = this.#parts(name, undefined, tables);
    return parts.length === 0 ? undefined : readRows(parts);
  }

  /** How many values of a field a series has, those that were written again included. */
  valueCount(name: ColumnName): number {
    return this.#parts(name).reduce(
      (sum, { table, seriesId, rowsMax }) => sum + table.timesInTime(seriesId, rowsMax).length,
      0,
    );
  }

  /** Adds the rows of a series to tables of windows where they lie; undefined when cursors have to be read. */
  fold({ measurement, seriesId, fields, table, ...bounds }: MemoryFold): number | undefined {
    let found: FoldedSeries | undefined;
    for (const one of this.#memtable.tablesOf(measurement, seriesId)) {
      const rowsMax = this.#rowsOf(one);
      if (rowsMax === 0 || !one.overlaps(bounds) || !one.hasRows(seriesId, rowsMax)) continue;
      const columns = fields.map((field) => one.columnOf(field));
      if (columns.every((column) => column < 0)) continue;
      // Rows of several shapes may have the same times.
      if (found !== undefined) return undefined;
      found = { table: one, seriesId, rowsMax, columns };
    }
    return found === undefined ? 0 : foldRows(found, table, bounds);
  }

  /** Rows of many series, shape after shape of those that have one of the fields. */
  *runs(
    { measurements, fields, ...request }: MemoryRuns,
    arena: Arena,
  ): Generator<RunRows, undefined> {
    const all = measurements.flatMap((measurement) => this.#memtable.tables(measurement));
    const tables = measurements.length < 2 ? all : [...new Set(all)];
    // Rows of a series are in many of them: it is read by itself, without a look at all for all series.
    if (tables.length > fewToAsk) {
      yield { seriesCount: 0, counts: new Uint32Array(), timesPtr: 0, valuesPtrs: [] };
      return;
    }
    for (const table of tables) {
      const rowsMax = this.#rowsOf(table);
      if (rowsMax === 0 || !table.overlaps(request)) continue;
      const columns = fields.map((field) => table.columnOf(field));
      if (columns.every((column) => column < 0)) continue;
      yield runRows({ ...request, table, rowsMax, columns }, arena);
    }
  }

  /** The same as parts within the bounds for a cursor, none overlapping another. */
  pieces(name: ColumnName, bounds: TimeBounds): readonly ColumnPiece[] {
    return memtablePieces(this.#parts(name, bounds), bounds);
  }

  #parts(
    { measurement, seriesId, field }: ColumnName,
    bounds?: TimeBounds,
    tables = this.#memtable.tablesOf(measurement, seriesId),
  ): readonly ShapeRows[] {
    const parts: ShapeRows[] = [];
    for (const table of tables) {
      const column = table.columnOf(field);
      const rowsMax = this.#rowsOf(table);
      if (column < 0 || rowsMax === 0) continue;
      if (bounds !== undefined && !table.overlaps(bounds)) continue;
      if (table.hasRows(seriesId, rowsMax)) parts.push({ table, column, seriesId, rowsMax });
    }
    return parts;
  }
}
