/** Backups and restores of a `BackupCluster` by way of a folder of the disk. */
import { gunzipSync, gzipSync } from 'node:zlib';
import { readBackupSet, readOneBackup } from '../../src/backup/backup-set.ts';
import { FolderStore } from '../../src/backup/folder-store.ts';
import { restoreBackup, type RestoreOptions } from '../../src/backup/restore-backup.ts';
import { takeBackup, type BackupOptions } from '../../src/backup/take-backup.ts';
import { DbError } from '../../src/base/errors.ts';
import { NodeDisk } from '../../src/env/node/node-disk.ts';
import type { BackupCluster } from './backup-cluster.ts';

/** Of a backup, or restore: all of it. */
export const allOf = { database: '', retentionPolicy: '', shardId: 0 };
export const gzip = { level: 'default', blockBytes: 1_000, blockCount: 2 } as const;

export async function* decompress(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const piece of pieces) parts.push(piece);
  const whole = Buffer.concat(parts);
  try {
    yield gunzipSync(whole);
  } catch (error) {
    throw new DbError('corrupt', 'gzip', { cause: error });
  }
}

export interface Restoring extends Partial<Omit<RestoreOptions, 'changes' | 'filter'>> {
  readonly filter?: Partial<RestoreOptions['filter']>;
  readonly changes?: Partial<RestoreOptions['changes']>;
  readonly manifest?: string;
}

interface BackupRuns {
  readonly backup: (
    cluster: BackupCluster,
    options?: Partial<BackupOptions>,
    interrupt?: AbortSignal,
  ) => Promise<string>;
  /** Throws with what was said until then. */
  readonly restore: (cluster: BackupCluster, options?: Restoring) => Promise<string>;
  readonly storeAt: (place: string) => FolderStore;
}

/** What they say. `folderNow` is asked each time. */
export function backupRuns(folderNow: () => string): BackupRuns {
  return {
    storeAt,
    backup: (cluster, options, interrupt) =>
      backup(cluster, { folder: folderNow(), interrupt }, options),
    restore: (cluster, options = {}) => restore(cluster, { place: folderNow(), ...options }),
  };
}

async function backup(
  cluster: BackupCluster,
  { folder, interrupt }: { readonly folder: string; readonly interrupt: AbortSignal | undefined },
  options: Partial<BackupOptions> = {},
): Promise<string> {
  let text = '';
  const ports = {
    clock: cluster.clock,
    source: cluster,
    store: storeAt(folder),
    compress: (block: Uint8Array) => Promise.resolve(gzipSync(block)),
    out: (line: string) => (text += line),
    interrupt,
  };
  const given = {
    strategy: 'incremental',
    filter: allOf,
    from: '',
    gzip,
    isEstimate: false,
  } as const;
  await takeBackup(ports, { ...given, ...options });
  return text;
}

function storeAt(place: string): FolderStore {
  return new FolderStore(new NodeDisk(), place, { bufferBytes: 100, host: 'a.b' });
}

async function restore(
  cluster: BackupCluster,
  options: Restoring & { readonly place: string },
): Promise<string> {
  const { place, manifest, filter, changes, newShardId = 0 } = options;
  const store = storeAt(place);
  let text = '';
  const out = (line: string) => (text += line);
  const set = manifest === undefined ? await readBackupSet(store) : await readOneBackup(store, manifest); // prettier-ignore
  const same = { newDatabase: '', newPolicy: '' };
  const ports = { clock: cluster.clock, store, target: cluster, decompress, out };
  try {
    await restoreBackup(ports, set, {
      filter: { ...allOf, ...filter },
      changes: { ...same, ...changes },
      newShardId,
      place: 'DIR',
    });
  } catch (error) {
    throw new Error(`${text}| ${String(error)}`, { cause: error });
  }
  return text;
}
