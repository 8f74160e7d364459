/**
 * Opens the shards of a store: those that somebody asks for at once, the others one after the other: first those that the log
 * has records of, each time the newest first.
 *
 * Invariants:
 * - A shard is pending, open or damaged; whoever asks for one that is pending waits for that one alone.
 * - It is opened once, however many ask. What fails for another reason than damage, as without memory or descriptors, leaves it
 *   pending, keeps no other from opening, and is tried again by who asks next, or by and by.
 * - What the log has of a pending shard waits here (waiting-records.ts) and is in the shard before anybody sees it open; until
 *   then the log keeps it.
 */
import { DoublingPause } from '../../../base/doubling-pause.ts';
import { errorText } from '../../../base/errors.ts';
import { Slices } from '../../../env/slices.ts';
import { latestOf, noStamp, rangeOfAll, type Stamp } from '../../../models/stamp.ts';
import { folderOf, isDamage, isIncoming, openShard, type DamagedShard, type OpeningPorts, type OpenShard, type ShardPlace } from '../shards/open-shards.ts'; // prettier-ignore
import type { ShardFacts } from '../shards/shard-facts.ts';
import type { StoreOptions } from '../store-options.ts';
import { readManifest, type ShardManifest } from '../shards/shard-manifest.ts';
import { RecordIndex, RecordUse, type KeptRecords } from '../../../kernels/record-index.ts';
import type { WalRecord } from '../../wal/wal-record.ts';
import { replayRecord } from './replay-record.ts';
import { ReplayedDoubts } from './replayed-doubts.ts';
import { slabBytesMax, WaitingRecords } from './waiting-records.ts';

export interface OpeningProgress {
  /** Those that turned out to be damaged count too. */
  readonly opened: number;
  readonly total: number;
}

export interface ShardLists {
  readonly pending: Map<number, ShardPlace>;
  readonly shards: Map<number, OpenShard>;
  readonly damaged: Map<number, DamagedShard>;
}

interface Named {
  readonly place: ShardPlace;
  readonly manifest: ShardManifest;
}

const manifestsAtOnce = 32;
/** Those that failed are tried again after so long, and twice as long each time. */
const again = { firstMs: 1_000, mostMs: 32_000 };
/** Of records that were read together, so many are looked at for them. */
const latestLookedAtMax = 64;
/** How many shards are opened between two lines of the log. */
const shardsPerLine = 1_000;

export class ShardOpener {
  readonly #ports: OpeningPorts;
  readonly #dataFolder: string;
  readonly #lists: ShardLists;
  readonly #opening = new Map<number, Promise<void>>();
  /** Of those that are being opened: somebody waits for them. */
  readonly #asked = new Set<number>();
  /** Those that the log has the last records of, the last one at the end. */
  #latest: readonly number[] = [];
  readonly #latestMax: number;
  /** How many shards of each database are pending. */
  readonly #pendingCounts = new Map<string, number>();
  readonly #total: number;
  readonly #startMs: number;
  readonly #waiting: WaitingRecords;
  readonly #pause = new DoublingPause(again);
  /** Of the records of the log, while it is read. */
  readonly index: RecordIndex;
  /** What the log has given shards. */
  readonly doubts = new ReplayedDoubts();
  #isOpeningAll = false;
  #isStopped = false;

  constructor(
    ports: OpeningPorts,
    { dataFolder, memtablesBytesMax, opensLatest = 0 }: Pick<StoreOptions, 'dataFolder' | 'memtablesBytesMax' | 'opensLatest'>, // prettier-ignore
    lists: ShardLists,
  ) {
    this.#ports = ports;
    this.#dataFolder = dataFolder;
    this.#lists = lists;
    this.#latestMax = opensLatest;
    this.#total = lists.pending.size;
    this.#startMs = ports.clock.monotonicMs();
    this.index = new RecordIndex(ports.kernel, {
      useOf: (shardId) => this.#useOf(shardId),
      waitBytesMax: slabBytesMax,
    });
    // They would be in memtables otherwise.
    this.#waiting = new WaitingRecords(memtablesBytesMax, this.index);
    for (const { database } of lists.pending.values())
      this.#pendingCounts.set(database, (this.#pendingCounts.get(database) ?? 0) + 1);
  }

  #useOf(shardId: number): RecordUse {
    if (this.isPending(shardId)) return RecordUse.waits;
    return this.#lists.shards.has(shardId) ? RecordUse.handed : RecordUse.unwanted;
  }

  get progress(): OpeningProgress {
    return { opened: this.#total - this.#lists.pending.size, total: this.#total };
  }

  get pendingPlaces(): Iterable<ShardPlace> {
    return this.#lists.pending.values();
  }

  /** Keeps a record of a pending shard for it; resolves once the shards are open that too much waits for. */
  keep(record: WalRecord): Promise<void> | undefined {
    const hot = this.#waiting.add(record);
    this.#noteLatest([record.shardId]);
    return this.#opened(hot);
  }

  /** The same of those that the index has wait. */
  keepAll(kept: KeptRecords): Promise<void> | undefined {
    this.#noteLatest(this.index.shardIdsOf(kept, latestLookedAtMax));
    return this.#opened(this.#waiting.keep(kept));
  }

  /** To be called once all of the log has been read. */
  logWasRead(): void {
    this.#waiting.wereRead();
  }

  #opened(hot: readonly number[]): Promise<void> | undefined {
    return hot.length === 0 ? undefined : this.#openThese(hot);
  }

  /** One after the other: each has memory of its own under way. */
  async #openThese(shardIds: readonly number[]): Promise<void> {
    for (const shardId of shardIds) await this.open(shardId);
  }

  #noteLatest(shardIds: readonly number[]): void {
    if (shardIds.length === 1 && shardIds[0] === this.#latest.at(-1)) return;
    const latestFirst = new Set([...this.#latest, ...shardIds].reverse());
    this.#latest = [...latestFirst].slice(0, this.#latestMax).reverse();
  }

  /** Opens those that were written last, at once. One that fails is tried again by openAll(). */
  async openLatest(): Promise<void> {
    for (const shardId of this.#latest.toReversed())
      if (!this.#isStopped) await this.#openPending(shardId).catch(() => undefined);
  }

  /** Of what the files and records of pending shards hold: of files `shard.json` alone is read. */
  async latestStamp(): Promise<Stamp> {
    let latest = this.#waiting.latestStamp;
    for await (const { manifest } of this.#manifests()) {
      const { files, deletes = [] } = manifest;
      const held = rangeOfAll([...files.values()].map(({ stamps }) => stamps))?.greatest ?? noStamp;
      latest = latestOf([latest, held, ...deletes.map(({ stamp }) => stamp)]);
    }
    return latest;
  }

  /** How pending shards are, as `shard.json` and the log say; they were not written to since the start. */
  async facts(): Promise<readonly ShardFacts[]> {
    const idleMs = this.#ports.clock.monotonicMs() - this.#startMs;
    const facts: ShardFacts[] = [];
    for await (const { place, manifest } of this.#manifests()) {
      if (isIncoming(manifest)) continue;
      const lengths = [...manifest.files.values()].map(({ lengthBytes }) => lengthBytes);
      const isHot = this.#waiting.lastSequenceOf(place.shardId) > manifest.flushedSequence;
      const ofLog = isHot ? this.#waiting.bytesOf(place.shardId) : 0;
      const sizeBytes = lengths.reduce((sum, length) => sum + length, ofLog);
      facts.push({ ...place, sizeBytes, isHot, idleMs });
    }
    return facts;
  }

  /** Of shards that are pending now, some at a time; one that is damaged is left out: opening it finds out what is wrong. */
  async *#manifests(): AsyncGenerator<Named> {
    const places = [...this.pendingPlaces];
    for (let i = 0; i < places.length; i += manifestsAtOnce) {
      const some = places.slice(i, i + manifestsAtOnce).map((place) => this.#manifestOf(place));
      for (const named of await Promise.all(some)) if (named !== undefined) yield named;
    }
  }

  async #manifestOf(place: ShardPlace): Promise<Named | undefined> {
    try {
      const folder = folderOf(this.#dataFolder, place);
      return { place, manifest: await readManifest(this.#ports.disk, folder) };
    } catch (error) {
      if (!isDamage(error)) throw error;
      return undefined;
    }
  }

  get pendingDatabases(): Iterable<string> {
    return this.#pendingCounts.keys();
  }

  isPending(shardId: number): boolean {
    return this.#lists.pending.has(shardId);
  }

  /** Whether shards of a database are pending. */
  hasPendingOf(database: string): boolean {
    return this.#pendingCounts.has(database);
  }

  /** Up to where the log has records of those that it has any of. */
  get waitingEnds(): ReadonlyMap<number, number> {
    const ends = [...this.#lists.pending.keys()].map((id) => [id, this.#waiting.lastSequenceOf(id)] as const); // prettier-ignore
    return new Map(ends.filter(([, sequence]) => sequence > 0));
  }

  /** Opens the shards of a database, the newest first, as many as can be: one that fails is tried again by and by. */
  async openOf(database: string): Promise<void> {
    for (const shardId of this.#inOrder())
      if (this.#lists.pending.get(shardId)?.database === database)
        await this.open(shardId).catch(() => undefined);
  }

  /** Resolves once the shard is open or found damaged, at once when it is or is not there. */
  open(shardId: number): Promise<void> {
    if (this.#lists.pending.has(shardId)) this.#asked.add(shardId);
    return this.#openPending(shardId);
  }

  #openPending(shardId: number): Promise<void> {
    const place = this.#lists.pending.get(shardId);
    if (place === undefined) return Promise.resolve();
    const known = this.#opening.get(shardId);
    if (known !== undefined) return known;
    const opening = this.#openNow(place).finally(() => {
      this.#opening.delete(shardId);
      this.#asked.delete(shardId);
    });
    this.#opening.set(shardId, opening);
    return opening;
  }

  /** Opens what is pending, unless it is stopped. Rejects, when all were tried, with the first failure that is no damage. */
  async openAll(): Promise<void> {
    this.#isOpeningAll = true;
    try {
      await this.#openEach();
      this.#pause.succeeded();
    } catch (error) {
      this.#pause.failed(this.#ports.clock.monotonicMs());
      throw error;
    } finally {
      this.#isOpeningAll = false;
    }
  }

  /** Whether openAll() has failed, and is to be called again by now. */
  get isDue(): boolean {
    const { pending } = this.#lists;
    if (this.#isOpeningAll || this.#isStopped || pending.size === 0) return false;
    return !this.#pause.lasts(this.#ports.clock.monotonicMs());
  }

  async #openEach(): Promise<void> {
    const { log, clock } = this.#ports;
    const slices = new Slices(this.#ports);
    const line = (): void => {
      log.info('Opened shards', { ...this.progress, ms: clock.monotonicMs() - this.#startMs });
    };
    const failures: unknown[] = [];
    for (const [i, shardId] of this.#inOrder().entries()) {
      if (this.#isStopped) return;
      if (i > 0 && i % shardsPerLine === 0) line();
      await this.#openPending(shardId).catch((error: unknown) => {
        if (failures.length === 0) failures.push(error);
      });
      await slices.next();
    }
    if (this.#total > 0) line();
    if (failures.length > 0) throw failures[0];
  }

  /** The log lets go of segments once their shards are open and flushed: those come first. */
  #inOrder(): readonly number[] {
    const newestFirst = [...this.#lists.pending.keys()].sort((a, b) => b - a);
    const isHot = (shardId: number): boolean => this.#waiting.bytesOf(shardId) > 0;
    return [...newestFirst.filter(isHot), ...newestFirst.filter((shardId) => !isHot(shardId))];
  }

  /** Of a shard whose log is not whole: it is not opened any more. */
  setDamaged(shardId: number, error: DamagedShard['error']): void {
    const place = this.#lists.pending.get(shardId);
    if (place === undefined) return;
    this.#forget(place);
    this.#lists.damaged.set(shardId, { place, error });
  }

  /** What is being opened is waited for. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.allSettled(this.#opening.values());
  }

  async #openNow(place: ShardPlace): Promise<void> {
    const { shardId } = place;
    const { shards, damaged } = this.#lists;
    const folder = folderOf(this.#dataFolder, place);
    try {
      const nowMs = this.#ports.clock.monotonicMs();
      const open = await openShard(this.#ports, folder, { place, nowMs });
      await this.#replay(open);
      shards.set(shardId, open);
      const ms = this.#ports.clock.monotonicMs() - nowMs;
      this.#ports.trace?.info('Shard is open, its index and its part of the log are read', {
        shard: shardId,
        ms,
      });
    } catch (error) {
      if (!isDamage(error)) throw error;
      damaged.set(shardId, { place, error });
      const shard = shardId;
      this.#ports.log.error('Shard is damaged: it is neither read nor written', { shard, error: errorText(error) }); // prettier-ignore
    }
    this.#forget(place);
  }

  /** It is pending no more. */
  #forget({ shardId, database }: ShardPlace): void {
    if (!this.#lists.pending.delete(shardId)) return;
    this.#waiting.drop(shardId);
    const count = this.#pendingCounts.get(database) ?? 0;
    if (count > 1) this.#pendingCounts.set(database, count - 1);
    else this.#pendingCounts.delete(database);
  }

  /** Gives an open shard what the log has of it. */
  replay(open: OpenShard, record: WalRecord): void {
    if (replayRecord(open, record)) this.doubts.add(open.place, record);
  }

  async #replay(open: OpenShard): Promise<void> {
    const slices = new Slices(this.#ports);
    const { shardId } = open.place;
    try {
      for (const record of this.#waiting.of(shardId)) {
        this.replay(open, record);
        if (!slices.isDue) continue;
        // Who waits for it waits for each rest, too.
        if (this.#asked.has(shardId)) await slices.turn();
        else await slices.rest();
      }
    } catch (error) {
      await open.shard.close();
      throw error;
    }
  }
}
