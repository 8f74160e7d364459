/**
 * The series of one shard and the typed fields of its measurements: segments on disk, and in memory what no segment has yet
 * beside what was written to lately.
 *
 * Invariants:
 * - A series that has points is live in one segment, or fresh in one of the tables in memory.
 * - A series whose points were all deleted does not show, nor do tag keys, values and fields of nothing but such series; it
 *   shows again with its next point.
 * - At most two tables are in memory: the one that takes series, and one whose memtable is being flushed.
 *
 * Not here: files of segments, and when they are written (segment-keeper.ts).
 */
import { exactBytesOf, exactTextOf } from '../../base/exact-text.ts';
import { DbError } from '../../base/errors.ts';
import { hashBytes } from '../../base/hash-bytes.ts';
import type { Slices } from '../../env/slices.ts';
import type { FieldType } from '../../models/field-value.ts';
import { escapeMeasurement, escapeTag } from '../../models/series-key.ts';
import type { TextColumn } from '../../models/point-batch.ts';
import type { StoreKernel } from '../../kernels/store-kernel.ts';
import { FieldSchemas } from './field-schemas.ts';
import { IndexSegment } from './index-segment.ts';
import { IndexView } from './index-view.ts';
import { cameEarlier, ResidentSeries, type KeyTest, type PlacedSeries } from './resident-series.ts';
import { measurementBytesOf, unescapedTag } from './series-name.ts';
import { isStored, TagCounts } from './tag-counts.ts';

export type { IndexedSeries } from './index-view.ts';
export type { PlacedSeries } from './resident-series.ts';

export class ShardIndex {
  readonly #kernel: StoreKernel;
  readonly #schemas: FieldSchemas;
  readonly #tagCounts = new TagCounts();
  #segments: readonly IndexSegment[];
  /** Of the latest segment that a flush has brought. */
  #turn = cameEarlier;
  #active: ResidentSeries;
  /** Its memtable is being flushed. */
  #older: ResidentSeries | undefined;
  /** Of tables that are gone, and of what is not theirs. */
  #versionBase = 0;
  #rebuilding: DbError | undefined;
  #isReleased = false;

  constructor(kernel: StoreKernel, segments: readonly IndexSegment[] = []) {
    this.#kernel = kernel;
    this.#segments = segments;
    this.#schemas = new FieldSchemas(segments);
    this.#active = new ResidentSeries(kernel);
  }

  /** Grows whenever a measurement, a field or a tag key comes to show. */
  get schemaVersion(): number {
    return this.#versionBase + this.#schemas.version + this.#active.schemaVersion;
  }

  get seriesCount(): number {
    const inSegments = this.#segments.reduce((sum, { liveCount }) => sum + liveCount, 0);
    return this.tables.reduce((sum, { freshLiveCount }) => sum + freshLiveCount, inSegments);
  }

  /** At least so many: those of the part that has most, since parts have most of them in common. */
  get measurementCount(): number {
    const inTables = this.tables.map(({ liveMeasurementCount }) => liveMeasurementCount);
    const inSegments = this.#segments.map(
      (segment) => segment.measurementCount - segment.gone.measurements.size,
    );
    return Math.max(0, ...inTables, ...inSegments);
  }

  get segments(): readonly IndexSegment[] {
    return this.#segments;
  }

  get schemas(): FieldSchemas {
    return this.#schemas;
  }

  /** The table that takes series now: a memtable knows its own. */
  get active(): ResidentSeries {
    return this.#active;
  }

  /** Oldest first. */
  get tables(): readonly ResidentSeries[] {
    return this.#older === undefined ? [this.#active] : [this.#older, this.#active];
  }

  /** What of the segments was found damaged, or why they are not to be asked. */
  get damage(): DbError | undefined {
    return this.#rebuilding ?? this.#segments.find(({ damage }) => damage !== undefined)?.damage;
  }

  /** To be released. Throws `corrupt` when it would not show all series. */
  view(): IndexView {
    const { damage } = this;
    if (damage !== undefined) throw damage;
    return new IndexView({
      schemas: this.#schemas,
      segments: this.#segments,
      tables: this.tables,
      turn: this.#turn,
      latestTurn: () => this.#turn,
    });
  }

  /** Finds the series of a batch, see ResidentSeries.resolve(). */
  resolve(
    texts: TextColumn,
    options: { readonly taken?: Uint8Array; readonly workBytes?: number } = {},
  ): PlacedSeries {
    return this.#active.resolve(texts, { ...options, isElsewhere: this.#elsewhere() });
  }

  /** A byte for each series of a batch: 1 when it is not there yet; undefined when all are. */
  unknown(texts: TextColumn): Uint8Array | undefined {
    const unknown = this.#active.unknown(texts);
    const isElsewhere = this.#elsewhere();
    if (unknown === undefined || isElsewhere === undefined) return unknown;
    const { offsets, bytes } = texts;
    unknown.forEach((isUnknown, i) => {
      if (isUnknown === 1 && isElsewhere(bytes, offsets[i] ?? 0, offsets[i + 1] ?? 0)) unknown[i] = 0; // prettier-ignore
    });
    return unknown.includes(1) ? unknown : undefined;
  }

  /** Of a measurement, of series that are gone too. */
  tagKeys(measurement: string): ReadonlySet<string> {
    const tagKeys = new Set<string>();
    for (const table of this.tables)
      for (const key of table.measurement(measurement)?.tagKeys.keys() ?? []) tagKeys.add(key);
    const name = exactBytesOf(escapeMeasurement(measurement));
    for (const segment of this.#segments) {
      const found = segment.measurement(name);
      if (found === undefined) continue;
      for (const [key] of segment.tags(found)) tagKeys.add(unescapedTag(exactTextOf(key)));
    }
    return tagKeys;
  }

  /** How many values a tag has. */
  tagValueCount(measurement: string, tagKey: string): number {
    return this.#tagCounts.count(this, measurement, tagKey);
  }

  hasTagValue(measurement: string, tagKey: string, value: string): boolean {
    for (const table of this.tables) {
      const entry = table.measurement(measurement);
      if (entry !== undefined && table.columnOf(entry, tagKey)?.has(value) === true) return true;
    }
    const written = exactBytesOf(escapeTag(value));
    return isStored(this.#segments, { measurement, tagKey, value: written });
  }

  /** As long as it is the same object, a field that was decided is of its type, and one that shows does. */
  get fieldsMark(): object {
    return this.#schemas.mark;
  }

  /** As decided, whether it shows yet or not. */
  fieldType(measurement: string, field: string): FieldType | undefined {
    return this.#schemas.type(measurement, field);
  }

  decideFieldType(measurement: string, field: string, type: FieldType): void {
    this.#schemas.decide(measurement, field, type);
  }

  /** Decides the type and shows the field. */
  showField(measurement: string, field: string, type: FieldType): void {
    this.#schemas.show(measurement, field, type);
  }

  fields(measurement: string): ReadonlyMap<string, FieldType> {
    return this.#schemas.fields(measurement);
  }

  /** The next memtable's series go to a table of their own. False when there is an older one still. */
  beginTable(): boolean {
    if (this.#older !== undefined) return false;
    this.#older = this.#active;
    this.#active = new ResidentSeries(this.#kernel);
    this.#versionBase += this.#older.schemaVersion;
    return true;
  }

  /** The memtable of the older table is in a file, and its series are in segments. */
  endOlder(): void {
    this.#older?.end();
    this.#older = undefined;
  }

  /** A segment with these series of a table is durable. */
  addSegment(
    segment: IndexSegment,
    { table, ids }: { readonly table: ResidentSeries; readonly ids: Uint32Array },
  ): void {
    this.#turn++;
    this.#setSegments([...this.#segments, segment]);
    // Its shard was deleted while it was written.
    if (this.#isReleased) segment.retire();
    table.cameInto(ids, this.#turn);
  }

  /** Puts a segment with the same series in the place of some. */
  replaceSegments(old: readonly IndexSegment[], fresh: readonly IndexSegment[]): void {
    const [first] = old;
    const at = this.#segments.findIndex((segment) => segment === first);
    const rest = this.#segments.filter((segment) => !old.includes(segment));
    this.#setSegments([...rest.slice(0, at), ...fresh, ...rest.slice(at)]);
    for (const segment of this.#isReleased ? fresh : old) segment.retire();
  }

  /** No segment is to be trusted: until endRebuild() nobody reads, and whoever calls learns all series of files anew. */
  async beginRebuild(reason: DbError, slices: Slices): Promise<void> {
    this.#distrustSegments(reason);
    await this.#partTables(slices);
  }

  #distrustSegments(reason: DbError): void {
    this.#rebuilding = reason;
    this.#turn++;
    const old = this.#segments;
    this.#setSegments([]);
    for (const segment of old) segment.retire();
    for (const table of this.tables) table.becomeFresh();
  }

  /**
   * Puts segments of another copy of the shard in the place of all; until endRebuild() nobody reads, and whoever calls learns
   * the series of files that these do not have.
   */
  async beginInstall(
    reason: DbError,
    segments: readonly IndexSegment[],
    slices: Slices,
  ): Promise<void> {
    this.#distrustSegments(reason);
    this.#turn++;
    const turn = this.#turn;
    this.#setSegments(segments);
    this.#schemas.absorb();
    // Series that come meanwhile are looked for in the segments by resolve().
    for (const table of this.tables) {
      const release = table.hold();
      try {
        for (let id = 0, { count } = table; id < count; id++) {
          if (isInAny(segments, table.keyOf(id))) table.cameInto(Uint32Array.of(id), turn);
          if ((id & 255) === 255) await slices.next();
        }
      } finally {
        release();
      }
    }
    await this.#partTables(slices);
  }

  /** All series of both tables were made fresh: those that both have are the older one's, or they would be listed twice. */
  async #partTables(slices: Slices): Promise<void> {
    const [older, active] = [this.#older, this.#active];
    if (older === undefined) return;
    const releases = [older.hold(), active.hold()];
    try {
      for (let id = 0, { count } = active; id < count; id++) {
        if (this.#isIn(older, active.keyOf(id))) active.cameInto(Uint32Array.of(id), cameEarlier);
        if ((id & 255) === 255) await slices.next();
      }
    } finally {
      for (const release of releases) release();
    }
  }

  endRebuild(): void {
    this.#schemas.changeAll();
    this.#rebuilding = undefined;
    this.#versionBase++;
  }

  /**
   * Takes a series, known by its id of a view, out of sight: no point is left of it. Segments of which something is gone now
   * come to `changed`: that is to be made durable. endForget() is called behind the last one.
   */
  forgetSeries(
    view: IndexView,
    { measurement, seriesId }: { readonly measurement: string; readonly seriesId: number },
    changed: Set<IndexSegment>,
  ): void {
    const { of, number } = view.placeOf(seriesId);
    if (of instanceof IndexSegment && this.#segments.includes(of)) {
      of.gone.series.add(number);
      changed.add(of);
    } else this.#forgetStored(view.keyCopyOf(seriesId), changed);
    for (const table of this.tables) {
      if (table.measurement(measurement) === undefined) continue;
      const id = table.find(view.keyCopyOf(seriesId));
      if (id !== undefined) table.setGone(id);
    }
  }

  /**
   * With the last series of a measurement go its fields, and their types too unless `keepsTypes`: a batch that is on its way
   * to the disk has been decided by them.
   */
  endForget(
    measurement: string,
    changed: Set<IndexSegment>,
    { keepsTypes }: { readonly keepsTypes: boolean },
  ): void {
    this.#versionBase++;
    if (this.#shows(measurement)) return;
    this.#schemas.clear(measurement, { keepsTypes });
    const name = exactBytesOf(escapeMeasurement(measurement));
    for (const segment of this.#segments) {
      const found = segment.measurement(name);
      if (found === undefined || segment.gone.measurements.has(found.number)) continue;
      segment.gone.measurements.add(found.number);
      changed.add(segment);
    }
  }

  #forgetStored(key: Uint8Array, changed: Set<IndexSegment>): void {
    for (const segment of this.#segments) {
      const number = segment.find(key, hashBytes(key, 0, key.length), measurementBytesOf(key));
      if (number < 0) continue;
      segment.gone.series.add(number);
      changed.add(segment);
    }
  }

  /** Gives its memory back: nobody may ask any more but who holds a view. */
  release(): void {
    this.#isReleased = true;
    for (const table of this.tables) table.end();
    for (const segment of this.#segments) segment.retire();
  }

  #setSegments(segments: readonly IndexSegment[]): void {
    this.#segments = segments;
    this.#schemas.setSegments(segments);
  }

  /** Whether a measurement has a series that does. */
  #shows(measurement: string): boolean {
    const name = exactBytesOf(escapeMeasurement(measurement));
    const isStored = this.#segments.some((segment) => {
      const found = segment.measurement(name);
      return found !== undefined && segment.liveCountOf(found) > 0;
    });
    if (isStored) return true;
    return this.tables.some((table) => {
      const entry = table.measurement(measurement);
      return entry !== undefined && table.hasFresh(entry, this.#turn);
    });
  }

  /** Undefined when all series there are have to be in the active table. */
  #elsewhere(): KeyTest | undefined {
    const older = this.#older;
    const segments = this.#segments;
    if (older === undefined && segments.length === 0) return undefined;
    return (bytes, start, end) => {
      if (older !== undefined && this.#isIn(older, bytes.subarray(start, end))) return true;
      if (segments.length === 0) return false;
      return isInAny(segments, bytes.subarray(start, end));
    };
  }

  #isIn(table: ResidentSeries, key: Uint8Array): boolean {
    const id = table.find(key);
    return id !== undefined && table.isFreshAt(id, this.#turn);
  }
}

function isInAny(segments: readonly IndexSegment[], key: Uint8Array): boolean {
  const hash = hashBytes(key, 0, key.length);
  return segments.some((segment) => isInSegment(segment, key, hash));
}

/** A segment that is damaged does not keep a batch from being applied: it is made anew, with all series in it. */
function isInSegment(segment: IndexSegment, key: Uint8Array, hash: number): boolean {
  try {
    return segment.find(key, hash, measurementBytesOf(key)) >= 0;
  } catch (error) {
    if (error instanceof DbError && error.code === 'corrupt') return false;
    throw error;
  }
}
