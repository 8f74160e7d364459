/**
 * The shards of one engine worker and the log they share.
 *
 * Layout: DATA/<database>/<retention policy>/<shard id>/ as the reference's, with TSM files and shard.json;
 * WAL/<segments of all workers>.
 *
 * Invariants:
 * - A write resolves only once its record is durable, and shows to readers from then on.
 * - A shard's folder is durable before its first record is; a record of a shard without a folder is of a deleted shard.
 * - A record leaves the log only after its points are in a durable file and shard.json says so.
 * - Memory is bounded: a memtable is flushed when it is large, all of them together are large, or it is cold; a shard
 *   whose memtables are at the limit refuses writes.
 *
 * Not here: which worker is home of a shard (the caller passes `isHome`), compaction.
 */
import { Tasks } from '../../base/async/tasks.ts';
import { DbError, errorText } from '../../base/errors.ts';
import type { Clock, Timer } from '../../env/clock.ts';
import type { Disk } from '../../env/disk.ts';
import type { Log } from '../../env/log.ts';
import { makeDurableDir } from '../../env/make-durable-dir.ts';
import type { FlushKernelPool } from '../../kernels/flush-kernel-pool.ts';
import { decodePointBatch } from '../../models/point-batch.ts';
import { Shard } from '../engine/shard.ts';
import type { ShardView } from '../engine/shard-view.ts';
import { tsmName } from '../tsm/tsm-format.ts';
import { recoverWal, type WalDamage } from '../wal/wal-recovery.ts';
import { WalRecordKind, type WalRecord } from '../wal/wal-record.ts';
import { WalWriter, type WalSegment } from '../wal/wal-writer.ts';
import { newOpenShard, openShards, type FoundShards, type OpenShard, type ShardPlace } from './open-shards.ts'; // prettier-ignore
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
}

export interface StorePorts {
  readonly disk: Disk;
  readonly log: Log;
  readonly clock: Clock;
  readonly turn: () => Promise<void>;
  /** Of the worker, for its flushes. */
  readonly kernels?: FlushKernelPool | undefined;
}

/** What a shard says of a batch that it has made durable. */
export interface WriteReceipt {
  readonly droppedCount: number;
  readonly reason: string;
}

const coldCheckMs = 1_000;

export class Store {
  readonly #ports: StorePorts;
  readonly #options: StoreOptions;
  readonly #shards: Map<number, OpenShard>;
  readonly #foreignIds: ReadonlySet<number>;
  readonly #creating = new Map<number, Promise<OpenShard>>();
  readonly #wal: WalWriter;
  readonly #tasks: Tasks;
  readonly #coldTimer: Timer;
  #schemaVersion = 0;

  private constructor(ports: StorePorts, options: StoreOptions, opened: Opened) {
    this.#ports = ports;
    this.#options = options;
    this.#shards = opened.shards;
    this.#foreignIds = opened.foreignIds;
    const { walFolder: folder, worker, segmentBytesMax, queueBytesMax } = options;
    const wal = { folder, run: opened.run + 1, worker, segmentBytesMax, queueBytesMax };
    this.#wal = new WalWriter(ports.disk, wal, opened.segments);
    this.#tasks = new Tasks((name, error) => {
      ports.log.error('A task of the store failed', { name, error: errorText(error) });
    });
    this.#coldTimer = ports.clock.every(coldCheckMs, () => {
      this.#flushCold();
    });
  }

  /** Opens the shards that are home here and replays the log. */
  static async open(ports: StorePorts, options: StoreOptions): Promise<Store> {
    const nowMs = ports.clock.monotonicMs();
    const found = await openShards(ports.disk, { ...options, nowMs });
    const segments: WalSegment[] = [];
    const run = await recoverWal(ports.disk, options.walFolder, {
      onRecord: (record) => {
        replay(found.shards, record);
      },
      onDamage: (damage) => {
        reportDamage(ports.log, damage);
      },
      onSegment: (path, sequences) => segments.push({ path, sequences }),
    });
    const store = new Store(ports, options, { ...found, segments, run });
    store.#tasks.spawn('release', store.#release());
    return store;
  }

  /** Grows whenever a measurement, a field or a tag key comes to show in one of the shards. */
  get schemaVersion(): number {
    return this.#schemaVersion;
  }

  get shardIds(): readonly number[] {
    return [...this.#shards.keys()];
  }

  /** Makes a batch durable and readable. `payload` must not change afterwards. Throws `cache_full` past the limit. */
  async write(place: ShardPlace, payload: Uint8Array): Promise<WriteReceipt> {
    const batch = decodePointBatch(payload);
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

  /** A view of a shard; undefined when it has had no points here. */
  view(shardId: number): ShardView | undefined {
    return this.#shards.get(shardId)?.shard.view();
  }

  /** Writes what a shard has in memory to a file. Throws what the disk says; the points are where they were then. */
  async flush(shardId: number): Promise<void> {
    const open = this.#shards.get(shardId);
    if (open === undefined) return;
    await open.flushing;
    await this.#flush(open);
  }

  /** Takes the shard out and removes its folder. Missing is no error. */
  async deleteShard(shardId: number): Promise<void> {
    const open = this.#shards.get(shardId);
    if (open === undefined) return;
    this.#shards.delete(shardId);
    await open.flushing?.catch(() => undefined);
    const folder = this.#folderOf(open.place);
    await this.#ports.disk.removeTree(folder);
    await this.#ports.disk.syncDir(folder.slice(0, folder.lastIndexOf('/')));
    await open.shard.close();
    await this.#release();
  }

  async close(): Promise<void> {
    this.#coldTimer.cancel();
    await this.#tasks.settled();
    await this.#wal.close();
    for (const { shard } of this.#shards.values()) await shard.close();
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
    open.generation++;
    await shard.flush(`${folder}/${tsmName(open.generation)}`, { disk, clock, turn, kernels });
    if (flushedSequence === open.flushedSequence) return;
    await writeManifest(disk, folder, { version: 1, flushedSequence });
    open.flushedSequence = flushedSequence;
    await this.#release();
  }

  #release(): Promise<void> {
    return this.#wal.release((shardId, sequence) => {
      const open = this.#shards.get(shardId);
      if (open === undefined) return !this.#foreignIds.has(shardId);
      return sequence <= open.flushedSequence;
    });
  }

  #create(place: ShardPlace): Promise<OpenShard> {
    const creating = this.#creating.get(place.shardId);
    if (creating !== undefined) return creating;
    const { disk, log, clock } = this.#ports;
    const created = makeDurableDir(disk, this.#folderOf(place))
      .then(() => {
        const open = newOpenShard(new Shard(place.shardId), place, clock.monotonicMs());
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

  #folderOf({ database, retentionPolicy, shardId }: ShardPlace): string {
    return `${this.#options.dataFolder}/${database}/${retentionPolicy}/${shardId}`;
  }
}

interface Opened extends FoundShards {
  readonly run: number;
  readonly segments: readonly WalSegment[];
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

function reportDamage(log: Log, { path, offset, lengthBytes, kind }: WalDamage): void {
  log.warn('Damaged bytes in the write-ahead log', { path, offset, bytes: lengthBytes, kind });
}
