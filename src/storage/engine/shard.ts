/**
 * One shard on its home worker: decides batches, holds what is not in files yet and the files, and gives readers an
 * unchanging view.
 *
 * Invariants:
 * - Batches are decided in the order they enter the log and applied in that order once durable, so that replay of the
 *   log gives the same shard.
 * - A view never changes; what is written after it was taken does not show in it.
 * - A point is in the active memtable, in the one being flushed, or in a file; it leaves one only when it is in the next.
 *
 * Not here: the log, which the shards of a worker share, and when to flush (store/).
 */
import { assert } from '../../base/assert.ts';
import type { PointBatch } from '../../models/point-batch.ts';
import { Held } from '../../base/held.ts';
import type { StoreKernel } from '../../kernels/store-kernel.ts';
import { ShardIndex } from '../index/shard-index.ts';
import type { TsmFile } from '../tsm/tsm-file.ts';
import { checkFields, type FieldVerdict } from './field-check.ts';
import { flushMemtable, type FlushPorts } from './flush.ts';
import { refuseLongKeys } from './key-length.ts';
import { learnSeries } from './learn-series.ts';
import { isRefused } from './refused-rows.ts';
import { refuseNewSeries, type SeriesLimits } from './series-limits.ts';
import { Memtable } from './memtable.ts';
import { ShardView } from './shard-view.ts';

export class Shard {
  readonly id: number;
  readonly #kernel: StoreKernel;
  readonly #index: ShardIndex;
  readonly #held: Held;
  #isClosed = false;
  #active: Memtable;
  #flushing: Memtable | undefined;
  /** Oldest first: later files win. */
  #files: readonly TsmFile[];

  /** With the files it had; fields and series are learned from them. */
  constructor(id: number, kernel: StoreKernel, files: readonly TsmFile[] = []) {
    this.id = id;
    this.#kernel = kernel;
    this.#index = new ShardIndex(kernel);
    this.#held = new Held(() => {
      this.#index.release();
    });
    this.#active = new Memtable(kernel);
    this.#files = files;
    for (const file of files) learnSeries(this.#index, file.keyBytes());
  }

  /** Of the memtable that takes writes. */
  get activeBytes(): number {
    return this.#active.sizeBytes;
  }

  get memtableBytes(): number {
    return this.#active.sizeBytes + (this.#flushing?.sizeBytes ?? 0);
  }

  /** Grows whenever a measurement, a field or a tag key comes to show. */
  get schemaVersion(): number {
    return this.#index.schemaVersion;
  }

  get seriesCount(): number {
    return this.#index.seriesCount;
  }

  /** Which rows are refused. To be called in the order in which batches enter the log. */
  decide(
    batch: PointBatch,
    limited?: { readonly limits: SeriesLimits; readonly database: string },
  ): FieldVerdict {
    // prettier-ignore
    const verdict = refuseLongKeys(batch, checkFields(this.#index, batch));
    if (limited === undefined) return verdict;
    return refuseNewSeries(batch, verdict, { index: this.#index, ...limited });
  }

  /** Takes a batch that the log holds, with the rows its verdict refused, now or when it was decided. */
  apply(batch: PointBatch, rejects: Uint8Array): void {
    // A write that waited for the disk while the shard was deleted.
    if (this.#isClosed) return;
    for (const { ordinals, measurement, fields } of batch.shapes) {
      if (isRefused(rejects, ordinals[0] ?? 0)) continue;
      for (const { name, type } of fields) this.#index.showField(measurement, name, type);
    }
    // A series whose rows were all refused does not come to be.
    const taken = rejects.length === 0 ? {} : { taken: takenSeries(batch, rejects) };
    const workBytes = Memtable.workBytes(batch);
    const series = this.#index.resolve(batch.series, { ...taken, workBytes });
    this.#active.append(batch, series, rejects);
  }

  /** To be released. */
  view(): ShardView {
    const memtables = [...(this.#flushing === undefined ? [] : [this.#flushing]), this.#active];
    const pins = memtables.map((memtable) => memtable.pin());
    const release = this.#held.hold();
    return new ShardView(this.id, this.#index, { files: this.#files, memtables: pins, release });
  }

  /** Sets the active memtable aside to be flushed; false when one is aside already and has to be flushed first. */
  setAside(): boolean {
    if (this.#flushing !== undefined) return false;
    this.#flushing = this.#active;
    this.#active = new Memtable(this.#kernel);
    return true;
  }

  /** Writes what was set aside to a file. When it fails all is as before, and it may be tried again. */
  async flush(path: string, ports: Omit<FlushPorts, 'kernel'>): Promise<void> {
    if (this.#flushing === undefined) return;
    const kernel = this.#kernel;
    const file = await flushMemtable(this.#flushing, this.#index, path, { ...ports, kernel });
    this.#files = [...this.#files, file];
    this.#flushing.end();
    this.#flushing = undefined;
  }

  /** Oldest first. */
  get files(): readonly TsmFile[] {
    return this.#files;
  }

  /** Puts files that hold the same points in the place of some that stand side by side. Views go on with the old ones. */
  replaceFiles(old: readonly TsmFile[], fresh: readonly TsmFile[]): void {
    const at = this.#files.findIndex((file) => file === old[0]);
    assert(at >= 0, 'a file that is replaced is there');
    assert(
      old.every((file, i) => this.#files[at + i] === file),
      'and the others right behind it',
    );
    this.#files = [...this.#files.slice(0, at), ...fresh, ...this.#files.slice(at + old.length)];
    for (const file of old) file.retire();
  }

  /** Nobody may ask any more but those who hold a view. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#active.end();
    this.#flushing?.end();
    this.#held.end();
    for (const file of this.#files) await file.close();
  }
}

/** A byte for each series of the batch: 1 when a row of it is taken. */
function takenSeries(batch: PointBatch, rejects: Uint8Array): Uint8Array {
  const taken = new Uint8Array(batch.series.offsets.length - 1);
  for (const shape of batch.shapes) {
    shape.ordinals.forEach((ordinal, i) => {
      if (!isRefused(rejects, ordinal)) taken[shape.series[i] ?? 0] = 1;
    });
  }
  return taken;
}
