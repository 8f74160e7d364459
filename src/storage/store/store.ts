/**
 * The shards of one engine worker and the log they share.
 *
 * Layout: DATA/<database>/<retention policy>/<shard id>/ as the reference's, with TSM files and shard.json;
 * WAL/<segments of all workers>.
 *
 * Invariants:
 * - A write resolves only once its record is durable, and shows to readers from then on.
 * - A shard's folder is durable before its first record is; a record of a shard without a folder is of a deleted shard.
 *   Should the shard come to be again, its records are numbered behind those.
 * - A record leaves the log only after its points are in a durable file and shard.json says so, or its shard is gone. The
 *   records of a damaged shard stay.
 * - A shard that is to be deleted is neither read nor written from then on; until its folder is gone a retry deletes it.
 * - Memory is bounded: a memtable is flushed when it is large, all of them together are large, or it is cold; a shard
 *   whose memtables are at the limit refuses writes.
 *
 * Not here: which worker is home of a shard (the caller passes `isHome`), compaction (compactor.ts).
 */
import { Tasks } from '../../base/async/tasks.ts';
import { DbError, errorText } from '../../base/errors.ts';
import type { Clock, Timer } from '../../env/clock.ts';
import type { Disk } from '../../env/disk.ts';
import type { Log } from '../../env/log.ts';
import type { Random } from '../../env/random.ts';
import { makeDurableDir } from '../../env/make-durable-dir.ts';
import type { ColumnKernel } from '../../kernels/column-kernel.ts';
import type { FlushKernelPool } from '../../kernels/flush-kernel-pool.ts';
import { decodePointBatch } from '../../models/point-batch.ts';
import { Shard } from '../engine/shard.ts';
import { Throttle } from '../engine/throttle.ts';
import type { ShardView } from '../engine/shard-view.ts';
import { readTsmSeal } from '../tsm/tsm-file.ts';
import { tsmName } from '../tsm/tsm-format.ts';
import { recoverWal } from '../wal/wal-recovery.ts';
import { WalRecordKind, type WalRecord } from '../wal/wal-record.ts';
import { WalWriter, type WalSegment } from '../wal/wal-writer.ts';
import { DoomedShards } from './doomed-shards.ts';
import { flushedElsewhere } from './flushed-elsewhere.ts';
import { folderOf, newOpenShard, newSuffix, openShards, type DamagedShard, type FoundShards, type OpenShard, type ShardPlace } from './open-shards.ts'; // prettier-ignore
import { settleLogDamage } from './log-damage.ts';
import { Compactor, type CompactorOptions } from './compactor.ts';
import { ManifestKeeper } from './manifest-keeper.ts';
import { writeManifest } from './shard-manifest.ts';

export interface StoreOptions {
  readonly dataFolder: string;
  readonly walFolder: string;
  /** Number of this worker. */
  readonly worker: number;
  readonly isHome: (shardId: number) => boolean;
  readonly segmentBytesMax: number;
  readonly queueBytesMax: number;
  /** A memtable of this size is flushed, and one that took no write for so long. */
  readonly snapshotBytes: number;
  readonly snapshotColdMs: number;
  /** Memtables of one shard: past it writes are refused. */
  readonly cacheBytesMax: number;
  /** Memtables of all shards of the worker: past it the largest is flushed. */
  readonly memtablesBytesMax: number;
  /** Absent: only what is asked for is compacted. */
  readonly compaction?: CompactionSettings | undefined;
}

export interface CompactionSettings extends CompactorOptions {
  /** `compact-throughput` and `compact-throughput-burst`: this worker's share. 0 for no limit. */
  readonly bytesPerSecond: number;
  readonly burstBytes: number;
}

export interface StorePorts {
  readonly disk: Disk;
  readonly log: Log;
  readonly clock: Clock;
  readonly turn: () => Promise<void>;
  /** For the log's salt; without one it is 0, which is for tests alone. */
  readonly random?: Random | undefined;
  /** Of the worker, for its flushes. */
  readonly kernels?: FlushKernelPool | undefined;
  /** Of the worker, for its compactions. */
  readonly columnKernel?: ColumnKernel | undefined;
}

/** What a shard says of a batch that it has made durable. */
export interface WriteReceipt {
  readonly droppedCount: number;
  readonly reason: string;
}

const coldCheckMs = 1_000;
/** Never by itself. */
const compactionByHand: CompactionSettings = {
  isByHand: true,
  fullColdMs: Number.POSITIVE_INFINITY,
  fileBytesMax: Number.POSITIVE_INFINITY,
  bytesPerSecond: 0,
  burstBytes: 0,
};

export class Store {
  readonly #ports: StorePorts;
  readonly #options: StoreOptions;
  readonly #shards: Map<number, OpenShard>;
  readonly #damaged: Map<number, DamagedShard>;
  readonly #doomed: DoomedShards;
  /** Last sequences of shards that are gone, as far as the log may still have records of them. */
  readonly #goneSequences: Map<number, number>;
  readonly #creating = new Map<number, Promise<OpenShard>>();
  readonly #wal: WalWriter;
  readonly #tasks: Tasks;
  readonly #coldTimer: Timer;
  readonly #compactor: Compactor;
  #schemaVersion = 0;

  private constructor(ports: StorePorts, options: StoreOptions, opened: Opened) {
    this.#ports = ports;
    this.#options = options;
    this.#shards = opened.shards;
    this.#damaged = opened.damaged;
    this.#doomed = new DoomedShards(ports.disk);
    this.#goneSequences = opened.goneSequences;
    const { walFolder: folder, worker, segmentBytesMax, queueBytesMax } = options;
    const salt = ports.random?.u32() ?? 0;
    const wal = { folder, run: opened.run + 1, worker, segmentBytesMax, queueBytesMax, salt };
    this.#wal = new WalWriter(ports.disk, wal, opened.segments);
    this.#tasks = new Tasks((name, error) => {
      ports.log.error('A task of the store failed', { name, error: errorText(error) });
    });
    this.#compactor = this.#makeCompactor(options.compaction ?? compactionByHand);
    this.#coldTimer = ports.clock.every(coldCheckMs, () => {
      this.#flushCold();
      this.#tasks.spawn('vouch', this.#wal.vouch());
    });
  }

  /** Opens the shards that are home here and replays the log. */
  static async open(ports: StorePorts, options: StoreOptions): Promise<Store> {
    const nowMs = ports.clock.monotonicMs();
    const found = await openShards(ports.disk, { ...options, nowMs });
    for (const [shard, { error }] of found.damaged)
      ports.log.error('Shard is damaged: it is neither read nor written', { shard, error: errorText(error) }); // prettier-ignore
    const segments: WalSegment[] = [];
    const recovered = await recoverWal(ports.disk, options.walFolder, {
      onRecord: (record) => {
        replay(found.shards, record);
      },
      onSegment: (path, sequences) => segments.push({ path, sequences }),
    });
    const { lacking, keptPaths } = await settleLogDamage(ports, options, recovered);
    for (const [shardId, error] of lacking) await setAsDamaged(found, shardId, error);
    const store = new Store(ports, options, {
      ...found,
      run: recovered.run,
      segments: segments.filter(({ path }) => !keptPaths.has(path)),
      goneSequences: sequencesOfGone(segments, found.shards),
    });
    store.#tasks.spawn('release', store.#release());
    return store;
  }

  /** Grows whenever a measurement, a field or a tag key comes to show in one of the shards. */
  get schemaVersion(): number {
    return this.#schemaVersion;
  }

  /** Shards that have a folder here and are not being deleted. */
  get shardIds(): readonly number[] {
    return [...this.#shards.keys(), ...this.#damaged.keys()];
  }

  /**
   * Makes a batch durable and readable. `payload` must not change afterwards. Throws `cache_full` past the limit, and what
   * view() throws.
   */
  async write(place: ShardPlace, payload: Uint8Array): Promise<WriteReceipt> {
    const batch = decodePointBatch(payload);
    this.#refuseDamaged(place.shardId);
    const open = this.#shards.get(place.shardId) ?? (await this.#create(place));
    this.#refuseFull(open);
    const { rejects, droppedCount, reason } = open.shard.decide(batch);
    if (droppedCount === batch.rowCount) return { droppedCount, reason };
    const sequence = ++open.sequence;
    await this.#wal.append({
      kind: WalRecordKind.points,
      codec: 0,
      shardId: place.shardId,
      sequence,
      rejectBitmap: rejects,
      payload,
    });
    const { schemaVersion } = open.shard;
    open.shard.apply(batch, rejects);
    if (open.shard.schemaVersion !== schemaVersion) this.#schemaVersion++;
    open.appliedSequence = Math.max(open.appliedSequence, sequence);
    open.lastWriteMs = this.#ports.clock.monotonicMs();
    this.#flushIfLarge(open);
    return { droppedCount, reason };
  }

  /**
   * A view of a shard; undefined when it has had no points here. Throws what is wrong with a damaged shard: without its
   * points an answer would be a wrong one, and another owner may have them.
   */
  view(shardId: number): ShardView | undefined {
    this.#refuseDamaged(shardId);
    return this.#shards.get(shardId)?.shard.view();
  }

  /** Writes what a shard has in memory to a file. Throws what the disk says; the points are where they were then. */
  async flush(shardId: number): Promise<void> {
    const open = this.#shards.get(shardId);
    if (open === undefined) return;
    await open.flushing;
    await this.#flush(open);
  }

  /** Makes as few files of a shard's as there can be. Throws what the disk says; the shard is as before then. */
  async compact(shardId: number): Promise<void> {
    const open = this.#shards.get(shardId);
    if (open !== undefined) await this.#compactor.compact(open, true);
  }

  #makeCompactor(settings: CompactionSettings): Compactor {
    const { disk, log, clock, turn, columnKernel } = this.#ports;
    return new Compactor(
      {
        ...{ disk, log, clock, turn, kernel: columnKernel },
        throttle: new Throttle({ clock }, settings),
        shards: () => this.#shards.values(),
        isOpen: (open) => this.#shards.get(open.place.shardId) === open,
        folderOf: ({ place }) => this.#folderOf(place),
      },
      settings,
    );
  }

  /** Takes the shard out at once and removes its folder. Missing is no error. When it fails it may be asked again. */
  async deleteShard(shardId: number): Promise<void> {
    await this.#creating.get(shardId)?.catch(() => undefined);
    const open = this.#shards.get(shardId);
    const place = open?.place ?? this.#damaged.get(shardId)?.place;
    if (place !== undefined) {
      this.#shards.delete(shardId);
      this.#damaged.delete(shardId);
      if (open !== undefined) this.#goneSequences.set(shardId, open.sequence);
      this.#doomed.add(shardId, { folder: this.#folderOf(place), open });
    }
    await this.#doomed.remove(shardId);
    await this.#release();
  }

  async close(): Promise<void> {
    this.#coldTimer.cancel();
    await this.#compactor.close();
    await this.#tasks.settled();
    await this.#wal.close();
    for (const { shard } of this.#shards.values()) await shard.close();
    await this.#doomed.close();
  }

  #refuseDamaged(shardId: number): void {
    const damaged = this.#damaged.get(shardId);
    if (damaged === undefined) return;
    const { code, message } = damaged.error;
    throw new DbError(code, `shard ${shardId} is damaged: ${message}`, { cause: damaged.error });
  }

  #refuseFull({ shard }: OpenShard): void {
    const { cacheBytesMax } = this.#options;
    const sizeBytes = shard.memtableBytes;
    if (cacheBytesMax === 0 || sizeBytes < cacheBytesMax) return;
    const text = `engine: cache-max-memory-size exceeded: (${sizeBytes}/${cacheBytesMax})`;
    throw new DbError('cache_full', text);
  }

  #flushIfLarge(open: OpenShard): void {
    const { snapshotBytes, memtablesBytesMax } = this.#options;
    if (open.shard.activeBytes >= snapshotBytes) this.#spawnFlush(open);
    const all = [...this.#shards.values()];
    const totalBytes = all.reduce((sum, { shard }) => sum + shard.activeBytes, 0);
    if (totalBytes < memtablesBytesMax) return;
    const [largest] = all.sort((a, b) => b.shard.activeBytes - a.shard.activeBytes);
    if (largest !== undefined) this.#spawnFlush(largest);
  }

  #flushCold(): void {
    const beforeMs = this.#ports.clock.monotonicMs() - this.#options.snapshotColdMs;
    for (const open of this.#shards.values())
      if (open.lastWriteMs < beforeMs && open.shard.memtableBytes > 0) this.#spawnFlush(open);
  }

  #spawnFlush(open: OpenShard): void {
    if (open.flushing === undefined) this.#tasks.spawn('flush', this.#flush(open));
  }

  #flush(open: OpenShard): Promise<void> {
    // A write that was under way may ask for it after the shard was taken out.
    if (this.#shards.get(open.place.shardId) !== open) return Promise.resolve();
    open.flushing ??= this.#flushNow(open).finally(() => {
      open.flushing = undefined;
    });
    return open.flushing;
  }

  async #flushNow(open: OpenShard): Promise<void> {
    const { disk, clock, turn, kernels } = this.#ports;
    const { shard, place } = open;
    // What was set aside by a flush that failed goes first, and alone: its sequence is not known to be the latest.
    const flushedSequence = shard.setAside() ? open.appliedSequence : open.flushedSequence;
    const folder = this.#folderOf(place);
    const name = tsmName({ generation: ++open.generation, sequence: 1 });
    await shard.flush(`${folder}/${name}`, { disk, clock, turn, kernels });
    const seal = await readTsmSeal(disk, `${folder}/${name}`);
    await open.manifest.update(({ files, ...rest }) => ({
      ...rest,
      flushedSequence,
      files: new Map([...files, [name, seal]]),
    }));
    if (flushedSequence === open.flushedSequence) return;
    open.flushedSequence = flushedSequence;
    await this.#release();
  }

  async #release(): Promise<void> {
    const { dataFolder, isHome } = this.#options;
    const ids = [...this.#wal.closedShardIds()].filter((shardId) => !isHome(shardId));
    const elsewhere = await flushedElsewhere(this.#ports.disk, dataFolder, new Set(ids));
    await this.#wal.release((shardId, sequence) => {
      if (!isHome(shardId)) return sequence <= (elsewhere.get(shardId) ?? 0);
      if (this.#damaged.has(shardId) || this.#doomed.has(shardId)) return false;
      const open = this.#shards.get(shardId);
      return open === undefined || sequence <= open.flushedSequence;
    });
  }

  #create(place: ShardPlace): Promise<OpenShard> {
    const creating = this.#creating.get(place.shardId);
    if (creating !== undefined) return creating;
    const { disk, log, clock } = this.#ports;
    if (this.#doomed.has(place.shardId)) {
      const text = `shard ${place.shardId} is being deleted`;
      return Promise.reject(new DbError('shard_not_found', text));
    }
    const sequence = this.#goneSequences.get(place.shardId) ?? 0;
    const created = makeShardFolder(disk, this.#folderOf(place), sequence)
      .then(() => {
        const shard = new Shard(place.shardId);
        const files = new Map<string, never>();
        const state = { flushedSequence: sequence, files };
        const manifest = new ManifestKeeper(disk, this.#folderOf(place), state);
        const nowMs = clock.monotonicMs();
        const open = newOpenShard(shard, place, { sequence, nowMs, manifest });
        this.#shards.set(place.shardId, open);
        log.info('Created shard', { db: place.database, shard: place.shardId });
        return open;
      })
      .finally(() => {
        this.#creating.delete(place.shardId);
      });
    this.#creating.set(place.shardId, created);
    return created;
  }

  #folderOf(place: ShardPlace): string {
    return folderOf(this.#options.dataFolder, place);
  }
}

interface Opened extends FoundShards {
  readonly run: number;
  readonly segments: readonly WalSegment[];
  readonly goneSequences: Map<number, number>;
}

/** The records up to `sequence` are of a shard of that id that was deleted: they stay needless, whenever power is lost. */
async function makeShardFolder(disk: Disk, folder: string, sequence: number): Promise<void> {
  if (sequence === 0) {
    await makeDurableDir(disk, folder);
    return;
  }
  const fresh = `${folder}${newSuffix}`;
  await disk.removeTree(fresh);
  await makeDurableDir(disk, fresh);
  await writeManifest(disk, fresh, { flushedSequence: sequence, files: new Map() });
  await disk.rename(fresh, folder);
  await disk.syncDir(folder.slice(0, folder.lastIndexOf('/')));
}

function sequencesOfGone(
  segments: readonly WalSegment[],
  shards: ReadonlyMap<number, OpenShard>,
): Map<number, number> {
  const gone = new Map<number, number>();
  for (const { sequences } of segments) {
    for (const [shardId, sequence] of sequences)
      if (!shards.has(shardId)) gone.set(shardId, Math.max(sequence, gone.get(shardId) ?? 0));
  }
  return gone;
}

function replay(shards: ReadonlyMap<number, OpenShard>, record: WalRecord): void {
  const open = shards.get(record.shardId);
  if (open === undefined || record.kind !== WalRecordKind.points) return;
  if (record.sequence <= open.flushedSequence) return;
  const batch = decodePointBatch(record.payload);
  open.shard.apply(batch, record.rejectBitmap);
  open.sequence = Math.max(open.sequence, record.sequence);
  open.appliedSequence = open.sequence;
}

async function setAsDamaged(
  { shards, damaged }: FoundShards,
  shardId: number,
  error: DbError,
): Promise<void> {
  const open = shards.get(shardId);
  if (open === undefined) return;
  shards.delete(shardId);
  damaged.set(shardId, { place: open.place, error });
  await open.shard.close();
}
