/**
 * The shards of one engine worker and the log they share.
 *
 * Layout: DATA/<database>/<retention policy>/<shard id>/ as the reference's, WAL/<segments of all workers>.
 *
 * Invariants:
 * - A write resolves only once its record is durable, and shows to readers from then on.
 * - A shard's folder is durable before its first record is; a record of a shard without a folder is of a deleted shard.
 *
 * Not here: which worker is home of a shard (the caller passes `isHome`), limits on memory (flush comes with TSM files).
 */
import { DbError } from '../../base/errors.ts';
import type { Disk } from '../../env/disk.ts';
import type { Log } from '../../env/log.ts';
import { makeDurableDir } from '../../env/make-durable-dir.ts';
import { decodePointBatch } from '../../models/point-batch.ts';
import { Shard } from '../engine/shard.ts';
import type { ShardView } from '../engine/shard-view.ts';
import { recoverWal, type WalDamage } from '../wal/wal-recovery.ts';
import { type WalRecord, WalRecordKind } from '../wal/wal-record.ts';
import { WalWriter } from '../wal/wal-writer.ts';

export interface StoreOptions {
  readonly dataFolder: string;
  readonly walFolder: string;
  /** Number of this worker. */
  readonly worker: number;
  readonly isHome: (shardId: number) => boolean;
  readonly segmentBytesMax: number;
  readonly queueBytesMax: number;
}

export interface ShardPlace {
  readonly shardId: number;
  readonly database: string;
  readonly retentionPolicy: string;
}

/** What a shard says of a batch that it has made durable. */
export interface WriteReceipt {
  readonly droppedCount: number;
  readonly reason: string;
}

interface OpenShard {
  readonly shard: Shard;
  readonly place: ShardPlace;
  sequence: number;
}

export class Store {
  readonly #disk: Disk;
  readonly #log: Log;
  readonly #options: StoreOptions;
  readonly #shards = new Map<number, OpenShard>();
  readonly #creating = new Map<number, Promise<OpenShard>>();
  readonly #wal: WalWriter;

  private constructor(ports: StorePorts, options: StoreOptions, opened: Opened) {
    this.#disk = ports.disk;
    this.#log = ports.log;
    this.#options = options;
    this.#shards = opened.shards;
    const { walFolder: folder, worker, segmentBytesMax, queueBytesMax } = options;
    const run = opened.run + 1;
    this.#wal = new WalWriter(ports.disk, { folder, run, worker, segmentBytesMax, queueBytesMax });
  }

  /** Finds the shards that are home here and replays the log. */
  static async open(ports: StorePorts, options: StoreOptions): Promise<Store> {
    const shards = await findShards(ports.disk, options);
    const run = await recoverWal(ports.disk, options.walFolder, {
      onRecord: (record) => {
        replay(shards, record);
      },
      onDamage: (damage) => {
        reportDamage(ports.log, damage);
      },
    });
    return new Store(ports, options, { shards, run });
  }

  get shardIds(): readonly number[] {
    return [...this.#shards.keys()];
  }

  /** Makes a batch durable and readable. `payload` must not change afterwards. */
  async write(place: ShardPlace, payload: Uint8Array): Promise<WriteReceipt> {
    const batch = decodePointBatch(payload);
    const open = this.#shards.get(place.shardId) ?? (await this.#create(place));
    const { rejects, droppedCount, reason } = open.shard.decide(batch);
    if (droppedCount === batch.rowCount) return { droppedCount, reason };
    open.sequence++;
    await this.#wal.append({
      kind: WalRecordKind.points,
      codec: 0,
      shardId: place.shardId,
      sequence: open.sequence,
      rejectBitmap: rejects,
      payload,
    });
    open.shard.apply(batch, rejects);
    return { droppedCount, reason };
  }

  /** A view of a shard; undefined when it has had no points here. */
  view(shardId: number): ShardView | undefined {
    return this.#shards.get(shardId)?.shard.view();
  }

  /** Takes the shard out and removes its folder. Missing is no error. */
  async deleteShard(shardId: number): Promise<void> {
    const open = this.#shards.get(shardId);
    if (open === undefined) return;
    this.#shards.delete(shardId);
    const folder = this.#folderOf(open.place);
    await this.#disk.removeTree(folder);
    await this.#disk.syncDir(folder.slice(0, folder.lastIndexOf('/')));
  }

  async close(): Promise<void> {
    await this.#wal.close();
  }

  #create(place: ShardPlace): Promise<OpenShard> {
    const creating = this.#creating.get(place.shardId);
    if (creating !== undefined) return creating;
    const created = makeDurableDir(this.#disk, this.#folderOf(place))
      .then(() => {
        const open = { shard: new Shard(place.shardId), place, sequence: 0 };
        this.#shards.set(place.shardId, open);
        this.#log.info('Created shard', { db: place.database, shard: place.shardId });
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

interface StorePorts {
  readonly disk: Disk;
  readonly log: Log;
}

interface Opened {
  readonly shards: Map<number, OpenShard>;
  readonly run: number;
}

async function findShards(
  disk: Disk,
  { dataFolder, isHome }: StoreOptions,
): Promise<Map<number, OpenShard>> {
  const shards = new Map<number, OpenShard>();
  const folders = async (path: string) =>
    (await disk.list(path)).filter((entry) => entry.isDirectory).map(({ name }) => name);
  for (const database of await folders(dataFolder)) {
    for (const retentionPolicy of await folders(`${dataFolder}/${database}`)) {
      for (const name of await folders(`${dataFolder}/${database}/${retentionPolicy}`)) {
        const shardId = Number(name);
        if (!/^\d+$/.test(name) || !isHome(shardId)) continue;
        const place = { shardId, database, retentionPolicy };
        if (shards.has(shardId)) throw new DbError('corrupt', `${dataFolder}: shard ${name} twice`);
        shards.set(shardId, { shard: new Shard(shardId), place, sequence: 0 });
      }
    }
  }
  return shards;
}

function replay(shards: ReadonlyMap<number, OpenShard>, record: WalRecord): void {
  const open = shards.get(record.shardId);
  if (open === undefined || record.kind !== WalRecordKind.points) return;
  const batch = decodePointBatch(record.payload);
  const { shard } = open;
  shard.replay(batch, record.rejectBitmap);
  open.sequence = Math.max(open.sequence, record.sequence);
}

function reportDamage(log: Log, { path, offset, lengthBytes, kind }: WalDamage): void {
  log.warn('Damaged bytes in the write-ahead log', { path, offset, bytes: lengthBytes, kind });
}
