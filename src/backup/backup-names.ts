import { DbError } from '../base/errors.ts';
import type { BackupStore } from './backup-store.ts';

/** Names of the files of a backup: all begin with its time in UTC, to the second. */
export interface BackupNames {
  readonly manifest: string;
  readonly meta: string;
  shard(id: number): string;
}

/** `20060102T150405Z`. */
function backupTime(timeMs: number): string {
  return new Date(timeMs).toISOString().replace(/[-:]|\.\d+/g, '');
}

/** Backups that are begun in one second, into one place. */
const claimsMax = 1_000;

/**
 * Names of the first second from `timeMs` on of which there is no backup in the place. Writing `meta`, its first file, takes
 * them: of several that are begun at once each has its own.
 */
export async function claimNames(
  store: BackupStore,
  timeMs: number,
  meta: Uint8Array,
): Promise<BackupNames> {
  const taken = new Set((await store.list()).map((name) => name.split('.')[0]));
  for (let claim = 0; claim < claimsMax; claim++) {
    const names = namesAt(backupTime(timeMs + claim * 1_000));
    if (!taken.has(names.prefix) && (await store.create(names.meta, meta))) return names;
  }
  throw new DbError('conflict', `${store.place}: too many backups are begun in it at once`);
}

function namesAt(prefix: string): BackupNames & { readonly prefix: string } {
  return {
    prefix,
    manifest: `${prefix}.manifest`,
    meta: `${prefix}.meta`,
    shard: (id) => `${prefix}.s${id}.tar.gz`,
  };
}
