/**
 * One shard on its home worker: decides batches, holds what is not in files yet, and gives readers an unchanging view.
 *
 * Invariants:
 * - Batches are decided in the order they enter the log and applied in that order once durable, so that replay of the
 *   log gives the same shard.
 * - A view never changes; what is written after it was taken does not show in it.
 *
 * Not here: the log, which the shards of a worker share (store/).
 */
import type { PointBatch } from '../../models/point-batch.ts';
import { ShardIndex } from '../index/shard-index.ts';
import { checkFields, type FieldVerdict } from './field-check.ts';
import { Memtable } from './memtable.ts';
import { ShardView } from './shard-view.ts';

export class Shard {
  readonly id: number;
  readonly #index = new ShardIndex();
  readonly #memtable = new Memtable();

  constructor(id: number) {
    this.id = id;
  }

  get memtableBytes(): number {
    return this.#memtable.sizeBytes;
  }

  get seriesCount(): number {
    return this.#index.seriesCount;
  }

  /** Which rows are refused. To be called in the order in which batches enter the log. */
  decide(batch: PointBatch): FieldVerdict {
    return checkFields(this.#index, batch);
  }

  /** Takes a batch that the log holds, with the rows its verdict refused. */
  apply(batch: PointBatch, rejects: Uint8Array): void {
    const taken = new Set<number>();
    for (const shape of batch.shapes) {
      shape.ordinals.forEach((ordinal, i) => {
        const isRefused = ((rejects[ordinal >>> 3] ?? 0) & (1 << (ordinal & 7))) !== 0;
        if (!isRefused) taken.add(shape.series[i] ?? 0);
      });
    }
    // A series whose rows were all refused does not come to be.
    const seriesIds = new Uint32Array(batch.seriesKeys.length);
    for (const one of taken) seriesIds[one] = this.#index.seriesIdOf(batch.seriesKeys[one] ?? '');
    this.#memtable.append(batch, seriesIds, rejects);
  }

  /** Takes a batch from the log as it was decided then. */
  replay(batch: PointBatch, rejects: Uint8Array): void {
    for (const shape of batch.shapes) {
      const ordinal = shape.ordinals[0] ?? 0;
      if (((rejects[ordinal >>> 3] ?? 0) & (1 << (ordinal & 7))) !== 0) continue;
      for (const { name, type } of shape.fields)
        this.#index.setFieldType(shape.measurement, name, type);
    }
    this.apply(batch, rejects);
  }

  view(): ShardView {
    return new ShardView(this.id, this.#index, this.#memtable.pin());
  }
}
