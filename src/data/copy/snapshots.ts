/**
 * Snapshots of this node's shards that others read. A snapshot keeps the files of its moment on the disk, so there are few,
 * and one that nobody reads ends.
 */
import { crc32 } from 'node:zlib';
import { DbError, errorText, isDbError } from '../../base/errors.ts';
import type { Clock } from '../../env/clock.ts';
import type { Disk } from '../../env/disk.ts';
import type { Log } from '../../env/log.ts';
import { pieceBytesMax } from '../../meta/client/transfer-methods.ts';
import { damagedShardError } from '../../storage/engine/damaged-shard.ts';
import type { ShardSnapshot } from '../../storage/store/transfers/take-snapshot.ts';
import { tsmNameOf } from '../../storage/tsm/tsm-format.ts';
import type { LocalShards } from '../engine/local-shards.ts';
import { IdleEntries } from './idle-entries.ts';

export interface SnapshotsPorts {
  readonly clock: Clock;
  readonly disk: Disk;
  readonly log: Log;
  readonly local: Pick<LocalShards, 'snapshot' | 'checkFile'>;
  /** Resolves when the next piece of a copy may be read (give-way.ts). */
  readonly giveWay: () => Promise<void>;
}

export interface TakenSnapshot {
  /** 0 when the shard has had no points. */
  readonly snapshotId: number;
  readonly files: readonly { readonly name: string; readonly sizeBytes: number }[];
  readonly modifiedNs: bigint;
}

export interface FilePiece {
  readonly piece: Uint8Array;
  readonly crc32: number;
}

const snapshotsMax = 64;
const idleMsMax = 600_000;
/** Of one that nobody is expected to come back for. */
const leftIdleMsMax = 60_000;

interface Kept extends ShardSnapshot {
  readonly shardId: number;
  /** Undefined where it is not for a copy. */
  readonly isLeft: (() => boolean) | undefined;
}

export class Snapshots {
  readonly #ports: SnapshotsPorts;
  readonly #entries: IdleEntries<Kept>;

  constructor(ports: SnapshotsPorts) {
    this.#ports = ports;
    this.#entries = new IdleEntries(ports.clock, {
      name: 'snapshot',
      countMax: snapshotsMax,
      idleMsMax,
      idleMsMaxOf: ({ isLeft }) => (isLeft?.() === true ? leftIdleMsMax : idleMsMax),
      end: ({ folder }) => removeFolder(ports, folder),
    });
  }

  /** `isLeft` of one that is for a copy: once that is over. Throws `limit_exceeded`, and what the shard's worker throws. */
  async take(shardId: number, isLeft?: () => boolean): Promise<TakenSnapshot> {
    const { clock, local } = this.#ports;
    const none = new DbError('not_found', 'nothing to take');
    try {
      const { id, value } = await this.#entries.add(async (number) => {
        const taken = await local.snapshot(shardId, number);
        if (taken === undefined) throw none;
        return { ...taken, shardId, isLeft };
      });
      const modifiedNs = clock.wallNs() - BigInt(Math.round(value.idleMs)) * 1_000_000n;
      const files = value.files.map(({ name, lengthBytes }) => ({ name, sizeBytes: lengthBytes }));
      return { snapshotId: id, files, modifiedNs };
    } catch (error) {
      if (error !== none) throw error;
      return { snapshotId: 0, files: [], modifiedNs: clock.wallNs() };
    }
  }

  /**
   * The bytes of a file from an offset on; a piece holds until the next is asked for. The last one comes once all of the file was found to
   * be what was written, unless it is wanted as it is. Throws `not_found` for a snapshot that is gone and a file that it has not,
   * `corrupt` for damage.
   */
  async *read(request: {
    readonly snapshotId: number;
    readonly name: string;
    readonly offsetBytes: number;
    readonly asIs: boolean;
  }): AsyncGenerator<FilePiece> {
    const { snapshotId, name, asIs } = request;
    const held = this.#entries.hold(snapshotId);
    const ending = new AbortController();
    try {
      const { folder, files, shardId, isLeft } = held.value;
      const found = files.find((file) => file.name === name);
      if (found === undefined)
        throw new DbError('not_found', `snapshot ${snapshotId} has no ${name}`);
      const checked = asIs ? undefined : this.#check(shardId, { folder, name }, ending.signal);
      // Whoever reads to the end hears of it.
      checked?.catch(() => undefined);
      const file = await this.#ports.disk.open(`${folder}/${name}`, 'read');
      try {
        // One for all: a piece each costs as much in collections of garbage as all the rest of a backup.
        const buffer = new Uint8Array(pieceBytesMax);
        for (let at = request.offsetBytes; at < found.lengthBytes;) {
          const piece = buffer.subarray(0, Math.min(pieceBytesMax, found.lengthBytes - at));
          const readBytes = await file.readAt(at, piece);
          if (readBytes < piece.length)
            throw new DbError('io_error', `${file.path}: cut short at ${at + readBytes}`);
          at += piece.length;
          if (at >= found.lengthBytes) await checked;
          yield { piece, crc32: crc32(piece) };
          if (isLeft !== undefined) await this.#ports.giveWay();
        }
      } finally {
        await file.close();
      }
    } finally {
      ending.abort();
      held.done();
    }
  }

  /** Of files of the index nothing: who takes a damaged one makes it anew. */
  async #check(
    shardId: number,
    file: { readonly folder: string; readonly name: string },
    signal: AbortSignal,
  ): Promise<void> {
    if (tsmNameOf(file.name) === undefined) return;
    try {
      await this.#ports.local.checkFile(shardId, file, signal);
    } catch (error) {
      throw isDbError(error, 'corrupt') ? damagedShardError(shardId, error) : error;
    }
  }

  release(snapshotId: number): Promise<void> {
    return this.#entries.end(snapshotId);
  }

  close(): Promise<void> {
    return this.#entries.close();
  }
}

/** What stays is removed by the next start. */
export async function removeFolder(
  { disk, log }: Pick<SnapshotsPorts, 'disk' | 'log'>,
  folder: string,
): Promise<void> {
  await disk.removeTree(folder).catch((error: unknown) => {
    log.warn('Files of a transfer could not be removed', { folder, error: errorText(error) });
  });
}
