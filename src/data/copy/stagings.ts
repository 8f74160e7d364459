/**
 * Files of shards that others bring, in folders beside the shards' where no reader and no start looks for points.
 *
 * Invariants:
 * - a piece is taken when its checksum is right and it begins where the file ends: whoever was cut off goes on from there;
 * - all bytes and names are durable before the shard is given them, at once or not at all (storage/store/transfers/install-shard.ts).
 */
import { crc32 } from 'node:zlib';
import { Mutex } from '../../base/async/mutex.ts';
import { MiB } from '../../base/units.ts';
import type { Disk, DiskFile } from '../../env/disk.ts';
import { makeDurableDir } from '../../env/make-durable-dir.ts';
import {
  folderOf,
  stagingSuffix,
  type ShardPlace,
} from '../../storage/store/shards/open-shards.ts';
import type { LocalShards } from '../engine/local-shards.ts';
import type { DeletePointsRequest } from '../engine/shard-access.ts';
import { IdleEntries } from './idle-entries.ts';
import { removeFolder, type SnapshotsPorts } from './snapshots.ts';

export interface StagingsPorts extends Omit<SnapshotsPorts, 'local' | 'giveWay'> {
  readonly local: Pick<LocalShards, 'install'>;
}

export interface StagedPiece {
  readonly stagingId: number;
  readonly name: string;
  readonly offsetBytes: number;
  readonly piece: Uint8Array;
  readonly crc32: number;
}

interface StagedFile {
  readonly file: DiskFile;
  unsyncedBytes: number;
}

interface Staging {
  readonly place: ShardPlace;
  readonly folder: string;
  readonly files: Map<string, StagedFile>;
  /** Pieces come one after the other. */
  readonly writing: Mutex;
}

const stagingsMax = 64;
/** What is synced at once: a sync of the log waits for that of others on the same disk. */
const syncBytes = MiB;
const idleMsMax = 600_000;

export class Stagings {
  readonly #ports: StagingsPorts;
  readonly #dataFolder: string;
  readonly #entries: IdleEntries<Staging>;

  constructor(ports: StagingsPorts, { dataFolder }: { readonly dataFolder: string }) {
    this.#ports = ports;
    this.#dataFolder = dataFolder;
    this.#entries = new IdleEntries(ports.clock, {
      name: 'staging',
      countMax: stagingsMax,
      idleMsMax,
      end: async ({ folder, files, writing }) => {
        await writing.run(() => closeAll(files)).catch(() => undefined);
        await removeFolder(ports, folder);
      },
    });
  }

  /** Throws `limit_exceeded`, and what the disk says. */
  async begin(place: ShardPlace): Promise<number> {
    const { disk } = this.#ports;
    const { id } = await this.#entries.add(async (number) => {
      const folder = `${folderOf(this.#dataFolder, place)}${stagingSuffix}${number}`;
      await disk.removeTree(folder);
      await makeDurableDir(disk, folder);
      return { place, folder, files: new Map<string, StagedFile>(), writing: new Mutex() };
    });
    return id;
  }

  /** Resolves with how much of the file is there by then, whether the piece was taken or not. */
  write({ stagingId, name, offsetBytes, piece, crc32: sum }: StagedPiece): Promise<number> {
    return this.#entries.use(stagingId, ({ folder, files, writing }) =>
      writing.run(async () => {
        const staged = files.get(name) ?? (await open(this.#ports.disk, `${folder}/${name}`));
        const { file } = staged;
        files.set(name, staged);
        if (file.lengthBytes !== offsetBytes || crc32(piece) !== sum) return file.lengthBytes;
        try {
          await file.append([piece]);
          staged.unsyncedBytes += piece.length;
          if (staged.unsyncedBytes >= syncBytes) {
            await file.sync();
            staged.unsyncedBytes = 0;
          }
        } catch (error) {
          // How much of it is there is known once it is opened anew.
          files.delete(name);
          await file.close().catch(() => undefined);
          throw error;
        }
        return file.lengthBytes;
      }),
    );
  }

  /** Gives the shard what was brought; the staging ends with that. Throws what the disk and the shard's worker say. */
  async install(
    stagingId: number,
    request: { readonly copyIndex: number; readonly deletes: readonly DeletePointsRequest[] },
  ): Promise<void> {
    const { disk, local } = this.#ports;
    await this.#entries.use(stagingId, ({ place, folder, files, writing }) =>
      writing.run(async () => {
        for (const { file } of files.values()) await file.sync();
        await closeAll(files);
        await disk.syncDir(folder);
        await local.install({ ...place, ...request, staging: folder });
      }),
    );
    await this.#entries.end(stagingId);
  }

  end(stagingId: number): Promise<void> {
    return this.#entries.end(stagingId);
  }

  close(): Promise<void> {
    return this.#entries.close();
  }
}

async function open(disk: Disk, path: string): Promise<StagedFile> {
  return { file: await disk.open(path, 'append'), unsyncedBytes: 0 };
}

async function closeAll(files: Map<string, StagedFile>): Promise<void> {
  for (const [name, { file }] of files) {
    files.delete(name);
    await file.close();
  }
}
