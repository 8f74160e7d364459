/**
 * Points of a listener on their way to the cluster, many to a write (spec F126 to F129; decision 113). A listener writes line
 * protocol to `lines` and says so with added(); it neither waits for writes nor hears of them.
 *
 * Invariants:
 * - A batch goes once it has its points, is large, or its first point has waited for the timeout.
 * - Batches are written in their order, one at a time. What may wait is limited in batches and in bytes: then there is no room,
 *   until a half of it has gone. Who adds all the same (the rest of a piece that was begun) is taken.
 * - A write that fails is counted and logged, and its points are gone: hinted handoff is what keeps points for owners that are
 *   away. Only the database is waited for, as long as the metas are away.
 * - close() writes what was added, for so long as a stop may take.
 */
import { Latch } from '../../base/async/latch.ts';
import { Tasks } from '../../base/async/tasks.ts';
import { errorText, isDbError } from '../../base/errors.ts';
import { GrowingBytes } from '../../base/growing-bytes.ts';
import { MiB } from '../../base/units.ts';
import type { Clock, Timer } from '../../env/clock.ts';
import type { Log } from '../../env/log.ts';

/** Of what a listener takes, in line protocol of its step. */
export interface BatchWrite {
  readonly database: string;
  /** '' for the default. */
  readonly retentionPolicy: string;
  /** Its own memory: it may move elsewhere. */
  readonly body: Uint8Array;
  readonly stepNs: bigint;
}

export interface PointBatcherPorts {
  readonly clock: Clock;
  /** Of the service: its lines are the reference's. */
  readonly log: Log;
  /** Makes what the batches are written to; called until it has once resolved (./ingest-target.ts). */
  readonly prepare: () => Promise<void>;
  /** Rejects when not all points of the batch were written. */
  readonly write: (batch: BatchWrite) => Promise<void>;
}

export interface PointBatcherOptions {
  readonly database: string;
  readonly retentionPolicy: string;
  /** Nanoseconds of one step of the times in `lines`. */
  readonly stepNs: bigint;
  /** `batch-size`: points of a batch. */
  readonly batchPointsMax: number;
  /** `batch-pending`: batches that wait for the one that is written. */
  readonly pendingMax: number;
  /** `batch-timeout`: from the first point of a batch. */
  readonly batchMs: number;
  /** What the reference logs while prepare() fails. */
  readonly unpreparedText: string;
}

/** Lines of 64 KiB, 5,000 to a batch, would be 320 MB. */
const batchBytesMax = 4 * MiB;
const pendingBytesMax = 64 * MiB;
/** Of datagrams, however few batches may wait: the reference has a thousand of them wait to be parsed, and its system some more. */
const datagramsBytesMax = MiB;
/** Between two tries to make the database. */
const retryMs = 250;
const retryMsMax = 5_000;
/** How long a stop waits for what is on its way. */
const drainMs = 10_000;

interface Batch {
  /** None once it has moved elsewhere. */
  readonly body: Uint8Array;
  readonly lengthBytes: number;
  readonly pointCount: number;
}

export class PointBatcher {
  /** Where points are pushed, whole lines with their newlines. */
  readonly lines = new GrowingBytes();
  readonly #ports: PointBatcherPorts;
  readonly #options: PointBatcherOptions;
  readonly #tasks: Tasks;
  readonly #waiting: Batch[] = [];
  readonly #ending = new AbortController();
  #waitingBytes = 0;
  #pointCount = 0;
  #timer: Timer | undefined;
  #isWriting = false;
  #isPrepared = false;
  #onRoom: (() => void)[] = [];
  #idle: Latch<undefined> | undefined;
  #batchesTx = 0;
  #pointsTx = 0;
  #batchesTxFail = 0;

  constructor(ports: PointBatcherPorts, options: PointBatcherOptions) {
    this.#ports = ports;
    this.#options = options;
    this.#tasks = new Tasks((name, error) => {
      ports.log.error('A task of a listener failed', { name, error: errorText(error) });
    });
  }

  /** False: senders that can be held up are to be. */
  get hasRoom(): boolean {
    return (
      // The first of them is written.
      this.#waiting.length <= Math.max(1, this.#options.pendingMax) &&
      this.#waitingBytes < pendingBytesMax
    );
  }

  /** False: what senders that cannot be held up send is dropped. */
  get hasDatagramRoom(): boolean {
    return this.hasRoom || this.#waitingBytes < datagramsBytesMax;
  }

  /** Calls `tell` once, when there is room again. */
  whenRoom(tell: () => void): void {
    this.#onRoom.push(tell);
  }

  /** So many points were pushed to `lines` since the last call. */
  added(pointCount = 1): void {
    if (this.#ending.signal.aborted) {
      this.lines.clear();
      return;
    }
    this.#pointCount += pointCount;
    const isWhole = this.#pointCount >= Math.max(1, this.#options.batchPointsMax);
    if (isWhole || this.lines.lengthBytes >= batchBytesMax) this.#endBatch();
    else
      this.#timer ??= this.#ports.clock.after(this.#options.batchMs, () => {
        this.#endBatch();
      });
  }

  /** The reference's names. */
  counts(): {
    readonly batchesTx: number;
    readonly pointsTx: number;
    readonly batchesTxFail: number;
  } {
    return {
      batchesTx: this.#batchesTx,
      pointsTx: this.#pointsTx,
      batchesTxFail: this.#batchesTxFail,
    };
  }

  /** Nothing may be added any more. */
  async close(): Promise<void> {
    if (this.#pointCount > 0) this.#endBatch();
    this.#timer?.cancel();
    if (this.#isWriting) {
      this.#idle = new Latch<undefined>();
      const { clock, log } = this.#ports;
      const late = new AbortController();
      const given = clock.sleep(drainMs, late.signal).then(
        () => {
          const count = this.#waiting.reduce((sum, batch) => sum + batch.pointCount, 0);
          log.warn('Points were not written before the stop', { count });
        },
        () => undefined,
      );
      await Promise.race([given, this.#idle.promise]);
      late.abort();
    }
    this.#waiting.length = 0;
    this.#ending.abort();
    await this.#tasks.settled();
  }

  #endBatch(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#pointCount === 0) return;
    const body = this.lines.view().slice();
    const lengthBytes = body.length;
    this.#waiting.push({ body, lengthBytes, pointCount: this.#pointCount });
    this.#waitingBytes += lengthBytes;
    this.#pointCount = 0;
    this.lines.clear();
    if (this.#isWriting) return;
    this.#isWriting = true;
    this.#tasks.spawn('batches', this.#writeAll());
  }

  async #writeAll(): Promise<void> {
    try {
      for (let batch = this.#waiting[0]; batch !== undefined; batch = this.#waiting[0]) {
        if (await this.#prepared()) await this.#write(batch);
        // A stop may have emptied it.
        if (this.#waiting.shift() !== undefined) this.#waitingBytes -= batch.lengthBytes;
        this.#tellRoom();
      }
    } finally {
      this.#isWriting = false;
      this.#idle?.open(undefined);
    }
  }

  async #write({ body, pointCount }: Batch): Promise<void> {
    const { database, retentionPolicy, stepNs } = this.#options;
    try {
      await this.#ports.write({ database, retentionPolicy, body, stepNs });
      this.#batchesTx++;
      this.#pointsTx += pointCount;
    } catch (error) {
      this.#batchesTxFail++;
      const fields = { db_instance: database, error: errorText(error) };
      this.#ports.log.info('Failed to write point batch to database', fields);
    }
  }

  /** False when the batch is given up: what it is for cannot be made, or the node stops. */
  async #prepared(): Promise<boolean> {
    const { clock, log, prepare } = this.#ports;
    const { database, unpreparedText } = this.#options;
    let pauseMs = retryMs;
    let isTold = false;
    while (!this.#isPrepared) {
      if (this.#ending.signal.aborted) return false;
      try {
        await prepare();
        this.#isPrepared = true;
      } catch (error) {
        if (!isTold) log.info(unpreparedText, { db_instance: database, error: errorText(error) });
        isTold = true;
        if (!isDbError(error, 'unavailable') && !isDbError(error, 'timeout')) return false;
        await clock.sleep(pauseMs, this.#ending.signal).catch(() => undefined);
        pauseMs = Math.min(pauseMs * 2, retryMsMax);
      }
    }
    return true;
  }

  #tellRoom(): void {
    const isHalfFree =
      this.#waiting.length <= this.#options.pendingMax / 2 &&
      this.#waitingBytes <= pendingBytesMax / 2;
    if (!isHalfFree) return;
    const told = this.#onRoom;
    this.#onRoom = [];
    for (const tell of told) tell();
  }
}
