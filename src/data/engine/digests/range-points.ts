/**
 * Points of some series within slices of time, as batches that any owner can write: what two owners that differ show each
 * other. Both give them in the same order: series as they are asked for, fields by name, times ascending.
 */
import { exactTextOf } from '../../../base/exact-text.ts';
import type { FieldValue } from '../../../models/field-value.ts';
import { PointBatchBuilder } from '../../../models/point-batch-builder.ts';
import { parseSeriesKey } from '../../../models/parse-series-key.ts';
import type { StampRange } from '../../../models/stamp.ts';
import type { ShardSource, SourceArena } from '../../../query/source.ts';
import type { ValueBatch } from './hash-values.ts';
import { sliceBounds } from './read-parts.ts';
import type { ShardRange } from './shard-digest.ts';

/** Slices of one series, ascending. */
export interface SeriesSlices {
  readonly key: string;
  readonly slices: readonly number[];
}

export interface RangePointsTask extends ShardRange {
  readonly series: readonly SeriesSlices[];
}

/** Points, with the stamps of all that the shard has of their time. */
export interface RangePoints {
  readonly payload: Uint8Array;
  readonly stamps: StampRange | undefined;
}

/** Of a batch; each value is a row of its own. */
const batchValuesMax = 4_096;
/** Of the texts of a batch; one text is 64 KiB at most. */
const batchTextBytesMax = 1 << 20;

/** Yields undefined whenever it has done a little. Memory: that of one batch, and the list that is asked for. */
export function* readRangePoints(
  source: ShardSource,
  { series, ...range }: RangePointsTask,
  arena: SourceArena,
): Generator<Uint8Array | undefined, void> {
  let builder = new PointBatchBuilder();
  let textBytes = 0;
  for (const { measurement, key, seriesId, slices } of yield* found(source, series)) {
    for (const { name } of sortedByName(source.fields(measurement))) {
      for (const bounds of runsOf(slices).map(([from, to]) => sliceBounds(range, from, to))) {
        const cursor = source.openCursor({ seriesId, field: name, ...bounds, ascending: true });
        for (;;) {
          const mark = arena.mark();
          const batch = cursor.next(arena);
          const rows = batch === undefined ? [] : [...valuesOfBatch(batch, arena)];
          arena.release(mark);
          if (batch === undefined) break;
          for (const [timeNs, value] of rows) {
            builder.add(key, { measurement, tags: [], fields: new Map([[name, value]]), timeNs });
            if (value.type === 'string') textBytes += value.value.length;
            if (builder.rowCount < batchValuesMax && textBytes < batchTextBytesMax) continue;
            yield builder.finish();
            builder = new PointBatchBuilder();
            textBytes = 0;
          }
          yield undefined;
        }
      }
    }
  }
  if (builder.rowCount > 0) yield builder.finish();
}

interface FoundSeries extends SeriesSlices {
  readonly measurement: string;
  readonly seriesId: number;
}

/** Those that are here, in the order in which they are asked for. */
function* found(
  source: ShardSource,
  series: readonly SeriesSlices[],
): Generator<undefined, readonly FoundSeries[]> {
  const wanted = new Map(series.map((one) => [one.key, one]));
  const measurements = new Set(series.map(({ key }) => parseSeriesKey(key).measurement));
  const here = new Map<string, FoundSeries>();
  for (const measurement of source.measurements()) {
    if (!measurements.has(measurement)) continue;
    for (const seriesId of yield* source.seriesIds(measurement)) {
      const one = wanted.get(source.seriesKey(seriesId));
      if (one !== undefined) here.set(one.key, { ...one, measurement, seriesId });
      yield undefined;
    }
  }
  return series.flatMap(({ key }) => here.get(key) ?? []);
}

/** By code unit, the same on every node. */
function sortedByName<T extends { readonly name: string }>(fields: readonly T[]): readonly T[] {
  return [...fields].sort((a, b) => (a.name < b.name ? -1 : 1));
}

function runsOf(slices: readonly number[]): readonly (readonly [from: number, to: number])[] {
  const starts = slices.filter((slice, i) => slices[i - 1] !== slice - 1);
  const ends = slices.filter((slice, i) => slices[i + 1] !== slice + 1);
  return starts.map((from, i) => [from, ends[i] ?? from]);
}

/** Of rows [from, to). */
export function* valuesOfBatch(
  { type, count, timesPtr, valuesPtr }: ValueBatch,
  { memory: { buffer } }: SourceArena,
  from = 0,
  to = count,
): Generator<readonly [timeNs: bigint, value: FieldValue]> {
  const times = new BigInt64Array(buffer, timesPtr, count);
  for (let row = from; row < to; row++) {
    const at = valuesPtr + row * 8;
    yield [times[row] ?? 0n, valueAt(type, type === 'boolean' ? valuesPtr + row : at, buffer)];
  }
}

function valueAt(type: ValueBatch['type'], at: number, buffer: ArrayBufferLike): FieldValue {
  const view = new DataView(buffer);
  switch (type) {
    case 'float':
      return { type, value: view.getFloat64(at, true) };
    case 'integer':
      return { type, value: view.getBigInt64(at, true) };
    case 'unsigned':
      return { type, value: view.getBigUint64(at, true) };
    case 'boolean':
      return { type, value: view.getUint8(at) !== 0 };
    case 'string': {
      const bytes = new Uint8Array(buffer, view.getUint32(at, true), view.getUint32(at + 4, true));
      return { type, value: exactTextOf(bytes) };
    }
  }
}
