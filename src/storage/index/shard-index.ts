/**
 * The series of one shard, and the typed fields of its measurements. Series cost no JavaScript object: their keys lie as
 * bytes in the store's memory, where kernels find and sort them; texts are made of those that leave.
 *
 * Invariants:
 * - Ids are dense, begin at 0, mean nothing outside the shard and are never given twice.
 * - A field of a measurement has one type for the life of the shard; the first write decides (spec F49).
 * - A decided field does not show until a point of it does: a batch waits for the disk between the two, and readers see
 *   its fields, its series and its points all at once.
 *
 * Held in memory and rebuilt at open from the keys of the TSM files and the log.
 */
import { compareUtf8 } from '../../base/compare-utf8.ts';
import { must } from '../../base/assert.ts';
import type { FieldType } from '../../models/field-value.ts';
import { parseSeriesKey } from '../../models/parse-series-key.ts';
import type { TextColumn } from '../../models/point-batch.ts';
import { KeyTable } from '../../kernels/key-table.ts';
import type { StoreKernel } from '../../kernels/store-kernel.ts';
import { GrowingWords } from './growing-words.ts';
import { sortSeries } from './sort-series.ts';
import { TagColumn } from './tag-column.ts';

export interface IndexedSeries {
  readonly key: string;
  readonly measurement: string;
  readonly tags: ReadonlyMap<string, string>;
}

interface Measurement {
  readonly name: string;
  /** In the table of measurements; undefined while it has no series. */
  number: number | undefined;
  /** Of all fields that a batch has decided. */
  readonly types: Map<string, FieldType>;
  /** Those that readers see. */
  readonly fields: Map<string, FieldType>;
  /** As keys write them. */
  readonly tagKeys: Map<string, Uint8Array>;
  /** Its series in order of arrival, as far as someone asked. */
  readonly members: GrowingWords;
  /** In order of the keys' bytes, as far as it is known. */
  sorted: Uint32Array;
  readonly tags: Map<string, TagColumn>;
}

/** Series of a batch in the store's memory, until its scratch room is used again. */
export interface PlacedSeries {
  /** A u32 each: the id in the shard. */
  readonly ids: number;
  readonly count: number;
  /** Room for `workBytes` more. */
  readonly work: number;
}

/** What the kernel needs to take a key apart: a tag key with its measurement. */
const tagKeyRoomBytes = 65_552;

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

export class ShardIndex {
  readonly #kernel: StoreKernel;
  readonly #series: KeyTable;
  readonly #measurementKeys: KeyTable;
  readonly #tagKeys: KeyTable;
  readonly #measurements = new Map<string, Measurement>();
  /** By their numbers. */
  readonly #numbered: Measurement[] = [];
  #tagKeyCount = 0;
  #schemaVersion = 0;

  constructor(kernel: StoreKernel) {
    this.#kernel = kernel;
    this.#series = new KeyTable(kernel);
    this.#measurementKeys = new KeyTable(kernel);
    this.#tagKeys = new KeyTable(kernel);
  }

  /** Grows whenever a measurement, a field or a tag key comes to show. */
  get schemaVersion(): number {
    return this.#schemaVersion;
  }

  get seriesCount(): number {
    return this.#series.count;
  }

  /** Where kernels find the keys. */
  get table(): KeyTable {
    return this.#series;
  }

  /** The id of a series, given now when it is new. */
  seriesIdOf(key: string): number {
    const bytes = encoder.encode(key);
    const { ids } = this.resolve({ offsets: Uint32Array.of(0, bytes.length), bytes });
    return this.#kernel.words(ids, 1)[0] ?? 0;
  }

  /**
   * Finds the series of a batch by the bytes of their keys; new ones come to be. Those that `taken`, a byte each, leaves out
   * do not. Throws `cache_full` past the limit of the memory.
   */
  resolve(
    { offsets, bytes }: TextColumn,
    { taken, workBytes = 0 }: { readonly taken?: Uint8Array; readonly workBytes?: number } = {},
  ): PlacedSeries {
    const { exports } = this.#kernel;
    const count = offsets.length - 1;
    const start = offsets[0] ?? 0;
    const lengthBytes = (offsets[count] ?? 0) - start;
    const wordBytes = (count + 1) * 4;
    const ids = this.#kernel.scratch(tagKeyRoomBytes + wordBytes * 3 + lengthBytes + workBytes + 64); // prettier-ignore
    const offsetsAt = ids + wordBytes;
    const takenAt = offsetsAt + wordBytes;
    const work = Math.ceil((takenAt + wordBytes) / 16) * 16;
    const tagKeyRoom = work + Math.ceil(workBytes / 16) * 16;
    const bytesAt = tagKeyRoom + tagKeyRoomBytes;
    this.#kernel.words(offsetsAt, count + 1).set(offsets);
    this.#kernel.bytes(bytesAt, lengthBytes).set(bytes.subarray(start, start + lengthBytes));
    if (taken !== undefined) this.#kernel.bytes(takenAt, count).set(taken);
    for (let from = 0; from < count;) {
      from = exports.resolveSeries(this.#series.at, this.#measurementKeys.at, this.#tagKeys.at, tagKeyRoom, offsetsAt, bytesAt - start, from, count, taken === undefined ? 0 : takenAt, ids); // prettier-ignore
      for (const table of [this.#series, this.#measurementKeys, this.#tagKeys]) table.grow();
    }
    this.#learn();
    return { ids, count, work };
  }

  /** A byte for each series of a batch: 1 when it is not there yet; undefined when all are. */
  unknown({ offsets, bytes }: TextColumn): Uint8Array | undefined {
    const count = offsets.length - 1;
    const start = offsets[0] ?? 0;
    const lengthBytes = (offsets[count] ?? 0) - start;
    const offsetsAt = this.#kernel.scratch((count + 1) * 5 + lengthBytes + 64);
    const out = offsetsAt + (count + 1) * 4;
    const bytesAt = out + count;
    this.#kernel.words(offsetsAt, count + 1).set(offsets);
    this.#kernel.bytes(bytesAt, lengthBytes).set(bytes.subarray(start, start + lengthBytes));
    const { exports } = this.#kernel;
    const found = exports.unknownSeries(this.#series.at, offsetsAt, bytesAt - start, count, out);
    return found === 0 ? undefined : this.#kernel.bytes(out, count).slice();
  }

  /** Whether a tag of the measurement has so many values. */
  hasFullTag(measurement: string, valuesMax: number): boolean {
    const entry = this.#measurements.get(measurement);
    // A tag has no more values than there are series: most are not looked at.
    if (entry === undefined || this.#membersOf(entry).count < valuesMax) return false;
    const tagKeys = [...entry.tagKeys.keys()];
    return tagKeys.some((tagKey) => this.tagValueCount(measurement, tagKey) >= valuesMax);
  }

  /** How many values a tag has. */
  tagValueCount(measurement: string, tagKey: string): number {
    const entry = this.#measurements.get(measurement);
    return (entry && this.#columnOf(entry, tagKey)?.valueCount) ?? 0;
  }

  hasTagValue(measurement: string, tagKey: string, value: string): boolean {
    const entry = this.#measurements.get(measurement);
    return (entry && this.#columnOf(entry, tagKey)?.has(value)) ?? false;
  }

  /** Its texts, made now. */
  series(id: number): IndexedSeries {
    const key = decoder.decode(this.keyOf(id));
    const { measurement, tags } = parseSeriesKey(key);
    return { key, measurement, tags: new Map(tags.map((tag) => [tag.key, tag.value])) };
  }

  /** Whether keys in files are written otherwise than here for some series. */
  get hasSeparator(): boolean {
    return this.#series.hasSeparator;
  }

  measurementOf(id: number): string {
    return this.measurementName(this.measurementNumberOf(id));
  }

  measurementNumberOf(id: number): number {
    return this.#series.wordsOf(id)[0];
  }

  measurementName(number: number): string {
    return must(this.#numbered[number], 'a series has its measurement').name;
  }

  /** The bytes of a series' key. A view: it holds until the memory grows. */
  keyOf(id: number): Uint8Array {
    return this.#series.key(id);
  }

  keyText(id: number): string {
    return decoder.decode(this.keyOf(id));
  }

  /** As decided, whether it shows yet or not. */
  fieldType(measurement: string, field: string): FieldType | undefined {
    return this.#measurements.get(measurement)?.types.get(field);
  }

  decideFieldType(measurement: string, field: string, type: FieldType): void {
    this.#entryOf(measurement).types.set(field, type);
  }

  /** Decides the type and shows the field. */
  showField(measurement: string, field: string, type: FieldType): void {
    const entry = this.#entryOf(measurement);
    if (entry.fields.has(field)) return;
    entry.types.set(field, type);
    entry.fields.set(field, type);
    this.#schemaVersion++;
  }

  /** Those that have points. */
  measurements(): readonly string[] {
    return this.#numbered.map(({ name }) => name).sort(compareUtf8);
  }

  fields(measurement: string): ReadonlyMap<string, FieldType> {
    return this.#measurements.get(measurement)?.fields ?? new Map<string, FieldType>();
  }

  tagKeys(measurement: string): Iterable<string> {
    return this.#measurements.get(measurement)?.tagKeys.keys() ?? [];
  }

  /** In order of the keys' bytes. */
  seriesIds(measurement: string): Uint32Array {
    const entry = this.#measurements.get(measurement);
    if (entry === undefined) return new Uint32Array();
    const { at, count } = this.#membersOf(entry);
    if (entry.sorted.length === count) return entry.sorted;
    const { heap } = this.#kernel;
    const ids = heap.allocate(count * 4);
    try {
      this.#kernel.words(ids, count).set(this.#kernel.words(at, count));
      entry.sorted = this.#sorted(ids, count);
    } finally {
      heap.free(ids, count * 4);
    }
    return entry.sorted;
  }

  /** Those with one of `values` of a tag, in order of the keys' bytes. '' is no value. */
  seriesIdsWith(measurement: string, tagKey: string, values: Iterable<string>): Uint32Array {
    const entry = this.#measurements.get(measurement);
    const column = entry && this.#columnOf(entry, tagKey);
    if (entry === undefined || column === undefined) return new Uint32Array();
    const { heap } = this.#kernel;
    const lengthBytes = (entry.members.count + 1) * 4;
    const ids = heap.allocate(lengthBytes);
    try {
      return this.#sorted(ids, column.select(entry.members, values, ids));
    } finally {
      heap.free(ids, lengthBytes);
    }
  }

  /** The values of a tag, in no order, each once. */
  tagValues(measurement: string, tagKey: string): Iterable<string> {
    const entry = this.#measurements.get(measurement);
    return (entry && this.#columnOf(entry, tagKey)?.values()) ?? [];
  }

  /** Gives its memory back: nobody may ask any more. */
  release(): void {
    for (const { members, tags } of this.#measurements.values()) {
      members.release();
      for (const column of tags.values()) column.release();
    }
    for (const table of [this.#series, this.#measurementKeys, this.#tagKeys]) table.release();
  }

  #sorted(ids: number, count: number): Uint32Array {
    const steps = sortSeries(this.#kernel, this.#series, { ids, count });
    while (steps.next().done !== true);
    return this.#kernel.words(ids, count).slice();
  }

  #membersOf({ number, members }: Measurement): GrowingWords {
    if (number === undefined) return members;
    const [, count] = this.#measurementKeys.wordsOf(number);
    if (members.count === count) return members;
    members.reserve(count);
    this.#kernel.exports.listMembers(this.#series.at, this.#measurementKeys.at, number, members.count, members.at); // prettier-ignore
    members.count = count;
    return members;
  }

  /** Undefined when no series has the tag. */
  #columnOf(entry: Measurement, tagKey: string): TagColumn | undefined {
    const written = entry.tagKeys.get(tagKey);
    if (written === undefined) return undefined;
    let column = entry.tags.get(tagKey);
    if (column === undefined) {
      column = new TagColumn(this.#kernel, written, new GrowingWords(this.#kernel));
      entry.tags.set(tagKey, column);
    }
    column.update(this.#series, this.#membersOf(entry));
    return column;
  }

  /** Takes note of measurements and tag keys that have come. */
  #learn(): void {
    for (let number = this.#numbered.length; number < this.#measurementKeys.count; number++) {
      const written = decoder.decode(this.#measurementKeys.key(number));
      const entry = this.#entryOf(written.replaceAll(/\\([, ])/g, '$1'));
      entry.number = number;
      this.#numbered.push(entry);
      this.#schemaVersion++;
    }
    for (; this.#tagKeyCount < this.#tagKeys.count; this.#tagKeyCount++) {
      const key = this.#tagKeys.key(this.#tagKeyCount).slice();
      const number = new DataView(key.buffer).getUint32(0, true);
      const written = key.subarray(4);
      const name = decoder.decode(written).replaceAll(/\\([, =])/g, '$1');
      must(this.#numbered[number], 'a tag key has its measurement').tagKeys.set(name, written);
      this.#schemaVersion++;
    }
  }

  #entryOf(measurement: string): Measurement {
    const known = this.#measurements.get(measurement);
    if (known !== undefined) return known;
    const entry: Measurement = {
      name: measurement,
      number: undefined,
      types: new Map<string, FieldType>(),
      fields: new Map<string, FieldType>(),
      tagKeys: new Map<string, Uint8Array>(),
      members: new GrowingWords(this.#kernel),
      sorted: new Uint32Array(),
      tags: new Map<string, TagColumn>(),
    };
    this.#measurements.set(measurement, entry);
    return entry;
  }
}
