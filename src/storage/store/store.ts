/**
 * The shards of one engine worker and the log they share.
 *
 * Layout: DATA/<database>/<retention policy>/<shard id>/ as the reference's, with TSM files and shard.json;
 * WAL/<segments of all workers>.
 *
 * Invariants:
 * - A shard's folder is durable before its first record is, and the roster has it; a record of a shard without either is of
 *   a deleted shard. Should the shard come to be again, its records are numbered behind those.
 * - A shard that the roster has and that has no folder is damaged: its disk is not there.
 * - A record leaves the log only after its points are in a durable file and shard.json says so, or its shard is gone. The
 *   records of a damaged shard stay.
 * - A shard that is to be deleted is neither read nor written from then on; until its folder is gone a retry deletes it.
 * - Memory is bounded: a memtable is flushed when it is large, all of them together are large, or it is cold; a shard
 *   whose memtables are at the limit refuses writes.
 *
 * Not here: a batch's way into its shard (store-writes.ts), which worker is home of a shard (the caller passes `isHome`), compaction (compactor.ts).
 */
import { assert } from '../../base/assert.ts';
import { Tasks } from '../../base/async/tasks.ts';
import { DiskFailures } from '../../env/disk-failures.ts';
import type { Timer } from '../../env/clock.ts';
import type { StoreKernel } from '../../kernels/store-kernel.ts';
import { decodePointBatch } from '../../models/point-batch.ts';
import type { Stamp, StampRange } from '../../models/stamp.ts';
import type { DecidedField } from '../engine/shard.ts';
import { Throttle } from '../engine/compaction/throttle.ts';
import type { TimeBounds } from '../engine/memtable/shape-table.ts';
import type { ShardView } from '../engine/shard-view.ts';
import { latelyLogged, type LoggedBatch } from '../wal/lately-logged.ts';
import type { WalRecord } from '../wal/wal-record.ts';
import type { WalWriter } from '../wal/wal-writer.ts';
import { awaitedShardError } from '../engine/awaited-shard.ts';
import { damagedShardError } from '../engine/damaged-shard.ts';
import { movedShardError } from '../engine/moved-shard.ts';
import { DoomedShards } from './deletes/doomed-shards.ts';
import { ShardRemoval } from './deletes/shard-removal.ts';
import type { SegmentReleases } from './log/release-segments.ts';
import { storeReleases } from './log/store-releases.ts';
import { folderOf, isAwaiting, type DamagedShard, type OpeningPorts, type OpenShard, type ShardPlace } from './shards/open-shards.ts'; // prettier-ignore
import { BorrowedFiles } from './borrowed-files.ts';
import { slotsOf } from './compaction/compaction-slots.ts';
import { Compactor } from './compaction/compactor.ts';
import { Flusher, type FlusherPorts } from './flushes/flusher.ts';
import { findStore, type FoundStore } from './opening/find-store.ts';
import { logError } from './log/refuse-full.ts';
import { FailureLog } from './log/failure-log.ts';
import { watchLog } from './log/log-watch.ts';
import { noteLogEnds } from './log/log-ends.ts';
import { openLog } from './log/open-log.ts';
import { deletePoints, endPending, type PointDelete } from './deletes/point-deletes.ts';
import { filtersOf, type StoredDelete } from './deletes/stored-deletes.ts';
import { DatabaseSeries } from './shards/database-series.ts';
import type { LimitQuestion, OtherSeries } from './shards/other-series.ts';
import { seriesBoundsOf } from './shards/series-bounds.ts';
import { ShardMaker } from './opening/shard-maker.ts';
import type { ReplayedBatch } from './opening/replayed-doubts.ts';
import type { ShardOpener } from './opening/shard-opener.ts';
import { refuseDamaged, WrittenShards } from './opening/written-shards.ts';
import type { ShardContent, WritePlace, WriteReceipt } from './shards/shard-facts.ts';
import type { ShardMap } from './shards/shard-map.ts';
import type { ShardRoster } from './shards/shard-roster.ts';
import { StoreFacts } from './shards/store-facts.ts';
import { StoreTransfers, type WorkPorts } from './transfers/store-transfers.ts';
import { StoreWrites } from './store-writes.ts';
import { compactionByHand, type CompactionSettings, type StoreOptions, type StorePorts } from './store-options.ts'; // prettier-ignore

const coldCheckMs = 1_000;

export class Store {
  readonly #ports: StorePorts;
  readonly #kernel: StoreKernel;
  readonly #openingPorts: OpeningPorts;
  readonly #options: StoreOptions;
  readonly #shards: ShardMap;
  readonly #damaged: Map<number, DamagedShard>;
  readonly #opener: ShardOpener;
  readonly #settleLog: (() => Promise<void>) | undefined;
  readonly #doomed: DoomedShards;
  readonly #maker: ShardMaker;
  readonly #written: WrittenShards;
  readonly #wal: WalWriter;
  readonly #releases: SegmentReleases;
  readonly #roster: ShardRoster | undefined;
  readonly #tasks: Tasks;
  readonly #coldTimer: Timer;
  readonly #series: DatabaseSeries;
  readonly #flusher: Flusher;
  readonly #compactor: Compactor;
  readonly #removal: ShardRemoval;
  readonly #writes: StoreWrites;
  /** What there is to say of the shards. */
  readonly facts: StoreFacts;
  /** Files of other workers' shards. */
  readonly borrowed: BorrowedFiles;
  /** Shards on their way to other nodes, or from them. */
  readonly transfers: StoreTransfers;
  readonly #diskFailures: DiskFailures;
  readonly #runBefore: number;
  #schemaVersion = 0;
  #hasReleased = false;
  #growthCount = 0;
  /** How many times series came or went otherwise than by writes. */
  #changeCount = 0;

  private constructor(ports: StorePorts, options: StoreOptions, opened: FoundStore) {
    this.#ports = ports;
    const { kernel, cache, blocks, budget } = opened;
    this.#kernel = kernel;
    this.#openingPorts = { ...ports, kernel, cache, blocks, budget, checks: options.rowChecks };
    this.borrowed = new BorrowedFiles(this.#openingPorts);
    this.#options = options;
    this.#shards = opened.shards;
    this.#damaged = opened.damaged;
    this.#opener = opened.opener;
    this.#settleLog = opened.settleLog;
    this.#doomed = new DoomedShards(ports.disk, async (shardId) => opened.roster?.gone(shardId));
    const watch = watchLog(ports, opened.shards);
    this.#wal = openLog(ports, { ...options, watch }, opened);
    ports.trace?.info('tsm1 WAL writing', {
      path: options.walFolder,
      segment_size: options.segmentBytesMax,
    });
    this.#runBefore = opened.run;
    this.#roster = opened.roster;
    this.#releases = storeReleases(this.#wal, { ...opened, disk: ports.disk, trace: ports.trace, options, doomed: this.#doomed }); // prettier-ignore
    this.#diskFailures = new DiskFailures(ports);
    this.#maker = new ShardMaker(
      {
        ...{ disk: ports.disk, log: ports.log, opening: this.#openingPorts, roster: opened.roster },
        ...{ diskFailures: this.#diskFailures, folderOf: (place) => this.#folderOf(place) },
      },
      opened.goneSequences,
    );
    const failures = new FailureLog(ports);
    this.#tasks = new Tasks((name, error) => { failures.failed(name, error); }); // prettier-ignore
    this.#series = new DatabaseSeries(
      {
        ...{ shards: this.#shards, opener: this.#opener, bounds: seriesBoundsOf(options) },
        ...{ version: () => this.seriesVersion, changeVersion: () => this.#changeCount },
      },
      options.seriesLimits,
    );
    this.#written = new WrittenShards({
      ...{ shards: this.#shards, damaged: this.#damaged, opener: this.#opener },
      ...{ maker: this.#maker, doomed: this.#doomed, series: this.#series },
    });
    this.transfers = this.#makeTransfers();
    this.#flusher = this.#makeFlusher();
    this.facts = new StoreFacts({
      ...{ clock: ports.clock, shards: this.#shards, damaged: this.#damaged, opener: this.#opener },
      ...{ roster: opened.roster, pages: cache, diskFailures: this.#diskFailures },
      halfway: () => [...this.#doomed.places, ...this.#maker.leftPlaces],
      seriesBytes: () => this.#flusher.seriesBytes,
    });
    this.#compactor = this.#makeCompactor(options.compaction ?? compactionByHand);
    this.#removal = this.#makeRemoval();
    this.#writes = this.#makeWrites();
    this.#coldTimer = ports.clock.every(coldCheckMs, () => {
      this.#flusher.flushCold();
      this.#series.look();
      watch.look();
      this.borrowed.look();
      this.#tasks.spawn('vouch', this.#wal.vouch());
      this.#releaseEarlier();
      if (options.opensBehind === true && this.#opener.isDue) this.#openBehind();
    });
  }

  /** Opens the shards that are home here, or those that the log has records of, and replays it. */
  static async open(ports: StorePorts, options: StoreOptions): Promise<Store> {
    const store = new Store(ports, options, await findStore(ports, options));
    store.#tasks.spawn('open shards', store.#opener.openLatest());
    if (options.opensBehind !== true) store.#releaseEarlier();
    return store;
  }

  /** Segments of earlier runs that were not needed any more: once, and where shards are opened behind not before the first answers. */
  #releaseEarlier(): void {
    if (this.#hasReleased) return;
    this.#hasReleased = true;
    this.#tasks.spawn('release', this.#releases.release());
  }

  /** Series of a shard came or went, and not by a write. */
  #changed(): void {
    this.#schemaVersion++;
    this.#changeCount++;
    this.#series.look();
  }

  #openBehind(): void {
    this.#tasks.spawn('open shards', this.#opener.openAll());
  }

  /** See StoreOptions.settlesLater; to be called of one store. */
  settleLog(): Promise<void> {
    return this.#settleLog?.() ?? Promise.resolve();
  }

  /** Resolves once they are open, or found damaged: view() may be asked then. Undefined where they are. */
  whenOpen(shardIds: readonly number[]): Promise<void> | undefined {
    return shardIds.some((id) => this.#opener.isPending(id)) ? this.#opened(shardIds) : undefined;
  }

  async #opened(shardIds: readonly number[]): Promise<void> {
    for (const id of shardIds) if (this.#opener.isPending(id)) await this.#opener.open(id);
  }

  /** What any worker of the runs before took last of these shards (latelyLogged()). */
  latelyLogged(shardIds: readonly number[], windowNs: bigint): Promise<readonly LoggedBatch[]> {
    const asked = { folder: this.#options.walFolder, run: this.#runBefore, windowNs };
    return latelyLogged(this.#ports, { ...asked, shardIds: new Set(shardIds), nowNs: this.#ports.clock.wallNs() }); // prettier-ignore
  }

  /** See StoreOptions.keepsRunsBefore. */
  letRunsBeforeGo(): void {
    this.#releases.letRunsGo();
    this.#tasks.spawn('release', this.#releases.release());
  }

  /** Of the records that shards were given as they opened, those that are in doubt; once each. `isLast`: no shard is to open any more. */
  replayedDoubts(): { readonly batches: readonly ReplayedBatch[]; readonly isLast: boolean } {
    const { opened, total } = this.#opener.progress;
    return { batches: this.#opener.doubts.take(), isLast: opened === total };
  }

  /** Grows whenever a measurement, a field or a tag key comes to show in one of the shards. */
  get schemaVersion(): number {
    return this.#schemaVersion;
  }

  /** Grows whenever a series comes or goes, and with the other. */
  get seriesVersion(): number {
    return this.#schemaVersion + this.#growthCount;
  }

  /** Deletes that a shard remembers, for owners that have not heard of them. */
  async storedDeletes(shardId: number): Promise<readonly StoredDelete[]> {
    await this.#opener.open(shardId);
    refuseDamaged(this.#damaged, shardId);
    return this.#shards.get(shardId)?.manifest.manifest.deletes ?? [];
  }

  /** Of what an open shard has of a time. */
  stampsWithin(shardId: number, bounds: TimeBounds): StampRange | undefined {
    return this.#shards.get(shardId)?.shard.stampsWithin(bounds);
  }

  /** Of an open shard: what its digest is kept for, and the folder that it is kept in. */
  content(shardId: number): ShardContent | undefined {
    const open = this.#shards.get(shardId);
    return open && { shard: open.shard, folder: this.#folderOf(open.place) };
  }

  /**
   * Makes a batch durable and readable. `payload` must not change before that; one that is for nobody else may get a later stamp here
   * (decision 135). Throws `cache_full` past the limit, and what view() throws.
   */
  write(
    place: WritePlace,
    payload: Uint8Array,
    fields: readonly DecidedField[] = [],
    others?: readonly OtherSeries[],
  ): Promise<WriteReceipt> {
    return this.#writes.write(place, payload, fields, others);
  }

  /** What the shards here have to say to a question of another worker. */
  otherSeries(
    database: string,
    payload: Uint8Array,
    question: LimitQuestion,
  ): Promise<OtherSeries> {
    return this.#series.answer(database, decodePointBatch(payload), question);
  }

  /** Whether a batch of a shard was taken before, or a later delete may have struck points of it. */
  async isLate(shardId: number, batch: TimeBounds & { readonly stamp: Stamp }): Promise<boolean> {
    await this.#opener.open(shardId);
    return this.#shards.get(shardId)?.shard.isLate(batch) ?? false;
  }

  /** Decides the types of new fields; resolves with those of all of them once that is durable. */
  decideFieldTypes(
    place: WritePlace,
    fields: readonly DecidedField[],
  ): Promise<readonly DecidedField[]> {
    return this.#writes.decideFieldTypes(place, fields);
  }

  /**
   * A view of a shard; undefined when it has had no points here. Throws what is wrong with a damaged shard, and `unavailable` for one
   * that was here: without its points an answer would be a wrong one, and another owner may have them.
   */
  view(shardId: number): ShardView | undefined {
    assert(!this.#opener.isPending(shardId), 'a shard is open before it is read');
    refuseDamaged(this.#damaged, shardId);
    const open = this.#shards.get(shardId);
    if (open === undefined ? this.#maker.isAside(shardId) : isAwaiting(open))
      throw awaitedShardError(shardId);
    if (open === undefined && this.#maker.isRemoved(shardId)) throw movedShardError(shardId);
    if (open === undefined) return undefined;
    const { shard } = open;
    if (shard.index.damage !== undefined) throw damagedShardError(shardId, shard.index.damage);
    return shard.view();
  }

  /** Whether nothing of an open shard can be read here yet. Throws what is wrong with a damaged one. */
  lacks(shardId: number): boolean {
    refuseDamaged(this.#damaged, shardId);
    const open = this.#shards.get(shardId);
    return open === undefined || isAwaiting(open);
  }

  /** Writes what a shard has in memory to a file. Throws what the disk says; the points are where they were then. */
  async flush(shardId: number): Promise<void> {
    await this.#opener.open(shardId);
    const open = this.#shards.get(shardId);
    if (open === undefined) return;
    await open.flushing;
    await this.#flusher.flush(open);
  }

  /** Makes as few files of a shard's as there can be. Throws what the disk says; the shard is as before then. */
  async compact(shardId: number): Promise<void> {
    await this.#opener.open(shardId);
    const open = this.#shards.get(shardId);
    if (open !== undefined) await this.#compactor.compact(open, true);
  }

  /**
   * Deletes points that were acknowledged before. Resolves once that is durable; throws what the disk says. With a `place` the
   * shard is made when it is not here, to remember the delete.
   */
  async deletePoints(shardId: number, request: PointDelete, place?: WritePlace): Promise<void> {
    await this.#opener.open(shardId);
    refuseDamaged(this.#damaged, shardId);
    const open = this.#shards.get(shardId) ?? (place && (await this.#written.open(place)));
    if (open === undefined) return;
    try {
      await deletePoints(open, request, this.#workPorts());
    } finally {
      // What failed may have taken some series already.
      this.#changed();
    }
  }

  /** Does the rest of a delete that a shard has begun and the disk has failed, if there is one. Throws what the disk says. */
  async endDelete(shardId: number): Promise<void> {
    await this.#opener.open(shardId);
    const open = this.#shards.get(shardId);
    if (open === undefined) return;
    await endPending(open, this.#workPorts());
    this.#changed();
  }

  #workPorts(): WorkPorts {
    const { disk, clock, turn, log } = this.#ports;
    const flush = (open: OpenShard): Promise<void> => this.#flusher.flush(open);
    const isOpen = (open: OpenShard): boolean => this.#shards.get(open.place.shardId) === open;
    const append = (record: WalRecord): Promise<void> => this.#append(record);
    return { disk, clock, turn, log, flush, isOpen, append, filters: filtersOf(this.#ports) };
  }

  #shardPorts(): Pick<FlusherPorts, 'shards' | 'isOpen' | 'folderOf'> {
    return {
      shards: () => this.#shards.values(),
      isOpen: (open) => this.#shards.get(open.place.shardId) === open,
      folderOf: ({ place }) => this.#folderOf(place),
    };
  }

  #makeTransfers(): StoreTransfers {
    return new StoreTransfers({
      ...{ shards: this.#shards, damaged: this.#damaged, opener: this.#opener },
      ...{ opening: this.#openingPorts, written: this.#written, work: () => this.#workPorts() },
      folderOf: (place) => this.#folderOf(place),
      onChanged: () => {
        this.#changed();
      },
    });
  }

  #makeFlusher(): Flusher {
    const ports = {
      ...{ ...this.#ports, ...this.#openingPorts, ...this.#shardPorts(), tasks: this.#tasks },
      diskFailures: this.#diskFailures,
      release: () => this.#releases.release(),
      onRebuilt: () => {
        this.#changed();
      },
    };
    return new Flusher(ports, this.#options);
  }

  #makeRemoval(): ShardRemoval {
    return new ShardRemoval({
      ...{ clock: this.#ports.clock, shards: this.#shards, damaged: this.#damaged },
      ...{ opener: this.#opener, maker: this.#maker, doomed: this.#doomed },
      ...{ roster: this.#roster, releases: this.#releases, places: () => this.facts.places },
      folderOf: (place) => this.#folderOf(place),
    });
  }

  #makeWrites(): StoreWrites {
    return new StoreWrites({
      ...{ clock: this.#ports.clock, kernel: this.#kernel, options: this.#options },
      ...{ written: this.#written, series: this.#series, flusher: this.#flusher },
      append: (record) => this.#append(record),
      onNewSchema: () => {
        this.#schemaVersion++;
      },
      onNewSeries: () => {
        this.#growthCount++;
      },
    });
  }

  #makeCompactor(settings: CompactionSettings): Compactor {
    const { clock, columnKernel } = this.#ports;
    const ports = {
      ...{ ...this.#openingPorts, ...this.#shardPorts() },
      ...{ kernel: columnKernel, throttle: new Throttle({ clock }, settings) },
      slots: slotsOf(this.#options),
    };
    return new Compactor(ports, settings);
  }

  /** Takes the shard out at once and removes its folder. Missing is no error. When it fails it may be asked again. */
  deleteShard(shardId: number): Promise<void> {
    return this.#removal.remove(shardId);
  }

  /**
   * Takes out a shard that cannot be read, and keeps its folder under another name; it may come to be again then, from another
   * owner. Resolves with that name.
   */
  setAside(shardId: number): Promise<string> {
    return this.#removal.setAside(shardId);
  }

  async close(): Promise<void> {
    this.#coldTimer.cancel();
    this.#flusher.close();
    await this.#opener.stop();
    await this.#compactor.close();
    await this.borrowed.close();
    await this.#tasks.settled();
    await this.#wal.close();
    // Nothing is lost by a node that stops without it.
    this.#tasks.spawn(
      'note ends of the log',
      noteLogEnds(this.#ports.disk, this.#options, {
        shards: this.#shards,
        waiting: this.#opener.waitingEnds,
        segments: this.#wal.closed,
      }),
    );
    await this.#tasks.settled();
    await this.#roster?.close();
    for (const { shard } of this.#shards.values()) await shard.close();
    await this.#doomed.close();
  }

  /** Throws what the disk says in the words of the reference. */
  #append(record: WalRecord): Promise<void> {
    return this.#wal.append(record).then(
      () => {
        this.#diskFailures.succeeded('write-ahead log');
      },
      (error: unknown) => {
        this.#diskFailures.failed('write-ahead log', error);
        throw logError(error);
      },
    );
  }

  #folderOf(place: ShardPlace): string {
    return folderOf(this.#options.dataFolder, place);
  }
}
