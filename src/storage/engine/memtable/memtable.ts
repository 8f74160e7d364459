/**
 * Points that are in the log but not yet in a TSM file (the reference's cache), in the store's memory. Rows with the same
 * fields are appended column by column as they come in, whatever their measurements: a row's measurement is that of its series
 * (decision 104). Rows of a series are chained backwards, so that nothing is allocated per series and field.
 *
 * Invariants:
 * - Rows are never changed once appended: a reader that remembers the row counts sees an unchanging table.
 * - `sequence` orders all rows of the table by arrival. Of equal times the later stamp wins, field by field, and of one
 *   stamp the later arrival (batch-order.ts).
 * - The memory is given back once the memtable has ended and no view of it is held.
 *
 * Not here: durability (wal/), limits, choosing when to flush.
 */
import { must } from '../../../base/assert.ts';
import { Held } from '../../../base/held.ts';
import type { BatchSet, PointBatch } from '../../../models/point-batch.ts';
import type { StoreKernel } from '../../../kernels/store-kernel.ts';
import type { PlacedSeries, ResidentSeries } from '../../index/resident-series.ts';
import type { StampRange } from '../../../models/stamp.ts';
import { BatchOrder } from './batch-order.ts';
import { MemtableView } from './memtable-view.ts';
import { ShapeTable, type TimeBounds } from './shape-table.ts';
import { fewToAsk, TablesBySeries } from './tables-by-series.ts';

interface TablesOfMeasurement {
  readonly list: ShapeTable[];
  readonly all: Set<ShapeTable>;
}

/** So few are looked through: rows may each have other fields, and a measurement as many tables as rows. */
const fewTables = 4;
/** About; they take more where fields are many. */
const tableBytes = 2_048;
const noTables: readonly ShapeTable[] = [];

export class Memtable {
  /** Its series by their ids there. */
  readonly series: ResidentSeries;
  readonly #kernel: StoreKernel;
  readonly #tables: ShapeTable[] = [];
  /** By names and types of the fields. */
  readonly #byFields = new Map<string, ShapeTable>();
  /** The same by lists of fields that were there before: names of batches are remembered. */
  readonly #byList = new WeakMap<ShapeTable['fields'], ShapeTable>();
  readonly #byMeasurement = new Map<string, TablesOfMeasurement>();
  #bySeries: TablesBySeries | undefined;
  /** Shapes with this mark are in the map already. */
  readonly #mark = {};
  readonly #order: BatchOrder;
  readonly #held: Held;
  #rowCount = 0;
  #sizeBytes = 0;
  #bounds: TimeBounds | undefined;

  constructor(kernel: StoreKernel, series: ResidentSeries) {
    this.#kernel = kernel;
    this.series = series;
    this.#order = new BatchOrder(kernel);
    const release = series.hold();
    this.#held = new Held(() => {
      for (const table of this.#tables) table.release();
      this.#tables.length = 0;
      this.#byFields.clear();
      this.#byMeasurement.clear();
      this.#bySeries = undefined;
      this.#order.release();
      release();
    });
  }

  get rowCount(): number {
    return this.#rowCount;
  }

  /** What the reference counts as the cache's size: about the bytes of the points' values, times and keys. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** With what its tables take beside their rows: rows may each have other fields, and a table of their own. */
  get heldBytes(): number {
    return this.#sizeBytes + this.#tables.length * tableBytes;
  }

  /** Bytes of work room that append() needs behind a batch's placed series. */
  static workBytes({ sets }: PointBatch): number {
    return sets.reduce((most, { rows }) => Math.max(most, ShapeTable.workBytes(rows)), 0);
  }

  /** Appends the rows that `rejects` (one bit per ordinal, may be empty) does not refuse. */
  append(batch: PointBatch, series: PlacedSeries, rejects: Uint8Array): void {
    this.#order.add(batch.stamp, this.#rowCount);
    const { buffer, byteOffset, length } = batch.payload;
    const words = new Uint32Array(buffer, byteOffset, length >>> 2);
    for (const set of batch.sets) {
      const table = this.#tableOf(set);
      this.#sizeBytes += table.append(set.rows, {
        series,
        rejects,
        sequence: this.#rowCount,
        bounds: batch,
        words,
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

  /** Of the stamps of all batches. */
  get stamps(): StampRange | undefined {
    return this.#order.range;
  }

  /** All of them, each once. */
  allTables(): readonly ShapeTable[] {
    return this.#tables;
  }

  /** Those that rows of a measurement may be in, and rows of others. More come at its end. */
  tables(measurement: string): readonly ShapeTable[] {
    return this.#byMeasurement.get(measurement)?.list ?? noTables;
  }

  /** Those of them that may have rows of a series; `fewMax` are not worth a list by series. */
  tablesOf(measurement: string, seriesId: number, fewMax = fewToAsk): Iterable<ShapeTable> {
    const all = this.tables(measurement);
    if (all.length <= fewMax) return all;
    this.#bySeries ??= new TablesBySeries(this.#tables);
    return this.#bySeries.of(seriesId, this.#rowCount);
  }

  /** Whether there may be a row of the measurement. */
  mayHave(measurement: string): boolean {
    return this.#byMeasurement.has(measurement);
  }

  /** Whether there is a row of a series of the measurement. */
  hasSeries(measurement: string, seriesId: number): boolean {
    for (const table of this.tablesOf(measurement, seriesId))
      if (table.hasRows(seriesId, table.rowCount)) return true;
    return false;
  }

  /** What is in the table now; later appends do not show in it. To be released. */
  pin(): MemtableView {
    return new MemtableView(this, this.#rowCount, this.#held.hold());
  }

  /** Its points are elsewhere, or not needed any more. */
  end(): void {
    this.#held.end();
  }

  #tableOf({ names, rows: { fields } }: BatchSet): ShapeTable {
    const first = this.tables(names.all[0]?.measurement ?? '');
    let table = first.length > fewTables ? undefined : first.find((one) => one.hasShape(fields));
    if (names.heldBy === this.#mark) return table ?? this.#tableWith(fields);
    for (let i = 0; i < names.all.length; i++) {
      const name = must(names.all[i], 'a name is there');
      if (name.heldBy === this.#mark) continue;
      table ??= this.#tableWith(fields);
      this.#list(name.measurement, table);
      name.heldBy = this.#mark;
    }
    names.heldBy = this.#mark;
    return table ?? this.#tableWith(fields);
  }

  #list(measurement: string, table: ShapeTable): void {
    const known = this.#byMeasurement.get(measurement);
    if (known === undefined) {
      this.#byMeasurement.set(measurement, { list: [table], all: new Set([table]) });
    } else if (!known.all.has(table)) {
      known.all.add(table);
      known.list.push(table);
    }
  }

  #tableWith(fields: ShapeTable['fields']): ShapeTable {
    const listed = this.#byList.get(fields);
    if (listed !== undefined) return listed;
    const key = fields.map(({ name, type }) => `${type}${name.length}:${name}`).join('');
    let table = this.#byFields.get(key);
    if (table === undefined) {
      table = new ShapeTable(this.#kernel, fields, this.#order);
      this.#byFields.set(key, table);
      this.#tables.push(table);
    }
    this.#byList.set(fields, table);
    return table;
  }
}
