/**
 * Makes one segment of some: series that are gone are left out, and what only they had. Memory is bounded by four bytes a
 * series of the measurement at hand and the list of one value; other work goes on between slices.
 */
import { DbError } from '../../base/errors.ts';
import type { Slices } from '../../env/slices.ts';
import type { FieldType } from '../../models/field-value.ts';
import type { FoundMeasurement, FoundTag, IndexSegment } from './index-segment.ts';
import type { SegmentBuilder } from './segment-builder.ts';

export interface MergePorts {
  readonly builder: SegmentBuilder;
  readonly slices: Slices;
  /** Asked often; true ends the work with `cancelled`. */
  readonly isCancelled: () => boolean;
  /** Of compactions; resolves when so many bytes that went to the disk may have. */
  readonly throttle: { take(lengthBytes: number): Promise<void> };
}

const stepCount = 1_024;

/** A measurement in one of the inputs. */
interface Part {
  readonly segment: IndexSegment;
  readonly found: FoundMeasurement;
  /** Of each of its series the number in the output, + 1, or 0. */
  readonly numbers: Uint32Array;
}

export async function mergeSegments(
  inputs: readonly IndexSegment[],
  ports: MergePorts,
): Promise<void> {
  for (const { name, parts } of sharedMeasurements(inputs)) {
    await step(ports);
    const live = parts.reduce((sum, { segment, found }) => sum + segment.liveCountOf(found), 0);
    const fields = fieldsOf(parts);
    if (live === 0 && fields.size === 0) continue;
    ports.builder.beginMeasurement(name);
    await mergeSeries(name, parts, ports);
    for (const { key, tags } of sharedTags(parts)) await mergeTag(key, tags, ports);
    ports.builder.endMeasurement(name, fields);
  }
}

async function step({ builder, slices, isCancelled, throttle }: MergePorts): Promise<void> {
  const written = await builder.drain();
  if (written > 0) await throttle.take(written);
  await slices.next();
  if (isCancelled()) throw new DbError('cancelled', 'the merge of segments was given up');
}

function fieldsOf(parts: readonly Part[]): ReadonlyMap<string, FieldType> {
  const fields = new Map<string, FieldType>();
  for (const { segment, found } of parts)
    if (!segment.gone.measurements.has(found.number))
      for (const [name, type] of found.fields) fields.set(name, type);
  return fields;
}

/** Each measurement of the inputs once, in order of their bytes. */
function* sharedMeasurements(
  inputs: readonly IndexSegment[],
): Generator<{ readonly name: Uint8Array; readonly parts: readonly Part[] }> {
  const lists = inputs.map((segment) => ({
    of: segment,
    count: segment.measurementCount,
    keyOf: (number: number) => segment.measurementName(number),
  }));
  for (const { key, heads } of merged(lists)) {
    const parts = heads.map(({ of: segment, number }): Part => {
      const found = segment.measurementAt(number);
      return { segment, found, numbers: new Uint32Array(found.seriesCount) };
    });
    yield { name: key, parts };
  }
}

async function mergeSeries(
  name: Uint8Array,
  parts: readonly Part[],
  ports: MergePorts,
): Promise<void> {
  const lists = parts.map((part) => ({
    of: part,
    count: part.found.seriesCount,
    keyOf: (number: number) => part.segment.restOfKey(part.found.firstSeries + number),
  }));
  let whole = new Uint8Array(name.length + 256);
  whole.set(name);
  let count = 0;
  for (const { key, heads } of merged(lists)) {
    const live = heads.find(({ of, number }) => !of.segment.gone.series.has(of.found.firstSeries + number)); // prettier-ignore
    if (++count % stepCount === 0) await step(ports);
    if (live === undefined) continue;
    const end = name.length + key.length;
    if (end > whole.length) {
      whole = new Uint8Array(end * 2);
      whole.set(name);
    }
    whole.set(key, name.length);
    live.of.numbers[live.number] = ports.builder.series({ bytes: whole, start: 0, end }) + 1;
  }
}

/** A tag in one of the inputs. */
interface TagPart {
  readonly part: Part;
  readonly tag: FoundTag;
}

/** Each tag of a measurement once, in order. */
function* sharedTags(
  parts: readonly Part[],
): Generator<{ readonly key: Uint8Array; readonly tags: readonly TagPart[] }> {
  const lists = parts.map((part) => {
    const tags = [...part.segment.tags(part.found)];
    return {
      of: { part, tags },
      count: tags.length,
      keyOf: (number: number) => tags[number]?.[0] ?? new Uint8Array(),
    };
  });
  for (const { key, heads } of merged(lists)) {
    const tags = heads.flatMap(({ of, number }) => {
      const tag = of.tags[number]?.[1];
      return tag === undefined ? [] : [{ part: of.part, tag }];
    });
    yield { key, tags };
  }
}

async function mergeTag(
  key: Uint8Array,
  tags: readonly TagPart[],
  ports: MergePorts,
): Promise<void> {
  const { builder } = ports;
  const lists = tags.map(({ part, tag }) => ({
    of: { part, tag },
    count: tag.valueCount,
    keyOf: (number: number) => part.segment.valueText(tag.firstValue + number),
  }));
  builder.beginTag();
  let count = 0;
  for (const { key: value, heads } of merged(lists)) {
    const numbers: number[] = [];
    for (const { of, number } of heads) {
      const { segment, found, numbers: mapped } = of.part;
      for (const series of segment.seriesOf(of.tag.firstValue + number)) {
        const to = mapped[series - found.firstSeries] ?? 0;
        if (to > 0) numbers.push(to - 1);
      }
    }
    count += numbers.length + 1;
    if (count >= stepCount) {
      await step(ports);
      count = 0;
    }
    if (numbers.length === 0) continue;
    const ordered = heads.length < 2 ? numbers : Uint32Array.from(numbers).sort();
    for (const number of ordered) builder.posting(number);
    builder.endValue({ bytes: value, start: 0, end: value.length });
  }
  builder.endTag(key);
}

/** A list of keys in order of their bytes. */
interface KeyList<T> {
  readonly of: T;
  readonly count: number;
  readonly keyOf: (number: number) => Uint8Array;
}

interface MergedKey<T> {
  readonly key: Uint8Array;
  /** The lists that have it, and its number in each. */
  readonly heads: readonly { readonly of: T; readonly number: number }[];
}

function* merged<T>(lists: readonly KeyList<T>[]): Generator<MergedKey<T>> {
  let open = lists
    .filter(({ count }) => count > 0)
    .map((list) => ({ list, number: 0, key: list.keyOf(0) }));
  while (open.length > 0) {
    let least: Uint8Array | undefined;
    for (const { key } of open)
      if (least === undefined || Buffer.compare(key, least) < 0) least = key;
    const key = least ?? new Uint8Array();
    const heads: { readonly of: T; readonly number: number }[] = [];
    let hasEnded = false;
    for (const head of open) {
      if (head.key !== key && Buffer.compare(head.key, key) !== 0) continue;
      heads.push({ of: head.list.of, number: head.number });
      if (++head.number < head.list.count) head.key = head.list.keyOf(head.number);
      else hasEnded = true;
    }
    if (hasEnded) open = open.filter(({ list, number }) => number < list.count);
    yield { key, heads };
  }
}
