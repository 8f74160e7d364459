/**
 * Appends records to segment files and makes them durable: one sync for all records that wait (group commit).
 *
 * Files are named `RRRRRRRRRR-WWW-SSSSSSSSSS.wal` by run, worker and segment number. A run never writes into the files
 * of another run, so a torn tail left by a crash is never followed by good records.
 *
 * Invariants:
 * - `append` resolves only after a sync that covers its record.
 * - A segment whose append or sync failed gets no further record: its length is unknown until it is read anew.
 * - Bytes that wait are bounded; past the limit `append` rejects with `queue_full` and nothing was written.
 * - A segment is removed only when all of its records are in files, or of shards that are gone.
 *
 * Not here: reading (wal-recovery.ts).
 */
import { DbError } from '../../base/errors.ts';
import type { Disk, DiskFile } from '../../env/disk.ts';
import { makeDurableDir } from '../../env/make-durable-dir.ts';
import { encodeRecordHeader, recordHeaderBytes, type WalRecord } from './wal-record.ts';

export interface WalOptions {
  readonly folder: string;
  readonly run: number;
  readonly worker: number;
  readonly segmentBytesMax: number;
  readonly queueBytesMax: number;
}

/** A file that takes no more records, and the last sequence in it of each shard. */
export interface WalSegment {
  readonly path: string;
  readonly sequences: ReadonlyMap<number, number>;
}

interface Waiting {
  readonly shardId: number;
  readonly sequence: number;
  readonly parts: readonly Uint8Array[];
  readonly lengthBytes: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export class WalWriter {
  readonly #disk: Disk;
  readonly #options: WalOptions;
  #queue: Waiting[] = [];
  #queueBytes = 0;
  #segment: DiskFile | undefined;
  #sequences = new Map<number, number>();
  #closed: readonly WalSegment[];
  #segmentNumber = 0;
  #committing: Promise<void> | undefined;
  #isFolderDurable = false;
  #isClosed = false;

  /** `earlier` are the segments of earlier runs that may be removed one day. */
  constructor(disk: Disk, options: WalOptions, earlier: readonly WalSegment[] = []) {
    this.#disk = disk;
    this.#options = options;
    this.#closed = earlier;
  }

  /** Shards that the segments have records of which take no more. */
  closedShardIds(): ReadonlySet<number> {
    return new Set(this.#closed.flatMap(({ sequences }) => [...sequences.keys()]));
  }

  /** Removes segments whose records are all needless. */
  async release(isNeedless: (shardId: number, sequence: number) => boolean): Promise<void> {
    const needless = this.#closed.filter(({ sequences }) =>
      [...sequences].every(([shardId, sequence]) => isNeedless(shardId, sequence)),
    );
    this.#closed = this.#closed.filter((segment) => !needless.includes(segment));
    for (const { path } of needless) await this.#disk.remove(path);
  }

  /** Durable once resolved. Rejects with the disk's error; the record may then be found by recovery or not. */
  append(record: WalRecord): Promise<void> {
    const lengthBytes = recordHeaderBytes + record.rejectBitmap.length + record.payload.length;
    if (this.#isClosed) return Promise.reject(new DbError('shutdown', 'write-ahead log is closed'));
    if (this.#queueBytes + lengthBytes > this.#options.queueBytesMax && this.#queueBytes > 0) {
      const text = `write-ahead log: ${this.#queueBytes} bytes wait for the disk`;
      return Promise.reject(new DbError('queue_full', text));
    }
    const parts = [encodeRecordHeader(record), record.rejectBitmap, record.payload];
    this.#queueBytes += lengthBytes;
    const appended = new Promise<void>((resolve, reject) => {
      const { shardId, sequence } = record;
      this.#queue.push({ shardId, sequence, parts, lengthBytes, resolve, reject });
    });
    this.#committing ??= this.#commitAll();
    return appended;
  }

  /** Lets what waits become durable and closes the segment. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#committing;
    const segment = this.#segment;
    this.#segment = undefined;
    await segment?.close();
  }

  async #commitAll(): Promise<void> {
    while (this.#queue.length > 0) {
      const group = this.#queue;
      this.#queue = [];
      await this.#commit(group);
      for (const waiting of group) this.#queueBytes -= waiting.lengthBytes;
    }
    this.#committing = undefined;
  }

  async #commit(group: readonly Waiting[]): Promise<void> {
    try {
      const segment = await this.#openSegment();
      for (const { shardId, sequence } of group)
        this.#sequences.set(shardId, Math.max(sequence, this.#sequences.get(shardId) ?? 0));
      await segment.append(group.flatMap((waiting) => waiting.parts));
      await segment.sync();
    } catch (error) {
      await this.#abandonSegment();
      for (const waiting of group) waiting.reject(error);
      return;
    }
    for (const waiting of group) waiting.resolve();
  }

  async #openSegment(): Promise<DiskFile> {
    const { folder, run, worker, segmentBytesMax } = this.#options;
    const full = this.#segment;
    if (full !== undefined && full.lengthBytes < segmentBytesMax) return full;
    this.#retire();
    await full?.close();
    this.#segmentNumber++;
    if (!this.#isFolderDurable) await makeDurableDir(this.#disk, folder);
    this.#isFolderDurable = true;
    const path = `${folder}/${segmentName(run, worker, this.#segmentNumber)}`;
    this.#segment = await this.#disk.open(path, 'create');
    await this.#disk.syncDir(folder);
    return this.#segment;
  }

  async #abandonSegment(): Promise<void> {
    const broken = this.#segment;
    this.#retire();
    // The failure that matters is the one of the write; a failing close adds nothing to it.
    await broken?.close().catch(() => undefined);
  }

  /** The segment at hand takes no more records. */
  #retire(): void {
    if (this.#segment !== undefined)
      this.#closed = [...this.#closed, { path: this.#segment.path, sequences: this.#sequences }];
    this.#sequences = new Map();
    this.#segment = undefined;
  }
}

export function segmentName(run: number, worker: number, segment: number): string {
  const digits = (value: number, width: number) => String(value).padStart(width, '0');
  return `${digits(run, 10)}-${digits(worker, 3)}-${digits(segment, 10)}.wal`;
}
