/**
 * Series of a shard that are in memory: those that no segment has yet, and those that were written to lately. Series cost no
 * JavaScript object: their keys lie as bytes in the store's memory, where kernels find and sort them.
 *
 * Invariants:
 * - Ids are dense, begin at 0, mean nothing outside this table and are never given twice. Memtables know series by them.
 * - A series is _fresh_ until a segment has it. One that was in a segment (or in an earlier table) when it came here never was.
 * - A series whose points were all deleted is gone: it does not show, keeps its id, and is fresh again with its next point.
 *
 * The memory is given back once the table has ended and nobody holds it.
 */
import { exactTextOf } from '../../base/exact-text.ts';
import { must } from '../../base/assert.ts';
import { RecentMap } from '../../base/collections/recent-map.ts';
import { bytesOf, copyBytes } from '../../base/copy-bytes.ts';
import { Held } from '../../base/held.ts';
import type { TextPile } from '../../base/text-pile.ts';
import type { TextColumn } from '../../models/point-batch.ts';
import { MiB } from '../../base/units.ts';
import { KeyTable } from '../../kernels/key-table.ts';
import type { StoreKernel } from '../../kernels/store-kernel.ts';
import { GoneSeries } from './gone-series.ts';
import { GrowingWords } from './growing-words.ts';
import { unescapedMeasurement, unescapedTag } from './series-name.ts';
import { sortSeries } from './sort-series.ts';
import { TagColumn } from './tag-column.ts';

export interface ResidentMeasurement {
  readonly name: string;
  /** In the table of measurements. */
  readonly number: number;
  /** As keys write them. */
  readonly tagKeys: Map<string, Uint8Array>;
  /** Its series in order of arrival, as far as someone asked. */
  readonly members: GrowingWords;
  readonly tags: Map<string, TagColumn>;
}

/** Series of a batch in the store's memory, until its scratch room is used again. */
export interface PlacedSeries {
  /** A u32 each: the id in the table. */
  readonly ids: number;
  readonly count: number;
  /** Room for `workBytes` more. */
  readonly work: number;
}

/** Asked of a key that lies in the store's memory. */
export type KeyTest = (bytes: Uint8Array, start: number, end: number) => boolean;

/** What the kernel needs to take a key apart: a tag key with its measurement. */
const tagKeyRoomBytes = 65_552;
/** In the list of when series came into a segment: not yet, and before the table met them. */
const isFresh = 0;
export const cameEarlier = 1;

/** Lists of ids in order, for whoever asks again before a series comes or goes: of so many measurements, a million ids in all. */
const keptOrders = { countMax: 256, weightMax: 4 * MiB };

/** What a list was made of. */
interface KeptOrder {
  readonly ids: Uint32Array;
  readonly turn: number;
  readonly change: number;
}

export class ResidentSeries {
  readonly #kernel: StoreKernel;
  readonly #series: KeyTable;
  readonly #measurementKeys: KeyTable;
  readonly #tagKeys: KeyTable;
  readonly #measurements = new Map<string, ResidentMeasurement>();
  /** By their numbers. */
  readonly #numbered: ResidentMeasurement[] = [];
  readonly #gone = new GoneSeries();
  /** How many of them each measurement has, by its number. */
  readonly #goneCounts = new Map<number, number>();
  /** By id: the turn of the segment that has it, or one of the two words above. */
  #turns = new Uint32Array(64);
  #freshCount = 0;
  #freshGoneCount = 0;
  #tagKeyCount = 0;
  #schemaVersion = 0;
  /** Grows whenever another series is fresh, or one no longer. */
  #change = 0;
  readonly #orders = new RecentMap<string, KeptOrder>(keptOrders);
  readonly #held: Held;

  constructor(kernel: StoreKernel) {
    this.#kernel = kernel;
    this.#series = new KeyTable(kernel);
    this.#measurementKeys = new KeyTable(kernel);
    this.#tagKeys = new KeyTable(kernel);
    this.#held = new Held(() => {
      this.#release();
    });
  }

  hold(): () => void {
    return this.#held.hold();
  }

  /** Nobody takes hold of it any more. */
  end(): void {
    this.#held.end();
  }

  /** Grows whenever a measurement or a tag key comes, or a series comes back. */
  get schemaVersion(): number {
    return this.#schemaVersion;
  }

  get count(): number {
    return this.#series.count;
  }

  /** Those that no segment has, gone ones included. */
  get freshCount(): number {
    return this.#freshCount;
  }

  /** Those that no segment has and that have points. */
  get freshLiveCount(): number {
    return this.#freshCount - this.#freshGoneCount;
  }

  get sizeBytes(): number {
    return this.#series.sizeBytes + this.#turns.byteLength;
  }

  /** Where kernels find the keys. */
  get table(): KeyTable {
    return this.#series;
  }

  /** Whether keys in files are written otherwise than here for some series. */
  get hasSeparator(): boolean {
    return this.#series.hasSeparator;
  }

  get measurements(): readonly ResidentMeasurement[] {
    return this.#numbered;
  }

  /** Those with a series that has points. */
  get liveMeasurementCount(): number {
    let count = this.#numbered.length;
    for (const [number, goneCount] of this.#goneCounts)
      if (goneCount === this.#measurementKeys.wordsOf(number)[1]) count--;
    return count;
  }

  measurement(name: string): ResidentMeasurement | undefined {
    return this.#measurements.get(name);
  }

  /**
   * Finds the series of a batch by the bytes of their keys; new ones come to be. Those that `taken`, a byte each, leaves out
   * do not. `isElsewhere` is asked for each new one. Throws `cache_full` past the limit of the memory.
   */
  resolve(
    { offsets, bytes }: TextColumn,
    options: {
      readonly taken?: Uint8Array;
      readonly workBytes?: number;
      readonly isElsewhere?: KeyTest | undefined;
    } = {},
  ): PlacedSeries {
    const { taken, workBytes = 0 } = options;
    const { exports } = this.#kernel;
    const before = this.count;
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
    copyBytes(this.#kernel.bytes(offsetsAt, wordBytes), bytesOf(offsets));
    copyBytes(this.#kernel.bytes(bytesAt, lengthBytes), bytes.subarray(start, start + lengthBytes));
    if (taken !== undefined) this.#kernel.bytes(takenAt, count).set(taken);
    for (let from = 0; from < count;) {
      from = exports.resolveSeries(this.#series.at, this.#measurementKeys.at, this.#tagKeys.at, tagKeyRoom, offsetsAt, bytesAt - start, from, count, taken === undefined ? 0 : takenAt, ids); // prettier-ignore
      for (const table of [this.#series, this.#measurementKeys, this.#tagKeys]) table.grow();
    }
    this.#learn();
    this.#settle(before, options.isElsewhere);
    if (this.#gone.count > 0) this.#revive(this.#kernel.words(ids, count), taken);
    return { ids, count, work };
  }

  /** A byte for each series of a batch: 1 when it is not here yet; undefined when all are. */
  unknown({ offsets, bytes }: TextColumn): Uint8Array | undefined {
    const count = offsets.length - 1;
    const start = offsets[0] ?? 0;
    const lengthBytes = (offsets[count] ?? 0) - start;
    const offsetsAt = this.#kernel.scratch((count + 1) * 5 + lengthBytes + 64);
    const out = offsetsAt + (count + 1) * 4;
    const bytesAt = out + count;
    this.#kernel.words(offsetsAt, count + 1).set(offsets);
    copyBytes(this.#kernel.bytes(bytesAt, lengthBytes), bytes.subarray(start, start + lengthBytes));
    const { exports } = this.#kernel;
    const found = exports.unknownSeries(this.#series.at, offsetsAt, bytesAt - start, count, out);
    return found === 0 ? undefined : this.#kernel.bytes(out, count).slice();
  }

  /** Ids of keys [starts[i], ends[i]) of `bytes`; -1 for those that are not here. */
  findAll(
    bytes: Uint8Array,
    starts: Uint32Array,
    { ends, ids }: { readonly ends: Uint32Array; readonly ids: Int32Array },
  ): void {
    const kernel = this.#kernel;
    const count = starts.length;
    // Kernels read whole words, some of them past the end of a key.
    const base = kernel.scratch(bytes.length + count * 12 + 32);
    const startsPtr = base + ((bytes.length + 23) & ~7);
    kernel.bytes(base, bytes.length).set(bytes);
    kernel.words(startsPtr, count).set(starts);
    kernel.words(startsPtr + count * 4, count).set(ends);
    const idsPtr = startsPtr + count * 8;
    kernel.exports.tableFindAll(this.#series.at, base, startsPtr, startsPtr + count * 4, count, idsPtr); // prettier-ignore
    ids.set(new Int32Array(kernel.buffer, idsPtr, count));
  }

  find(key: Uint8Array): number | undefined {
    return this.#series.find(key);
  }

  /** The bytes of a series' key. A view: it holds until the memory grows. */
  keyOf(id: number): Uint8Array {
    return this.#series.key(id);
  }

  keyText(id: number): string {
    return exactTextOf(this.keyOf(id));
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

  /** As keys write it. A copy. */
  writtenMeasurement(number: number): Uint8Array {
    return this.#measurementKeys.key(number).slice();
  }

  isGone(id: number): boolean {
    return this.#gone.has(id);
  }

  /** Whether it has points, and no segment up to the one of that turn has it. */
  isFreshAt(id: number, turn: number): boolean {
    const own = this.#turns[id] ?? isFresh;
    return (own === isFresh || own > turn) && !this.#gone.has(id);
  }

  /** Whether no series is fresh to who knows all segments up to that turn, as far as that is known without a look. */
  hasFreshAt(turn: number, latestTurn: number): boolean {
    return this.#freshCount > 0 || turn < latestTurn;
  }

  /** Those of a list that are fresh. */
  freshOf(ids: Uint32Array, turn: number): Uint32Array {
    const fresh = new Uint32Array(ids.length);
    let count = 0;
    for (let i = 0; i < ids.length; i++) {
      const id = ids[i] ?? 0;
      if (this.isFreshAt(id, turn)) fresh[count++] = id;
    }
    return fresh.slice(0, count);
  }

  /** All that are fresh, or those of a measurement, in no order. */
  freshIn(measurement: string | undefined, turn: number): Uint32Array {
    if (measurement === undefined) return this.freshOf(Uint32Array.from({ length: this.count }, (_, id) => id), turn); // prettier-ignore
    const entry = this.#measurements.get(measurement);
    if (entry === undefined) return new Uint32Array();
    const { at, count } = this.membersOf(entry);
    return this.freshOf(this.#kernel.words(at, count), turn);
  }

  /** The fresh series of a measurement in order of their keys' bytes, as a list of the caller's own. Each step is short. */
  *freshIds(measurement: string, turn: number): Generator<undefined, Uint32Array> {
    const change = this.#change;
    const kept = this.#orders.get(measurement);
    if (kept?.turn === turn && kept.change === change) return kept.ids.slice();
    const ids = yield* this.#sorted(this.freshIn(measurement, turn));
    this.#orders.set(measurement, { ids, turn, change }, ids.byteLength);
    return ids.slice();
  }

  /** Whether a measurement has a fresh series. */
  hasFresh({ members, ...entry }: ResidentMeasurement, turn: number): boolean {
    const { at, count } = this.membersOf({ members, ...entry });
    // The latest ones are most likely to be.
    const ids = this.#kernel.words(at, count);
    for (let i = count - 1; i >= 0; i--) if (this.isFreshAt(ids[i] ?? 0, turn)) return true;
    return false;
  }

  /** The fresh ones with one of `values` of a tag, in order of the keys' bytes. Each step is short. */
  freshIdsWith(
    measurement: string,
    tag: { readonly tagKey: string; readonly values: Iterable<string> },
    turn: number,
  ): Generator<undefined, Uint32Array> {
    return this.#sorted(this.#freshWith(measurement, tag, turn));
  }

  #freshWith(
    measurement: string,
    { tagKey, values }: { readonly tagKey: string; readonly values: Iterable<string> },
    turn: number,
  ): Uint32Array {
    const entry = this.#measurements.get(measurement);
    const column = entry && this.columnOf(entry, tagKey);
    if (entry === undefined || column === undefined) return new Uint32Array();
    const { heap } = this.#kernel;
    const lengthBytes = (entry.members.count + 1) * 4;
    const ids = heap.allocate(lengthBytes);
    try {
      const count = column.select(entry.members, values, ids);
      return this.freshOf(this.#kernel.words(ids, count), turn);
    } finally {
      heap.free(ids, lengthBytes);
    }
  }

  /** The values of a tag that fresh series have, in no order, each once. */
  freshValues(measurement: string, tagKey: string, turn: number): Iterable<string> {
    const entry = this.#measurements.get(measurement);
    const column = entry && this.columnOf(entry, tagKey);
    if (entry === undefined || column === undefined) return [];
    if (this.#gone.count === 0 && this.#freshCount === this.count) return column.values();
    return column.valuesOf(entry.members, (id) => this.isFreshAt(id, turn));
  }

  /** Adds the same to a pile, in order as keys write them. */
  freshValuesInto(
    { measurement, tagKey }: { readonly measurement: string; readonly tagKey: string },
    turn: number,
    pile: TextPile,
  ): Generator<undefined, void> | undefined {
    const entry = this.#measurements.get(measurement);
    const column = entry && this.columnOf(entry, tagKey);
    if (entry === undefined || column === undefined) return undefined;
    if (this.#gone.count === 0 && this.#freshCount === this.count) return column.valuesInto(pile);
    return column.valuesInto(
      pile,
      column.usedBy(entry.members, (id) => this.isFreshAt(id, turn)),
    );
  }

  /** A list of ids in order of their keys' bytes. */
  *#sorted(ids: Uint32Array): Generator<undefined, Uint32Array> {
    if (ids.length < 2) return ids;
    const { heap } = this.#kernel;
    const at = heap.allocate(ids.length * 4);
    try {
      this.#kernel.words(at, ids.length).set(ids);
      yield* sortSeries(this.#kernel, this.#series, { ids: at, count: ids.length });
      return this.#kernel.words(at, ids.length).slice();
    } finally {
      heap.free(at, ids.length * 4);
    }
  }

  /** No point is left of a series. False when that was known. */
  setGone(id: number): boolean {
    if (!this.#gone.add(id)) return false;
    this.#countGone(id, 1);
    this.#change++;
    if (this.#turns[id] === isFresh) this.#freshGoneCount++;
    return true;
  }

  /** A segment of that turn has them. */
  cameInto(ids: Uint32Array, turn: number): void {
    this.#change++;
    for (const id of ids) {
      if (this.#turns[id] !== isFresh) continue;
      this.#turns[id] = turn;
      this.#freshCount--;
      if (this.#gone.has(id)) this.#freshGoneCount--;
    }
  }

  /** No segment has any of them. */
  becomeFresh(): void {
    this.#change++;
    this.#turns.fill(isFresh);
    this.#freshCount = this.count;
    this.#freshGoneCount = this.#gone.count;
  }

  membersOf({ number, members }: ResidentMeasurement): GrowingWords {
    const [, count] = this.#measurementKeys.wordsOf(number);
    if (members.count === count) return members;
    members.reserve(count);
    this.#kernel.exports.listMembers(this.#series.at, this.#measurementKeys.at, number, members.count, members.at); // prettier-ignore
    members.count = count;
    return members;
  }

  /** Undefined when no series has the tag. */
  columnOf(entry: ResidentMeasurement, tagKey: string): TagColumn | undefined {
    const written = entry.tagKeys.get(tagKey);
    if (written === undefined) return undefined;
    let column = entry.tags.get(tagKey);
    if (column === undefined) {
      column = new TagColumn(this.#kernel, written, new GrowingWords(this.#kernel));
      entry.tags.set(tagKey, column);
    }
    column.update(this.#series, this.membersOf(entry));
    return column;
  }

  #settle(from: number, isElsewhere: KeyTest | undefined): void {
    const { count } = this;
    if (count > from) this.#change++;
    if (count > this.#turns.length) {
      const grown = new Uint32Array(Math.max(count, this.#turns.length * 2));
      grown.set(this.#turns);
      this.#turns = grown;
    }
    this.#freshCount += count - from;
    if (isElsewhere === undefined) return;
    const keys = this.#series.reader();
    for (let id = from; id < count; id++) {
      if (!isElsewhere(keys.bytes, keys.start(id), keys.end(id))) continue;
      this.#turns[id] = cameEarlier;
      this.#freshCount--;
    }
  }

  #revive(ids: Uint32Array, taken: Uint8Array | undefined): void {
    ids.forEach((id, i) => {
      if (taken?.[i] === 0 || !this.#gone.remove(id)) return;
      this.#countGone(id, -1);
      this.#change++;
      if (this.#turns[id] === isFresh) this.#freshGoneCount--;
      else this.#freshCount++;
      this.#turns[id] = isFresh;
      this.#schemaVersion++;
    });
  }

  #countGone(id: number, more: 1 | -1): void {
    const number = this.measurementNumberOf(id);
    this.#goneCounts.set(number, (this.#goneCounts.get(number) ?? 0) + more);
  }

  /** Takes note of measurements and tag keys that have come. */
  #learn(): void {
    for (let number = this.#numbered.length; number < this.#measurementKeys.count; number++) {
      const name = unescapedMeasurement(exactTextOf(this.#measurementKeys.key(number)));
      const entry: ResidentMeasurement = {
        name,
        number,
        tagKeys: new Map<string, Uint8Array>(),
        members: new GrowingWords(this.#kernel),
        tags: new Map<string, TagColumn>(),
      };
      this.#measurements.set(name, entry);
      this.#numbered.push(entry);
      this.#schemaVersion++;
    }
    for (; this.#tagKeyCount < this.#tagKeys.count; this.#tagKeyCount++) {
      const key = this.#tagKeys.key(this.#tagKeyCount).slice();
      const number = new DataView(key.buffer).getUint32(0, true);
      const written = key.subarray(4);
      const name = unescapedTag(exactTextOf(written));
      must(this.#numbered[number], 'a tag key has its measurement').tagKeys.set(name, written);
      this.#schemaVersion++;
    }
  }

  #release(): void {
    for (const { members, tags } of this.#measurements.values()) {
      members.release();
      for (const column of tags.values()) column.release();
    }
    for (const table of [this.#series, this.#measurementKeys, this.#tagKeys]) table.release();
  }
}
