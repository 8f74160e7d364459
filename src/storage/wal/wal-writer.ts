/**
 * Appends records to segment files and makes them durable: one sync for all records that wait (group commit).
 *
 * Files are named `RRRRRRRRRR-WWW-SSSSSSSSSS-XXXXXXXX.wal` by run, worker, segment number and salt. A run never writes into
 * the files of another run, so a torn tail left by a crash is never followed by good records.
 *
 * Invariants:
 * - `append` resolves only after a sync that covers its record.
 * - A segment whose append or sync failed gets no further record: its length is unknown until it is read anew. When it holds
 *   nothing else it is removed, so that a full disk does not fill up with empty ones.
 * - Each group begins with a record that vouches for the groups before it (wal-vouch.ts); the last one is vouched for when
 *   the log is idle or closed.
 * - With a delay (`wal-fsync-delay`) a group waits so long for others to come along, and what is in it is acknowledged no
 *   earlier for it; it goes at once when much waits, or the log is closed.
 * - Bytes that wait are bounded; past the limit `append` rejects with `queue_full` and nothing was written.
 * - A segment is removed only when all of its records are in files, or of shards that are gone.
 *
 * Not here: reading (wal-recovery.ts).
 */
import { Latch } from '../../base/async/latch.ts';
import { DbError } from '../../base/errors.ts';
import type { Clock } from '../../env/clock.ts';
import type { Disk, DiskFile } from '../../env/disk.ts';
import { makeDurableDir } from '../../env/make-durable-dir.ts';
import type { Sequences } from '../../kernels/record-index.ts';
import {
  encodeRecordHeader,
  recordHeaderBytes,
  WalRecordKind,
  type WalRecord,
} from './wal-record.ts';
import { segmentName } from './segment-name.ts';
import { encodeVouch, lookBack, noteLast, vouchOf, type DurableGroup } from './wal-vouch.ts';

export interface WalOptions {
  readonly folder: string;
  readonly run: number;
  readonly worker: number;
  readonly segmentBytesMax: number;
  readonly queueBytesMax: number;
  /** A whole number of 32 bits that nobody can guess: see wal-record.ts. */
  readonly salt?: number;
  /** Watches each group on its way to the disk, by the shards that have records in it. */
  readonly watch?: GroupWatch;
  /** How long a group waits before it goes to the disk; left out: not at all. */
  readonly gathering?: { readonly clock: Clock; readonly delayMs: number } | undefined;
}

export interface GroupWatch {
  during(shardIds: ReadonlySet<number>, commit: () => Promise<void>): Promise<void>;
}

/** A file that takes no more records, and the last durable sequence in it of each shard. */
export interface WalSegment {
  readonly path: string;
  readonly lengthBytes: number;
  /** The last one of each shard. */
  readonly sequences: Sequences;
}

interface Waiting {
  readonly shardId: number;
  readonly sequence: number;
  readonly parts: readonly Uint8Array[];
  readonly lengthBytes: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** The latest groups of a segment that are durable, and whether a record says so that is durable too. */
interface Durable {
  readonly segment: number;
  readonly groups: readonly DurableGroup[];
  readonly isVouched: boolean;
}

export class WalWriter {
  readonly #disk: Disk;
  readonly #options: WalOptions;
  readonly #salt: number;
  #queue: Waiting[] = [];
  #queueBytes = 0;
  #segment: DiskFile | undefined;
  #sequences = new Map<number, number>();
  #closed: readonly WalSegment[];
  #segmentNumber = 0;
  #durable: Durable | undefined;
  #committing: Promise<void> | undefined;
  /** Of the group that waits for others: opened, it goes. */
  #gathered: Latch<undefined> | undefined;
  #isFolderDurable = false;
  #isClosed = false;

  /** `earlier` are the segments of earlier runs that may be removed one day. */
  constructor(disk: Disk, options: WalOptions, earlier: readonly WalSegment[] = []) {
    this.#disk = disk;
    this.#options = options;
    this.#salt = options.salt ?? 0;
    this.#closed = earlier;
  }

  /** Segments that take no more records. */
  get closed(): readonly WalSegment[] {
    return this.#closed;
  }

  /** Removes closed segments whose records are all needless. One that the disk does not let go of stays, for the next call. */
  async release(isNeedless: (segment: WalSegment) => boolean): Promise<void> {
    const gone = new Set<WalSegment>();
    try {
      for (const segment of this.#closed.filter(isNeedless)) {
        await this.#disk.remove(segment.path);
        gone.add(segment);
      }
    } finally {
      this.#closed = this.#closed.filter((segment) => !gone.has(segment));
    }
  }

  /** Durable once resolved. Rejects with the disk's error; the record may then be found by recovery or not. */
  append(record: WalRecord): Promise<void> {
    const lengthBytes = recordHeaderBytes + record.rejectBitmap.length + record.payload.length;
    if (this.#isClosed) return Promise.reject(new DbError('shutdown', 'write-ahead log is closed'));
    if (this.#queueBytes + lengthBytes > this.#options.queueBytesMax && this.#queueBytes > 0) {
      const text = `write-ahead log: ${this.#queueBytes} bytes wait for the disk`;
      return Promise.reject(new DbError('queue_full', text));
    }
    const parts = [encodeRecordHeader(record, this.#salt), record.rejectBitmap, record.payload];
    this.#queueBytes += lengthBytes;
    const appended = new Promise<void>((resolve, reject) => {
      const { shardId, sequence } = record;
      this.#queue.push({ shardId, sequence, parts, lengthBytes, resolve, reject });
    });
    if (this.#isMuchWaiting) this.#gathered?.open(undefined);
    this.#committing ??= this.#commitAll();
    return appended;
  }

  /** To be called now and then: what was durable is known to have been so, whatever becomes of its bytes. */
  async vouch(): Promise<void> {
    if (this.#committing !== undefined || this.#durable?.isVouched !== false) return;
    this.#committing = this.#commit([]).finally(() => {
      this.#committing = undefined;
      if (this.#queue.length > 0) this.#committing = this.#commitAll();
    });
    await this.#committing;
  }

  /** Lets what waits become durable and closes the segment. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#gathered?.open(undefined);
    while (this.#committing !== undefined) await this.#committing;
    await this.vouch();
    const segment = this.#segment;
    this.#segment = undefined;
    await segment?.close();
  }

  async #commitAll(): Promise<void> {
    // What else is written in this turn goes along.
    await Promise.resolve();
    while (this.#queue.length > 0) {
      await this.#gather();
      const group = this.#queue;
      this.#queue = [];
      await this.#watched(group);
      for (const waiting of group) this.#queueBytes -= waiting.lengthBytes;
    }
    this.#committing = undefined;
  }

  get #isMuchWaiting(): boolean {
    return this.#queueBytes > this.#options.queueBytesMax / 2;
  }

  async #gather(): Promise<void> {
    const { gathering } = this.#options;
    if (gathering === undefined || this.#isClosed || this.#isMuchWaiting) return;
    const gathered = new Latch<undefined>();
    this.#gathered = gathered;
    const timer = gathering.clock.after(gathering.delayMs, () => {
      gathered.open(undefined);
    });
    await gathered.promise;
    timer.cancel();
    this.#gathered = undefined;
  }

  #watched(group: readonly Waiting[]): Promise<void> {
    const { watch } = this.#options;
    if (watch === undefined) return this.#commit(group);
    const shardIds = new Set(group.map(({ shardId }) => shardId));
    return watch.during(shardIds, () => this.#commit(group));
  }

  async #commit(group: readonly Waiting[]): Promise<void> {
    try {
      const segment = await this.#openSegment();
      const from = segment.lengthBytes;
      const sequences = new Map<number, number>();
      for (const { shardId, sequence } of group) noteLast(sequences, shardId, sequence);
      await segment.append([...this.#vouchParts(), ...group.flatMap(({ parts }) => parts)]);
      await segment.sync();
      for (const [shardId, sequence] of sequences) noteLast(this.#sequences, shardId, sequence);
      this.#noteDurable({ from, to: segment.lengthBytes, sequences });
    } catch (error) {
      await this.#abandonSegment();
      for (const waiting of group) waiting.reject(error);
      return;
    }
    for (const waiting of group) waiting.resolve();
  }

  #vouchParts(): readonly Uint8Array[] {
    if (this.#durable === undefined) return [];
    const { segment, groups } = this.#durable;
    const payload = encodeVouch(vouchOf(segment, groups));
    const rejectBitmap = new Uint8Array();
    const record = { kind: WalRecordKind.vouch, codec: 0, shardId: 0, sequence: 0, rejectBitmap, payload }; // prettier-ignore
    return [encodeRecordHeader(record, this.#salt), payload];
  }

  #noteDurable(group: DurableGroup): void {
    const segment = this.#segmentNumber;
    const earlier = this.#durable?.segment === segment ? this.#durable.groups : [];
    const isVouched = group.sequences.size === 0;
    this.#durable = { segment, groups: lookBack([...earlier, group]), isVouched };
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
    const path = `${folder}/${segmentName({ run, worker, segment: this.#segmentNumber, salt: this.#salt })}`;
    this.#segment = await this.#disk.open(path, 'create');
    await this.#disk.syncDir(folder);
    return this.#segment;
  }

  async #abandonSegment(): Promise<void> {
    const broken = this.#segment;
    const holdsNothing = this.#durable?.segment !== this.#segmentNumber;
    if (holdsNothing) this.#forget();
    else this.#retire();
    // The failure that matters is the one of the write; what fails here adds nothing to it.
    await broken?.close().catch(() => undefined);
    if (holdsNothing && broken !== undefined) await this.#disk.remove(broken.path).catch(() => undefined); // prettier-ignore
  }

  /** The segment at hand takes no more records. */
  #retire(): void {
    if (this.#segment !== undefined) {
      const { path, lengthBytes } = this.#segment;
      this.#closed = [...this.#closed, { path, lengthBytes, sequences: this.#sequences }];
    }
    this.#forget();
  }

  #forget(): void {
    this.#sequences = new Map();
    this.#segment = undefined;
  }
}
