/**
 * Points that are in the log but not yet in a TSM file (the reference's cache). Rows of one shape are appended column by
 * column as they come in; rows of a series are chained backwards, so that nothing is allocated per series and field.
 *
 * Invariants:
 * - Rows are never changed or moved once appended: a reader that remembers the row counts sees an unchanging table.
 * - `sequence` orders all rows of the table by arrival; of equal times the later arrival wins, field by field.
 *
 * Not here: durability (wal/), limits, choosing when to flush.
 */
import type { PointBatch } from '../../models/point-batch.ts';
import type { ColumnRun } from './column-run.ts';
import { readRows, type ShapeRows } from './memtable-read.ts';
import { ShapeTable, type TimeBounds } from './shape-table.ts';

export class Memtable {
  readonly #tables = new Map<string, ShapeTable[]>();
  #rowCount = 0;
  #sizeBytes = 0;
  #bounds: TimeBounds | undefined;

  get rowCount(): number {
    return this.#rowCount;
  }

  /** What the reference counts as the cache's size: about the bytes of the points' values, times and keys. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Appends the rows that `rejects` (one bit per ordinal, may be empty) does not refuse. */
  append(batch: PointBatch, seriesIds: Uint32Array, rejects: Uint8Array): void {
    for (const shape of batch.shapes) {
      const table = this.#tableOf(shape.measurement, shape.fields);
      this.#sizeBytes += table.append(shape, {
        seriesIds,
        rejects,
        sequence: this.#rowCount,
        bounds: batch,
      });
    }
    this.#rowCount += batch.rowCount;
    const { minTimeNs, maxTimeNs } = this.#bounds ?? batch;
    this.#bounds = {
      minTimeNs: batch.minTimeNs < minTimeNs ? batch.minTimeNs : minTimeNs,
      maxTimeNs: batch.maxTimeNs > maxTimeNs ? batch.maxTimeNs : maxTimeNs,
    };
  }

  /** Of the times of all rows. */
  get bounds(): TimeBounds | undefined {
    return this.#bounds;
  }

  /** Measurements that have rows. */
  measurements(): Iterable<string> {
    return this.#tables.keys();
  }

  tables(measurement: string): readonly ShapeTable[] {
    return this.#tables.get(measurement) ?? [];
  }

  /** What is in the table now; later appends do not show in it. */
  pin(): MemtableView {
    const rowCounts = new Map<ShapeTable, number>();
    for (const tables of this.#tables.values())
      for (const table of tables) rowCounts.set(table, table.rowCount);
    return new MemtableView(this, rowCounts);
  }

  #tableOf(measurement: string, fields: ShapeTable['fields']): ShapeTable {
    const tables = this.#tables.get(measurement) ?? [];
    this.#tables.set(measurement, tables);
    const known = tables.find((table) => table.hasShape(fields));
    if (known !== undefined) return known;
    const table = new ShapeTable(fields);
    tables.push(table);
    return table;
  }
}

export interface MemtableEndRequest extends TimeBounds {
  readonly measurement: string;
  readonly seriesId: number;
  readonly field: string;
  readonly ascending: boolean;
}

export interface MemtableEnd {
  readonly table: ShapeTable;
  readonly column: number;
  readonly row: number;
  readonly timeNs: bigint;
}

export class MemtableView {
  readonly #memtable: Memtable;
  readonly #rowCounts: ReadonlyMap<ShapeTable, number>;

  constructor(memtable: Memtable, rowCounts: ReadonlyMap<ShapeTable, number>) {
    this.#memtable = memtable;
    this.#rowCounts = rowCounts;
  }

  /** The row of a series at one end of the bounds that has the field; of one time the last to arrive. */
  end(request: MemtableEndRequest): MemtableEnd | undefined {
    const { measurement, seriesId, field, ascending } = request;
    let best: MemtableEnd | undefined;
    for (const table of this.#memtable.tables(measurement)) {
      const column = table.fields.findIndex(({ name }) => name === field);
      const rowsMax = this.#rowCounts.get(table) ?? 0;
      if (column < 0 || rowsMax === 0 || !table.overlaps(request)) continue;
      const row = table.endRow(seriesId, rowsMax, request);
      if (row === undefined) continue;
      const end = { table, column, row, timeNs: table.timeNs(row) };
      const isBetter =
        best === undefined ||
        (end.timeNs === best.timeNs
          ? table.sequence(row) > best.table.sequence(best.row)
          : end.timeNs < best.timeNs === ascending);
      if (isBetter) best = end;
    }
    return best;
  }

  /** Of all rows, those that came later included; undefined when there are none. */
  get bounds(): TimeBounds | undefined {
    return this.#memtable.bounds;
  }

  /** The values of a field in a series, those within `bounds` at the least; undefined when there are none. */
  read(
    measurement: string,
    seriesId: number,
    field: string,
    bounds?: TimeBounds,
  ): ColumnRun | undefined {
    const parts: ShapeRows[] = [];
    for (const table of this.#memtable.tables(measurement)) {
      const column = table.fields.findIndex(({ name }) => name === field);
      const rowsMax = this.#rowCounts.get(table) ?? 0;
      if (column < 0 || rowsMax === 0) continue;
      if (bounds !== undefined && !table.overlaps(bounds)) continue;
      if (table.hasRows(seriesId, rowsMax)) parts.push({ table, column, seriesId, rowsMax });
    }
    return parts.length === 0 ? undefined : readRows(parts);
  }
}
