/**
 * Brings one shard to this node: a snapshot at the source, its files here, then all of them made the shard's at once.
 *
 * - A stream that breaks is taken up where it broke; a source that has lost the snapshot, as a restart does, makes another.
 * - The job ends once its copy is not wanted any more: what was given up is not installed. One that is cancelled waits for nothing but its
 *   disk: neither for bytes, nor for a source, nor for its next try.
 * - A failure is told only after several tries without a byte between them; of a source that has yet to be brought the shard itself after a few.
 */
import { crc32 } from 'node:zlib';
import { DbError, errorText, isDbError } from '../../base/errors.ts';
import type { Clock } from '../../env/clock.ts';
import type { Log } from '../../env/log.ts';
import type { MetaAccess } from '../../meta/client/meta-access.ts';
import { readFileMethod, releaseMethod, snapshotMethod, type SnapshotFileInfo } from '../../meta/client/transfer-methods.ts'; // prettier-ignore
import type { ShardCopy } from '../../meta/model/shard-copies.ts';
import type { RpcClient } from '../../rpc/rpc-client.ts';
import type { NamedShard } from '../engine/shard-access.ts';
import type { IncomingDeletes } from '../shards/incoming-deletes.ts';
import { awaitedShardOf } from '../../storage/engine/awaited-shard.ts';
import { findShard } from '../shards/shard-places.ts';
import { isNodeFailure } from '../shards/choose-owners.ts';
import type { Stagings } from './stagings.ts';

export interface CopyJobPorts {
  readonly clock: Clock;
  readonly log: Log;
  readonly meta: Pick<MetaAccess, 'catalog' | 'nodeId'>;
  readonly rpc: Pick<RpcClient, 'call' | 'stream'>;
  readonly stagings: Pick<Stagings, 'begin' | 'write' | 'install' | 'end'>;
  readonly deletes: Pick<IncomingDeletes, 'begin' | 'end' | 'install'>;
  /** Waits for the turn of so many bytes. */
  readonly take: (bytes: number, signal: AbortSignal) => Promise<void>;
}

/** What is to be brought, from where. */
export interface CopyTask extends Pick<ShardCopy, 'shardId' | 'sourceId' | 'beganIndex'> {
  /** Whether it is to go on. */
  readonly isWanted: () => boolean;
  /** Asked once the source has shown that it has points; false ends the job, and nothing has come. */
  readonly begins?: () => Promise<boolean>;
}

interface Snapshot {
  readonly snapshotId: number;
  readonly files: readonly SnapshotFileInfo[];
}

/** A snapshot flushes what is in memory first. */
const snapshotDeadlineMs = 120_000;
/** The longest silence of a source. */
const readDeadlineMs = 15_000;
const releaseDeadlineMs = 5_000;
const pauseMs = 500;
const pauseMsMax = 10_000;
/** From the beginning: of a source that is away for a minute there is one left. */
const attemptsMax = 8;
/** Of a source that has yet to be brought the shard, as on a new disk: for good, or files of it are just becoming its own. */
const awaitedAttemptsMax = 3;
/** Of a stream, in a row, without a byte between them. */
const failuresMax = 5;

export class CopyJob {
  readonly copy: CopyTask;
  readonly #ports: CopyJobPorts;
  #totalBytes = 0;
  #doneBytes = 0;
  #failureCount = 0;
  readonly #ending = new AbortController();

  constructor(ports: CopyJobPorts, copy: CopyTask) {
    this.#ports = ports;
    this.copy = copy;
  }

  get totalBytes(): number {
    return this.#totalBytes;
  }

  get doneBytes(): number {
    return this.#doneBytes;
  }

  /** Aborted once it is cancelled. */
  get signal(): AbortSignal {
    return this.#ending.signal;
  }

  /** It ends at once, but for what its disk is doing. */
  cancel(): void {
    this.#ending.abort(this.#givenUp());
  }

  /** Resolves once the shard is here, or is not to come. Throws `cancelled` when the copy was given up, and what kept failing. */
  async run(): Promise<void> {
    const { deletes, log } = this.#ports;
    const { shardId } = this.copy;
    let attemptCount = 0;
    try {
      for (;;) {
        try {
          await this.#attempt();
          return;
        } catch (error) {
          this.#check();
          const isAwaited = awaitedShardOf(error) !== undefined;
          if (!mayDoBetter(error) || ++attemptCount >= attemptsMax) throw error;
          if (isAwaited && attemptCount >= awaitedAttemptsMax) throw this.#hasNothing(error);
          log.warn('A copy of a shard begins anew', { shard: shardId, error: errorText(error) });
          await this.#pause(Math.min(pauseMsMax, pauseMs * 2 ** attemptCount));
        }
      }
    } finally {
      deletes.end(shardId, this);
    }
  }

  async #attempt(): Promise<void> {
    const { deletes, stagings } = this.#ports;
    const { shardId, beganIndex } = this.copy;
    this.#check();
    const stagingId = await stagings.begin(this.#place());
    try {
      deletes.begin(shardId, this);
      const snapshot = await this.#snapshot();
      try {
        if (!(await this.#begins(snapshot))) return;
        this.#totalBytes = snapshot.files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
        this.#doneBytes = 0;
        for (const file of snapshot.files) await this.#fetch(snapshot.snapshotId, file, stagingId);
      } finally {
        await this.#release(snapshot);
      }
      await deletes.install(shardId, this, async (kept) => {
        this.#check();
        await stagings.install(stagingId, { copyIndex: beganIndex, deletes: kept });
      });
    } finally {
      await stagings.end(stagingId);
    }
  }

  async #begins({ snapshotId }: Snapshot): Promise<boolean> {
    const { begins } = this.copy;
    return begins === undefined || (snapshotId !== 0 && (await begins()));
  }

  #snapshot(): Promise<Snapshot> {
    const { shardId, beganIndex } = this.copy;
    const request = { shardId, catalogIndex: beganIndex };
    const options = { deadlineMs: snapshotDeadlineMs, signal: this.signal };
    return this.#ports.rpc.call(this.#sourceAddress(), snapshotMethod, request, options);
  }

  async #fetch(snapshotId: number, file: SnapshotFileInfo, stagingId: number): Promise<void> {
    const { stagings } = this.#ports;
    const { name, sizeBytes } = file;
    // Also one without bytes is made.
    const nothing = { stagingId, name, offsetBytes: 0, piece: new Uint8Array(), crc32: crc32(new Uint8Array()) }; // prettier-ignore
    let at = await stagings.write(nothing);
    while (at < sizeBytes) {
      try {
        at = await this.#read(snapshotId, { stagingId, name, offsetBytes: at });
      } catch (error) {
        this.#check();
        if (!isNodeFailure(error) || ++this.#failureCount >= failuresMax) throw error;
        await this.#pause(pauseMs);
        at = await stagings.write(nothing);
      }
    }
  }

  /** Resolves with the length of the file here when the stream ends. */
  async #read(
    snapshotId: number,
    file: { readonly stagingId: number; readonly name: string; readonly offsetBytes: number },
  ): Promise<number> {
    const { rpc, stagings, take } = this.#ports;
    const { name, offsetBytes } = file;
    let at = offsetBytes;
    const request = { snapshotId, name, offsetBytes, asIs: false };
    const options = { deadlineMs: readDeadlineMs, signal: this.signal };
    for await (const piece of rpc.stream(this.#sourceAddress(), readFileMethod, request, options)) {
      this.#check();
      await take(piece.piece.length, this.signal);
      const after = await stagings.write({ ...file, ...piece, offsetBytes: at });
      if (after !== at + piece.piece.length)
        throw new DbError('unavailable', `${name}: a piece at ${at} was damaged on its way`);
      this.#doneBytes += after - at;
      this.#failureCount = 0;
      at = after;
    }
    return at;
  }

  async #release({ snapshotId }: Snapshot): Promise<void> {
    if (snapshotId === 0) return;
    const options = { deadlineMs: releaseDeadlineMs };
    await this.#ports.rpc
      .call(this.#sourceAddress(), releaseMethod, { snapshotId }, options)
      // It ends by itself some minutes later.
      .catch(() => undefined);
  }

  #check(): void {
    if (this.signal.aborted || !this.copy.isWanted()) throw this.#givenUp();
  }

  #pause(durationMs: number): Promise<void> {
    return this.#ports.clock.sleep(durationMs, this.signal);
  }

  /** What is brought by a repair may come from another owner; a copy has this source alone, and whoever asked for it may name another. */
  #hasNothing(cause: unknown): unknown {
    const { shardId, sourceId, begins } = this.copy;
    if (begins !== undefined) return cause;
    const text = `node ${sourceId} has nothing of shard ${shardId} that can be read yet`;
    return new DbError('shard_not_found', text, { cause });
  }

  #givenUp(): DbError {
    return new DbError('cancelled', `the copy of shard ${this.copy.shardId} was given up`);
  }

  #place(): NamedShard {
    const { shardId } = this.copy;
    const place = findShard(this.#ports.meta.catalog, shardId);
    if (place === undefined) throw new DbError('shard_not_found', `shard ${shardId} is gone`);
    return { shardId, database: place.database, retentionPolicy: place.retentionPolicy };
  }

  #sourceAddress(): string {
    const { sourceId } = this.copy;
    const source = this.#ports.meta.catalog.dataNodes.find(({ id }) => id === sourceId);
    if (source === undefined) throw new DbError('cancelled', 'the source has left the cluster');
    return source.tcpAddress;
  }
}

/** The source is away, or has lost the snapshot; there were too many deletes. */
function mayDoBetter(error: unknown): boolean {
  if (isDbError(error, 'corrupt') || isDbError(error, 'io_error')) return false;
  return isNodeFailure(error) || isDbError(error, 'not_found') || isDbError(error, 'conflict');
}
