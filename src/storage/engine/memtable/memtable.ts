/**
 * Points that are in the log but not yet in a TSM file (the reference's cache), in the store's memory. Rows of one shape are
 * appended column by column as they come in; rows of a series are chained backwards, so that nothing is allocated per
 * series and field.
 *
 * Invariants:
 * - Rows are never changed once appended: a reader that remembers the row counts sees an unchanging table.
 * - `sequence` orders all rows of the table by arrival. Of equal times the later stamp wins, field by field, and of one
 *   stamp the later arrival (batch-order.ts).
 * - The memory is given back once the memtable has ended and no view of it is held.
 *
 * Not here: durability (wal/), limits, choosing when to flush.
 */
import { Held } from '../../../base/held.ts';
import type { PointBatch } from '../../../models/point-batch.ts';
import type { StoreKernel } from '../../../kernels/store-kernel.ts';
import type { PlacedSeries, ResidentSeries } from '../../index/resident-series.ts';
import type { StampRange } from '../../../models/stamp.ts';
import { BatchOrder } from './batch-order.ts';
import { MemtableView } from './memtable-view.ts';
import { ShapeTable, type TimeBounds } from './shape-table.ts';

export class Memtable {
  /** Its series by their ids there. */
  readonly series: ResidentSeries;
  readonly #kernel: StoreKernel;
  readonly #tables = new Map<string, ShapeTable[]>();
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
      for (const tables of this.#tables.values()) for (const table of tables) table.release();
      this.#tables.clear();
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

  /** Bytes of work room that append() needs behind a batch's placed series. */
  static workBytes({ shapes }: PointBatch): number {
    return shapes.reduce((most, shape) => Math.max(most, ShapeTable.workBytes(shape)), 0);
  }

  /** Appends the rows that `rejects` (one bit per ordinal, may be empty) does not refuse. */
  append(batch: PointBatch, series: PlacedSeries, rejects: Uint8Array): void {
    this.#order.add(batch.stamp, this.#rowCount);
    const { buffer, byteOffset, length } = batch.payload;
    const words = new Uint32Array(buffer, byteOffset, length >>> 2);
    for (const shape of batch.shapes) {
      const table = this.#tableOf(shape.measurement, shape.fields);
      this.#sizeBytes += table.append(shape, {
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

  /** Measurements that have rows. */
  measurements(): Iterable<string> {
    return this.#tables.keys();
  }

  tables(measurement: string): readonly ShapeTable[] {
    return this.#tables.get(measurement) ?? [];
  }

  /** Whether there is a row of the measurement. */
  hasMeasurement(measurement: string): boolean {
    return this.tables(measurement).some(({ rowCount }) => rowCount > 0);
  }

  /** Whether there is a row of a series of the measurement. */
  hasSeries(measurement: string, seriesId: number): boolean {
    return this.tables(measurement).some((table) => table.hasRows(seriesId, table.rowCount));
  }

  /** What is in the table now; later appends do not show in it. To be released. */
  pin(): MemtableView {
    return new MemtableView(this, this.#rowCount, this.#held.hold());
  }

  /** Its points are elsewhere, or not needed any more. */
  end(): void {
    this.#held.end();
  }

  #tableOf(measurement: string, fields: ShapeTable['fields']): ShapeTable {
    const tables = this.#tables.get(measurement) ?? [];
    this.#tables.set(measurement, tables);
    const known = tables.find((table) => table.hasShape(fields));
    if (known !== undefined) return known;
    const table = new ShapeTable(this.#kernel, fields, this.#order);
    tables.push(table);
    return table;
  }
}
