/**
 * Writes the fresh series of a table, and fields that no segment has yet, to a segment. Kernels sort series and find their
 * tags; other work goes on between slices, and what comes meanwhile is left for the next one.
 */
import { exactBytesOf } from '../../base/exact-text.ts';
import type { Slices } from '../../env/slices.ts';
import { KeyTable } from '../../kernels/key-table.ts';
import type { StoreKernel } from '../../kernels/store-kernel.ts';
import type { FieldType } from '../../models/field-value.ts';
import { escapeMeasurement } from '../../models/series-key.ts';
import type { SchemaChange } from './field-schemas.ts';
import type { ResidentMeasurement, ResidentSeries } from './resident-series.ts';
import type { SegmentBuilder } from './segment-builder.ts';
import { sortSeries } from './sort-series.ts';

interface FreshMeasurement {
  /** As keys write it. */
  readonly written: Uint8Array;
  readonly entry: ResidentMeasurement | undefined;
  readonly ids: Uint32Array;
  readonly fields: ReadonlyMap<string, FieldType>;
}

/** What a segment is to have, as it was at one moment. */
export interface FreshSeries {
  readonly measurements: readonly FreshMeasurement[];
  /** Of the table. */
  readonly ids: Uint32Array;
}

export interface SegmentFlushPorts {
  readonly kernel: StoreKernel;
  readonly slices: Slices;
  readonly builder: SegmentBuilder;
}

/** Between two looks at the clock. */
const stepCount = 1_024;
const latest = 0xffffffff;
const noFields: ReadonlyMap<string, FieldType> = new Map();

export function freshSeriesOf(
  kernel: StoreKernel,
  table: ResidentSeries,
  changes: readonly SchemaChange[],
): FreshSeries {
  const fields = new Map(changes.map((change) => [change.measurement, change.fields]));
  const measurements: FreshMeasurement[] = [];
  let count = 0;
  if (table.freshLiveCount > 0)
    for (const entry of table.measurements) {
      const members = table.membersOf(entry);
      const ids = table.freshOf(kernel.words(members.at, members.count), latest);
      const own = fields.get(entry.name);
      if (ids.length === 0 && own === undefined) continue;
      fields.delete(entry.name);
      const written = table.writtenMeasurement(entry.number);
      measurements.push({ written, entry, ids, fields: own ?? noFields });
      count += ids.length;
    }
  for (const [measurement, own] of fields) {
    const written = exactBytesOf(escapeMeasurement(measurement));
    measurements.push({ written, entry: undefined, ids: new Uint32Array(), fields: own });
  }
  measurements.sort((a, b) => Buffer.compare(a.written, b.written));
  const ids = new Uint32Array(count);
  let at = 0;
  for (const one of measurements) {
    ids.set(one.ids, at);
    at += one.ids.length;
  }
  return { measurements, ids };
}

export async function writeFreshSeries(
  table: ResidentSeries,
  { measurements }: FreshSeries,
  ports: SegmentFlushPorts,
): Promise<void> {
  const { builder, kernel, slices } = ports;
  for (const { written, entry, ids, fields } of measurements) {
    builder.beginMeasurement(written);
    if (entry !== undefined && ids.length > 0) {
      const at = kernel.heap.allocate(ids.length * 4);
      try {
        kernel.words(at, ids.length).set(ids);
        const placed = { ids: at, count: ids.length };
        const steps = sortSeries(kernel, table.table, placed);
        while (steps.next().done !== true) await slices.next();
        const first = await writeKeys(table, placed, ports);
        const tagKeys = [...entry.tagKeys.values()].sort((a, b) => Buffer.compare(a, b));
        for (const tagKey of tagKeys) await writeTag(table, { ...placed, first, tagKey }, ports);
      } finally {
        kernel.heap.free(at, ids.length * 4);
      }
    }
    builder.endMeasurement(written, fields);
    await builder.drain();
    await slices.next();
  }
}

interface PlacedIds {
  /** In the store's memory, in order of their keys. */
  readonly ids: number;
  readonly count: number;
}

/** Answers the number of the first in the segment. */
async function writeKeys(
  { table }: ResidentSeries,
  { ids, count }: PlacedIds,
  { kernel, slices, builder }: SegmentFlushPorts,
): Promise<number> {
  const first = builder.seriesCount;
  for (let from = 0; from < count; from += stepCount) {
    const keys = table.reader();
    for (const id of kernel.words(ids + from * 4, Math.min(stepCount, count - from)))
      builder.series({ bytes: keys.bytes, start: keys.start(id), end: keys.end(id) });
    await builder.drain();
    await slices.next();
  }
  return first;
}

interface WrittenTag extends PlacedIds {
  /** Number of the first series in the segment. */
  readonly first: number;
  readonly tagKey: Uint8Array;
}

async function writeTag(
  { table }: ResidentSeries,
  { ids, count, first, tagKey }: WrittenTag,
  ports: SegmentFlushPorts,
): Promise<void> {
  const { kernel, slices } = ports;
  const { heap, exports } = kernel;
  const values = new KeyTable(kernel);
  const columnBytes = count * 4;
  const column = heap.allocate(columnBytes);
  try {
    for (let from = 0; from < count;) {
      const end = Math.min(count, from + stepCount);
      while (from < end) {
        const key = kernel.scratch(tagKey.length + 16);
        kernel.bytes(key, tagKey.length).set(tagKey);
        from = exports.listTag(table.at, ids, from, end, key, tagKey.length, values.at, column);
        values.grow();
      }
      await slices.next();
    }
    await writeValues(values, { column, count, first, tagKey }, ports);
  } finally {
    heap.free(column, columnBytes);
    values.release();
  }
}

/** `column` has for each series the number of its value, + 1, or 0. */
async function writeValues(
  values: KeyTable,
  tag: { readonly column: number; readonly count: number; readonly first: number; readonly tagKey: Uint8Array }, // prettier-ignore
  { kernel, slices, builder }: SegmentFlushPorts,
): Promise<void> {
  const numbers = kernel.words(tag.column, tag.count).slice();
  const { series, ends } = byValue(numbers, values.count);
  const orderBytes = (values.count + 1) * 4;
  const order = kernel.heap.allocate(orderBytes);
  try {
    kernel.words(order, values.count).set(Uint32Array.from({ length: values.count }, (_, i) => i));
    const steps = sortSeries(kernel, values, { ids: order, count: values.count });
    while (steps.next().done !== true) await slices.next();
    builder.beginTag();
    for (let from = 0; from < values.count; from += stepCount) {
      const keys = values.reader();
      for (const id of kernel.words(order + from * 4, Math.min(stepCount, values.count - from))) {
        for (let i = ends[id] ?? 0; i < (ends[id + 1] ?? 0); i++)
          builder.posting(tag.first + (series[i] ?? 0));
        builder.endValue({ bytes: keys.bytes, start: keys.start(id), end: keys.end(id) });
      }
      await builder.drain();
      await slices.next();
    }
    builder.endTag(tag.tagKey);
  } finally {
    kernel.heap.free(order, orderBytes);
  }
}

/** Places of the series of each value, ascending: those of value v are series[ends[v], ends[v + 1]). */
function byValue(
  numbers: Uint32Array,
  valueCount: number,
): { readonly series: Uint32Array; readonly ends: Uint32Array } {
  const ends = new Uint32Array(valueCount + 2);
  for (const number of numbers) ends[number + 1] = (ends[number + 1] ?? 0) + 1;
  // Number 0 is that of series without the tag: they are left out.
  ends[1] = 0;
  for (let value = 1; value <= valueCount; value++)
    ends[value + 1] = (ends[value + 1] ?? 0) + (ends[value] ?? 0);
  const series = new Uint32Array(ends[valueCount + 1] ?? 0);
  const next = ends.slice();
  numbers.forEach((number, at) => {
    if (number === 0) return;
    const place = next[number] ?? 0;
    series[place] = at;
    next[number] = place + 1;
  });
  return { series, ends: ends.subarray(1) };
}
