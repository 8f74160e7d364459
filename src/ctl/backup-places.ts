/** Where backups are kept, as a command line names it: a folder, a manifest in one, a prefix of a bucket. */
import { hostname } from 'node:os';
import {
  manifestSuffix,
  readBackupSet,
  readOneBackup,
  type BackupSet,
} from '../backup/backup-set.ts';
import type { BackupStore } from '../backup/backup-store.ts';
import { FolderStore } from '../backup/folder-store.ts';
import { DbError } from '../base/errors.ts';
import { NodeDisk } from '../env/node/node-disk.ts';

export const bufferBytesDefault = 1_048_576;

export interface PlaceOptions {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly bufferBytes?: number;
}

export async function backupStoreAt(
  place: string,
  { environment, bufferBytes = bufferBytesDefault }: PlaceOptions,
): Promise<BackupStore> {
  if (place.startsWith('s3://')) {
    // Loaded when it is wanted: it is large.
    const { S3Store } = await import('../backup/s3-store.ts');
    return new S3Store(place, { environment, bufferBytes });
  }
  return new FolderStore(new NodeDisk(), place.replace(/(?<=.)\/+$/, ''), {
    bufferBytes,
    host: hostname(),
  });
}

export interface OpenBackup {
  readonly store: BackupStore;
  readonly set: BackupSet;
}

/** Of a folder the newest of everything, of a manifest what it names. Throws `not_found` for what has none. */
export async function openBackup(
  place: string,
  { isManifest, environment }: PlaceOptions & { readonly isManifest: boolean },
): Promise<OpenBackup> {
  const slash = place.lastIndexOf('/');
  const folder = isManifest ? place.slice(0, Math.max(slash, 0)) || '.' : place;
  if (!isManifest && place.endsWith(manifestSuffix))
    throw new DbError('invalid_argument', `${place} is a manifest: give it with -full`);
  const store = await backupStoreAt(folder, { environment });
  if (isManifest) return { store, set: await readOneBackup(store, place.slice(slash + 1)) };
  const set = await readBackupSet(store);
  if (set.manifests.length + set.unread.length > 0) return { store, set };
  throw new DbError('not_found', `no manifest files found in: ${place}`);
}
