/**
 * What two owners show each other where they differ in few values of many: a sketch of the hashes of all values of some parts
 * (difference-sketch.ts), and then the values whose hashes only one of them has.
 */
import type { FieldValue } from '../../../models/field-value.ts';
import { keyBytesOf, sliceOf } from '../../../models/digest-grid.ts';
import { PointBatchBuilder } from '../../../models/point-batch-builder.ts';
import { mixHash } from '../../../base/hash-bytes.ts';
import type { StampRange } from '../../../models/stamp.ts';
import type { ShardSource, SourceArena } from '../../../query/source.ts';
import { DifferenceSketch } from './difference-sketch.ts';
import { BatchHashes, columnSeed, hashOfValue, type ValueBatch } from './hash-values.ts';
import type { HashFilter } from './hash-filter.ts';
import { valuesOfBatch, type RangePoints } from './range-points.ts';
import { batchesOf, seriesOfParts, sliceBounds, type PartsTask, type TimeRange } from './read-parts.ts'; // prettier-ignore
import type { ShardRange } from './shard-digest.ts';

/** Parts whose values have hashes of their own with each salt: two that collide once do not for ever. */
export type SaltedTask = ShardRange & PartsTask & { readonly salt: number };

export type SketchTask = SaltedTask & {
  /** Of several that are read together. */
  readonly table: number;
  readonly cellCount: number;
};

export type PickedPointsTask = SaltedTask & { readonly hashes: HashFilter };

/** Of one request, twice what a sketch is made for. */
export const pickedMax = 1 << 17;
/** Of a batch; each value is a row of its own. */
const batchValuesMax = 4_096;
/** Of the texts of a batch; one text is 64 KiB at most. */
const batchTextBytesMax = 1 << 20;

function salted(low: number, high: number, salt: number): number {
  return mixHash(low ^ Math.imul(high, salt | 1));
}

export function saltedHashOf(
  value: {
    readonly key: string;
    readonly field: string;
    readonly timeNs: bigint;
    readonly value: FieldValue;
  },
  salt: number,
): number {
  const seed = columnSeed(keyBytesOf(value.key), value.field);
  const { low, high } = hashOfValue(seed, value.timeNs, value.value);
  return salted(low, high, salt);
}

/** Yields undefined whenever it has done a little, and the sketch at its end. */
export function* sketchParts(
  source: ShardSource,
  task: SketchTask,
  arena: SourceArena,
): Generator<DifferenceSketch | undefined, void> {
  const sketch = new DifferenceSketch(task.table, task.cellCount);
  const hashes = new BatchHashes();
  for (const series of seriesOfParts(source, task)) {
    yield undefined;
    if (series === undefined) continue;
    for (const field of series.fields) {
      const seed = columnSeed(series.keyBytes, field);
      yield* batchesOf(source, { ...series, field }, arena, (batch) => {
        const { low, high } = hashes.of(batch, seed, arena);
        for (let row = 0; row < batch.count; row++)
          sketch.add(salted(low[row] ?? 0, high[row] ?? 0, task.salt));
      });
    }
  }
  yield sketch;
}

/** Yields undefined whenever it has done a little. Those of a batch have the same stamps. Memory: a batch for each range of stamps. */
export function* pickPoints(
  source: ShardSource,
  task: PickedPointsTask,
  {
    arena,
    stampsOf,
  }: {
    readonly arena: SourceArena;
    readonly stampsOf: (bounds: TimeRange) => StampRange | undefined;
  },
): Generator<RangePoints | undefined, void> {
  const batches = new StampedBatches(task, stampsOf);
  const hashes = new BatchHashes();
  for (const series of seriesOfParts(source, task)) {
    yield undefined;
    if (series === undefined) continue;
    for (const field of series.fields) {
      const seed = columnSeed(series.keyBytes, field);
      const found: (readonly [timeNs: bigint, value: FieldValue])[] = [];
      const use = (batch: ValueBatch): void => {
        const { low, high } = hashes.of(batch, seed, arena);
        for (let row = 0; row < batch.count; row++)
          if (task.hashes.has(salted(low[row] ?? 0, high[row] ?? 0, task.salt)))
            found.push(...valuesOfBatch(batch, arena, row, row + 1));
      };
      for (const step of batchesOf(source, { ...series, field }, arena, use)) {
        for (const [timeNs, value] of found.splice(0)) {
          const full = batches.add({ ...series, field, timeNs, value });
          if (full !== undefined) yield full;
        }
        yield step;
      }
    }
  }
  yield* batches.rest();
}

interface PickedValue {
  readonly key: string;
  readonly measurement: string;
  readonly field: string;
  readonly timeNs: bigint;
  readonly value: FieldValue;
}

/** A shard has few files, and so few ranges of stamps. */
class StampedBatches {
  readonly #task: PickedPointsTask;
  readonly #stampsOf: (bounds: TimeRange) => StampRange | undefined;
  readonly #ofSlice = new Map<number, StampRange | undefined>();
  readonly #open = new Map<string, OpenBatch>();

  constructor(task: PickedPointsTask, stampsOf: (bounds: TimeRange) => StampRange | undefined) {
    this.#task = task;
    this.#stampsOf = stampsOf;
  }

  /** A batch that is full. */
  add({ key, measurement, field, timeNs, value }: PickedValue): RangePoints | undefined {
    const stamps = this.#stampsAt(timeNs);
    const name = stamps === undefined ? '' : `${stamps.least} ${stamps.greatest}`;
    const open = this.#open.get(name) ?? new OpenBatch(stamps);
    this.#open.set(name, open);
    open.builder.add(key, { measurement, tags: [], fields: new Map([[field, value]]), timeNs });
    if (value.type === 'string') open.textBytes += value.value.length;
    if (open.builder.rowCount < batchValuesMax && open.textBytes < batchTextBytesMax)
      return undefined;
    this.#open.delete(name);
    return open.points;
  }

  *rest(): Generator<RangePoints> {
    for (const open of this.#open.values()) yield open.points;
  }

  #stampsAt(timeNs: bigint): StampRange | undefined {
    const slice = sliceOf(this.#task, timeNs);
    if (!this.#ofSlice.has(slice))
      this.#ofSlice.set(slice, this.#stampsOf(sliceBounds(this.#task, slice)));
    return this.#ofSlice.get(slice);
  }
}

class OpenBatch {
  readonly builder = new PointBatchBuilder();
  readonly stamps: StampRange | undefined;
  textBytes = 0;

  constructor(stamps: StampRange | undefined) {
    this.stamps = stamps;
  }

  get points(): RangePoints {
    return { payload: this.builder.finish(), stamps: this.stamps };
  }
}
