/**
 * One shard on its home worker: decides batches, holds what is not in files yet and the files, and gives readers an
 * unchanging view.
 *
 * Invariants:
 * - Batches are decided in the order they enter the log and applied in that order once durable, so that replay of the
 *   log gives the same shard.
 * - A view never changes; what is written after it was taken does not show in it.
 * - Of two writes of a point the one with the later stamp shows, whichever was applied first; what is applied late leaves out
 *   what a later write has (late-points.ts), and what a later delete has struck.
 * - A batch that was taken already is not taken again, as far as the shard remembers.
 * - A point is in the active memtable, in the one being flushed, or in a file; it leaves one only when it is in the next.
 *
 * Not here: which files there are (shard-files.ts); the log, which the shards of a worker share, and when to flush (store/).
 */
import type { FieldType } from '../../models/field-value.ts';
import type { BatchHead, PointBatch } from '../../models/point-batch.ts';
import type { DbError } from '../../base/errors.ts';
import { Slices, type SlicePorts } from '../../env/slices.ts';
import type { StoreKernel } from '../../kernels/store-kernel.ts';
import type { IndexSegment } from '../index/index-segment.ts';
import type { ResidentSeries } from '../index/resident-series.ts';
import { ShardIndex } from '../index/shard-index.ts';
import type { TsmFile } from '../tsm/tsm-file.ts';
import { covers } from '../tsm/deleted-ranges.ts';
import type { TimeRange } from '../tsm/tombstones.ts';
import { latestOf, noStamp, rangeOfAll, stampOrigin, type Stamp, type StampRange } from '../../models/stamp.ts'; // prettier-ignore
import { showFields } from './show-fields.ts';
import type { ContentWatch } from './content/content-watch.ts';
import { deleteFromFiles, emptySeries, hasPoints, keysOf, type DoomedSeries, type SelectedSeries, type ShardDeletePorts } from './delete-points.ts'; // prettier-ignore
import { checkFields, toldOf } from './limits/field-check.ts';
import { flushMemtable, type FlushPorts } from './flush/flush.ts';
import { refuseLongKeys } from './limits/key-length.ts';
import { refuseOddKeys } from './limits/odd-keys.ts';
import { usualChecks, type RowChecks } from './limits/row-checks.ts';
import { latestStrike, withoutOlder, withoutStruck, type LateVerdict, type StruckPoints } from './memtable/late-points.ts'; // prettier-ignore
import { learnSeries } from './limits/learn-series.ts';
import { RecentBatches, RecentBudget, type RecentBatch } from './memtable/recent-batches.ts';
import { memtablePart, stampsOfFile } from './compaction/stamped-parts.ts';
import { takenSeries } from './limits/refused-rows.ts';
import { refusedBefore, RowVerdict, type FieldVerdict } from './limits/row-verdict.ts';
import { refuseNewSeries, type LimitedDatabase } from './limits/series-limits.ts';
import { Memtable } from './memtable/memtable.ts';
import type { TimeBounds } from './memtable/shape-table.ts';
import { ShardFiles } from './shard-files.ts';
import { ShardView } from './shard-view.ts';

/** Of a shard that has a budget of its own. */
const recentBytesMax = 1 << 20;
const noRejects = new Uint8Array();

/** A field and its one type. */
export interface DecidedField {
  readonly measurement: string;
  readonly name: string;
  readonly type: FieldType;
}

/** Series that are forgotten between two looks at the clock. */
const forgottenAtOnce = 256;

export interface ApplyOptions {
  /** The shard has one owner, which nobody is to be equal to: the batch is not remembered. */
  readonly isAlone?: boolean | undefined;
}

export class Shard {
  readonly id: number;
  readonly #kernel: StoreKernel;
  readonly #index: ShardIndex;
  #isClosed = false;
  #active: Memtable;
  #flushing: Memtable | undefined;
  readonly #files: ShardFiles;
  readonly #recent: RecentBatches;
  /** The latest of what is not in the active memtable: what is older is looked at before it goes above that. */
  #settled: Stamp;
  /** Deletes that what comes late is held against. */
  #struck: readonly StruckPoints[] = [];
  /** A batch was taken that is not remembered, as nobody is to be equal to this shard. */
  #isAlone = false;
  /** Told of values of late batches of which nobody can tell whether they are later than what was there. */
  readonly #onUnclear: (valueCount: number) => void;
  readonly #checks: RowChecks;

  /** With the files it had, and the segments of its index; what these do not have is to be learned. */
  constructor(
    id: number,
    kernel: StoreKernel,
    {
      files = [],
      segments = [],
      budget = new RecentBudget(recentBytesMax),
      onUnclear = () => undefined,
      checks = usualChecks,
    }: { readonly files?: readonly TsmFile[]; readonly segments?: readonly IndexSegment[]; readonly budget?: RecentBudget | undefined; readonly onUnclear?: ((valueCount: number) => void) | undefined; readonly checks?: RowChecks | undefined } = {}, // prettier-ignore
  ) {
    this.id = id;
    this.#kernel = kernel;
    this.#index = new ShardIndex(kernel, segments);
    this.#active = new Memtable(kernel, this.#index.active);
    this.#files = new ShardFiles(files);
    this.#settled = this.#files.stamps?.greatest ?? noStamp;
    this.#recent = new RecentBatches(budget, this.#settled);
    this.#onUnclear = onUnclear;
    this.#checks = checks;
  }

  get index(): ShardIndex {
    return this.#index;
  }

  /** For whoever keeps what it has seen of the points. */
  get content(): ContentWatch {
    return this.#files.content;
  }

  /** Learns the series and fields of files from their keys. */
  async learn(files: readonly TsmFile[], ports: SlicePorts): Promise<void> {
    const slices = new Slices(ports);
    for (const file of files) await learnSeries(this.#index, file.columnsAndRests(), slices);
  }

  /** Learns all anew, since segments are damaged: until it is done nobody reads. */
  async rebuildIndex(reason: DbError, ports: SlicePorts): Promise<void> {
    await this.#index.beginRebuild(reason, new Slices(ports));
    await this.#files.pinned((files) => this.learn(files, ports));
    if (!this.#isClosed) this.#index.endRebuild();
  }

  /** Of the memtable that takes writes: what hangs on it whether it is flushed. */
  get activeBytes(): number {
    return this.#active.heldBytes;
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

  /**
   * Which rows are refused. To be called in the order in which batches enter the log. `told`: types that the lead of the shard has decided.
   * What a later delete has struck decides no type, nor does a batch that was taken before: no point of theirs will show it. Of one that was taken what was
   * refused then is, as far as that is known: its points came or did not come then.
   */
  decide(
    batch: PointBatch,
    limited?: LimitedDatabase,
    told: readonly DecidedField[] = [],
  ): FieldVerdict {
    const verdict = new RowVerdict(batch.rowCount);
    const { validatesKeys, takesLongTexts } = this.#checks;
    const oddKey = validatesKeys ? refuseOddKeys(batch, verdict) : undefined;
    refuseLongKeys(batch, verdict);
    // Rows that are refused decide no type.
    if (limited !== undefined) refuseNewSeries(batch, verdict, limited);
    if (oddKey !== undefined) verdict.tell(oddKey);
    const decides = !this.hasTaken(batch.stamp);
    const counted = decides && batch.stamp < this.#settled ? withoutStruck(batch, this.#struck) : batch; // prettier-ignore
    if (counted === undefined) return verdict.verdict();
    const before = this.#recent.rejectsOf(batch.stamp);
    if (decides) this.decideFieldTypes(counted === batch ? told : toldOf(counted, told));
    checkFields(this.#index, counted, verdict, { takesLongTexts, decides });
    return before === undefined ? verdict.verdict() : refusedBefore(before, verdict);
  }

  /** Decides the types of fields that have none yet; answers those that all of them have now. */
  decideFieldTypes(fields: readonly DecidedField[]): readonly DecidedField[] {
    return fields.map(({ measurement, name, type }) => {
      const known = this.#index.fieldType(measurement, name);
      if (known === undefined) this.#index.decideFieldType(measurement, name, type);
      return { measurement, name, type: known ?? type };
    });
  }

  /** What was decided of fields, as the log has it: they are of these types, whatever the index can tell. */
  takeFieldTypes(fields: readonly DecidedField[]): void {
    for (const { measurement, name, type } of fields) this.#index.decideFieldType(measurement, name, type); // prettier-ignore
  }

  /** Whether points have shown all of these fields, so that their types are as durable as those are. */
  showsFields(fields: readonly DecidedField[]): boolean {
    return fields.every(({ measurement, name }) => this.#index.fields(measurement).has(name));
  }

  /** Whether a batch of this stamp was applied: what is brought twice. */
  hasTaken(stamp: Stamp): boolean {
    return this.#recent.has(stamp);
  }

  /** The latest stamp of all that was applied. */
  get latestStamp(): Stamp {
    const active = this.#active.stamps?.greatest ?? noStamp;
    return active > this.#settled ? active : this.#settled;
  }

  /** Of all that has points within the bounds, or may have; undefined where there is nothing. */
  stampsWithin(bounds: TimeBounds): StampRange | undefined {
    const memtables = [this.#active, ...(this.#flushing === undefined ? [] : [this.#flushing])];
    const parts = [...this.#files.parts, ...memtables.map(memtablePart)];
    const meets = (of: TimeBounds): boolean =>
      of.minTimeNs <= bounds.maxTimeNs && of.maxTimeNs >= bounds.minTimeNs;
    return rangeOfAll(parts.map((part) => (part.bounds && meets(part.bounds) ? part.stamps : undefined))); // prettier-ignore
  }

  /**
   * The latest stamp of what has points, or struck some, at times of a batch: of another coordinator, or of an earlier run of this
   * one, and later than the batch's, whose points may lose to it. Undefined where there is none.
   */
  newerThan(batch: TimeBounds & { readonly stamp: Stamp }): Stamp | undefined {
    const { stamp } = batch;
    if (stamp === noStamp || this.latestStamp <= stamp) return undefined;
    const held = this.stampsWithin(batch)?.greatest ?? noStamp;
    const newest = latestOf([held, latestStrike(this.#struck, batch)]);
    // Of two that one clock has given the later one was asked for later.
    return newest <= stamp || stampOrigin(newest) === stampOrigin(stamp) ? undefined : newest;
  }

  /** Whether a batch was taken before, or a later delete may have struck points of it. */
  isLate(batch: TimeBounds & { readonly stamp: Stamp }): boolean {
    return this.hasTaken(batch.stamp) || latestStrike(this.#struck, batch) > batch.stamp;
  }

  /**
   * Takes a batch that the log holds, with the rows its verdict refused, now or when it was decided. Answers whether nobody can tell of some of its values if
   * they are later than what was there.
   */
  apply(batch: PointBatch, rejects: Uint8Array, { isAlone = false }: ApplyOptions = {}): boolean {
    // A write that waited for the disk while the shard was deleted.
    if (this.#isClosed || this.hasTaken(batch.stamp)) return false;
    const isUnclear = this.#take(batch, rejects);
    this.#isAlone = isAlone;
    if (isAlone) this.#recent.forgetAll(batch.stamp);
    else this.#recent.add(batch, rejects);
    return isUnclear;
  }

  /**
   * As apply(), of what the log has and no file: a batch that was taken before is there twice where a delete was late, which has struck it where it
   * was (applyAgain), and what is behind the last flush may be all that is left of it.
   */
  replay(batch: PointBatch, rejects: Uint8Array): boolean {
    return this.hasTaken(batch.stamp) ? this.#take(batch, rejects) : this.apply(batch, rejects);
  }

  /** A batch that files have already: what comes late is held against it. */
  remember(batch: BatchHead, rejects: Uint8Array): void {
    if (!this.#isClosed && !this.hasTaken(batch.stamp)) this.#recent.add(batch, rejects);
  }

  /** All batches that are later than this stamp are remembered. */
  remembersSince(stamp: Stamp): void {
    this.#recent.hasAllSince(stamp);
  }

  /** Whether nobody has to be equal to this shard, as far as its last batch tells. */
  get isAlone(): boolean {
    return this.#isAlone;
  }

  /** The latest stamp of what is not in the active memtable, deletes included. */
  get settledStamp(): Stamp {
    return this.#settled;
  }

  /** From now on these are all deletes that count for what comes late. */
  strike(struck: readonly StruckPoints[]): void {
    this.#struck = struck;
    for (const { stamp } of struck) if (stamp > this.#settled) this.#settled = stamp;
  }

  /**
   * Batches that are later than a delete, as far as they are remembered: they stay, wherever what it strikes lies. `isExact`:
   * there are no others, or nobody has to be equal to this shard.
   */
  spared(struck: StruckPoints): {
    readonly batches: Iterable<RecentBatch>;
    readonly isExact: boolean;
  } {
    // prettier-ignore
    return {
      batches: this.#recent.newerThan(struck.stamp, struck),
      isExact: this.#recent.forgotten <= struck.stamp || this.#isAlone,
    };
  }

  /** Takes what a delete means of a batch again, which is later and about to be struck where it lies. */
  applyAgain(batch: PointBatch, rejects: Uint8Array, spared: StruckPoints): void {
    this.#take(batch, rejects, spared);
  }

  /** Answers as apply() does. */
  #take(batch: PointBatch, rejects: Uint8Array, spared?: StruckPoints): boolean {
    if (this.#isClosed) return false;
    const isLate = batch.stamp < this.#settled || spared !== undefined;
    const late = isLate ? this.#withoutOlder(batch, rejects, spared) : undefined;
    const kept = late === undefined ? batch : late.batch;
    if (kept !== undefined) this.#append(kept, kept === batch ? rejects : noRejects, kept !== batch); // prettier-ignore
    return late !== undefined && late.unclearCount + late.leftCount > 0;
  }

  #withoutOlder(batch: PointBatch, rejects: Uint8Array, spared?: StruckPoints): LateVerdict {
    const flushing = this.#flushing === undefined ? [] : [memtablePart(this.#flushing)];
    const parts = [...this.#files.parts, ...flushing];
    const late = { recent: this.#recent, parts, struck: this.#struck, spared };
    const verdict = withoutOlder(batch, rejects, late);
    if (verdict.unclearCount > 0) this.#onUnclear(verdict.unclearCount);
    return verdict;
  }

  /** From now on what is older than these stamps is looked at before it goes above them. */
  #settle(
    stamps: StampRange | undefined,
    { isRemembered }: { readonly isRemembered: boolean },
  ): void {
    const latest = stamps?.greatest ?? noStamp;
    if (latest > this.#settled) this.#settled = latest;
    if (!isRemembered) this.#recent.forgetUntil(latest);
  }

  #append(batch: PointBatch, rejects: Uint8Array, isPartial: boolean): void {
    showFields(this.#index, batch, rejects);
    // A series whose rows were all refused does not come to be.
    const taken = rejects.length === 0 && !isPartial ? {} : { taken: takenSeries(batch, rejects) };
    const workBytes = Memtable.workBytes(batch);
    const series = this.#index.resolve(batch.series, { ...taken, workBytes });
    this.#active.append(batch, series, rejects);
  }

  /** To be released. Throws `corrupt` when the index would not show all series. */
  view(): ShardView {
    const index = this.#index.view();
    const memtables = [...(this.#flushing === undefined ? [] : [this.#flushing]), this.#active];
    const pins = memtables.map((memtable) => memtable.pin());
    return new ShardView(this.id, index, { files: this.#files.all, memtables: pins });
  }

  /** Whether a memtable is aside, by a flush that is under way or has failed. */
  get isAside(): boolean {
    return this.#flushing !== undefined;
  }

  /**
   * Sets the active memtable aside to be flushed; false when one is aside already and has to be flushed first.
   * `beginsTable`: series that were written to until now are not kept in memory longer than the flush takes.
   */
  setAside({ beginsTable }: { readonly beginsTable: boolean }): boolean {
    if (this.#flushing !== undefined) return false;
    if (beginsTable) this.#index.beginTable();
    this.#flushing = this.#active;
    this.#settle(this.#active.stamps, { isRemembered: true });
    this.#active = new Memtable(this.#kernel, this.#index.active);
    return true;
  }

  /** Where the series of what was set aside are, else those of the active memtable. */
  get asideTable(): ResidentSeries {
    return (this.#flushing ?? this.#active).series;
  }

  /** Writes what was set aside to a file, if it is anything. When it fails all is as before, and it may be tried again. */
  async flush(path: string, ports: Omit<FlushPorts, 'kernel'>): Promise<TsmFile | undefined> {
    if (this.#flushing === undefined) return undefined;
    const kernel = this.#kernel;
    const isEmpty = this.#flushing.rowCount === 0;
    const file = isEmpty
      ? undefined
      : await flushMemtable(this.#flushing, path, { ...ports, kernel });
    if (file !== undefined) this.#files.add(file);
    this.#flushing.end();
    this.#flushing = undefined;
    return file;
  }

  /**
   * Deletes points of series that are in these files: what is in memory is left alone, so the caller flushes before. Series
   * of which nothing is left do not show any more. `isDeciding`: a batch is decided and not applied; `forget` runs what it is
   * given and makes durable what that answers.
   */
  async deletePoints(
    view: ShardView,
    request: { readonly selected: readonly SelectedSeries[]; readonly range: TimeRange; readonly files: readonly TsmFile[] }, // prettier-ignore
    { isDeciding, forget, ...ports }: ShardDeletePorts,
  ): Promise<void> {
    const { selected, range, files } = request;
    const doomed = selected.map((one): DoomedSeries => ({
      ...one,
      fields: [...this.#index.fields(one.measurement).keys()],
      keyOf: (seriesId) => view.keyOf(seriesId),
    }));
    const isAny = doomed.some(({ isWhole }) => isWhole === true);
    const isStruck = this.content.strike(isAny ? undefined : keysOf(doomed), range);
    try {
      await deleteFromFiles(files, doomed, range, ports);
    } finally {
      isStruck();
    }
    for (const one of doomed) {
      if (this.#isClosed) return;
      const seen = this.#files.all;
      const isAllGone = seen.every((file) => files.includes(file) && (file.bounds === undefined || covers([range], file.bounds))); // prettier-ignore
      const empty = isAllGone ? one.seriesIds : await emptySeries(seen, one, ports);
      await forget((slices) => this.#forget(view, { doomed: one, empty, seen, isDeciding }, slices)); // prettier-ignore
    }
  }

  /** Takes series out of sight that had nothing in `seen`, but for those that have come again since. */
  async #forget(
    { index }: ShardView,
    { doomed, empty, seen, isDeciding }: { readonly doomed: DoomedSeries; readonly empty: Iterable<number>; readonly seen: readonly TsmFile[]; readonly isDeciding: () => boolean }, // prettier-ignore
    slices: Slices,
  ): Promise<ReadonlySet<IndexSegment>> {
    const { measurement } = doomed;
    const changed = new Set<IndexSegment>();
    let count = 0;
    for (const seriesId of empty) {
      if (++count % forgottenAtOnce === 0) await slices.next();
      if (this.#isClosed) return new Set();
      // Nothing runs between the look and this.
      const come = this.#files.all.filter((file) => !seen.includes(file));
      const isBack = this.#isInMemory(measurement, () => index.keyCopyOf(seriesId));
      if (!isBack && !hasPoints(come, doomed, seriesId))
        this.#index.forgetSeries(index, { measurement, seriesId }, changed);
    }
    this.#index.endForget(measurement, changed, { keepsTypes: isDeciding() });
    return changed;
  }

  #isInMemory(measurement: string, keyOf: () => Uint8Array): boolean {
    for (const memtable of [this.#active, this.#flushing]) {
      if (memtable?.mayHave(measurement) !== true) continue;
      const id = memtable.series.find(keyOf());
      if (id !== undefined && memtable.hasSeries(measurement, id)) return true;
    }
    return false;
  }

  get filesBytes(): number {
    return this.#files.bytes;
  }

  /** Oldest first. */
  get files(): readonly TsmFile[] {
    return this.#files.all;
  }

  /** See ShardFiles. */
  replaceFiles(old: readonly TsmFile[], fresh: readonly TsmFile[]): void {
    this.#files.replace(old, fresh);
  }

  /**
   * Puts files of another copy of the shard below those that are here, with the segments of their index in the place of all,
   * and learns the own files anew: until it is done nobody reads.
   */
  async install(
    parts: { readonly files: readonly TsmFile[]; readonly segments: readonly IndexSegment[] },
    reason: DbError,
    ports: SlicePorts,
  ): Promise<void> {
    await this.#files.pinned(async (own) => {
      this.#files.putBelow(parts.files);
      this.#settle(rangeOfAll(parts.files.map(stampsOfFile)), { isRemembered: false });
      await this.#index.beginInstall(reason, parts.segments, new Slices(ports));
      await this.learn(own, ports);
    });
    if (!this.#isClosed) this.#index.endRebuild();
  }

  /** Nobody may ask any more. */
  async close(): Promise<void> {
    this.#end();
    await this.#files.close();
  }

  /** Nobody may ask any more but those who hold a view, who read on: its files may have lost their names. */
  retire(): void {
    this.#end();
    this.#files.retire();
  }

  #end(): void {
    this.#isClosed = true;
    this.#active.end();
    this.#flushing?.end();
    this.#index.release();
  }
}
