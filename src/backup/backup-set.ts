/**
 * What there is in one place: the manifests, newest first, and of each shard the newest archive.
 *
 * Invariant: the shards are of one cluster. Each counts its own from 1: where the cluster that was backed up here before is gone, and what it
 * had was restored into another that is backed up here since, one id names a shard of each.
 */
import { DbError, isDbError } from '../base/errors.ts';
import { readWhole, type BackupStore } from './backup-store.ts';
import { decodeManifest, type Manifest, type ManifestShard } from './manifest.ts';

export const manifestSuffix = '.manifest';

export interface NamedManifest {
  readonly name: string;
  readonly manifest: Manifest;
}

export interface UnreadManifest {
  readonly name: string;
  readonly error: DbError;
}

export interface BackupSet {
  /** Of which the first has the newest facts. */
  readonly manifests: readonly NamedManifest[];
  /** Of which the facts do not count: those of other clusters, and those before the one that is asked for. Each can be restored by itself. */
  readonly others: readonly NamedManifest[];
  /** Those that do not read. Who wants the newest of something cannot know whether they have it. */
  readonly unread: readonly UnreadManifest[];
  /** The newest archive of each shard that is there, by id of the shard. */
  readonly shards: ReadonlyMap<number, ManifestShard>;
  /** Names of the newest archives that manifests name and that are not there: what was in them is lost, whatever older ones have. */
  readonly lost: ReadonlyMap<number, string>;
}

/**
 * Whether any backup there is of a policy, or of any of a database's: the facts of each are those of the whole cluster, also of one
 * that was told to be of a part, and what it was not of would be restored as if it were empty.
 */
export function isBackedUp(
  { manifests }: Pick<BackupSet, 'manifests'>,
  database: string,
  retentionPolicy?: string,
): boolean {
  return manifests.some(({ manifest }) => isOf(manifest, database, retentionPolicy));
}

/** Whether one backup is of a policy, or of any of a database's. */
export function isOf(
  { database: only = '', policy = '', shard_id: shardId = 0, files }: Manifest,
  database: string,
  retentionPolicy?: string,
): boolean {
  const isThis = (one: { readonly database: string; readonly policy?: string | undefined }): boolean => // prettier-ignore
    one.database === database && (retentionPolicy === undefined || one.policy === undefined || one.policy === retentionPolicy); // prettier-ignore
  if (shardId !== 0) return files.some(isThis);
  return only === '' || isThis({ database: only, policy: policy === '' ? undefined : policy });
}

/**
 * `clusterId`: of the cluster that is asked for; left out for the one whose backup is the newest. Manifests of a release before, or of an InfluxDB,
 * do not name theirs and count.
 *
 * Files that a manifest names and that are gone hinder nothing where newer ones have what they had, as when old backups were cleared away.
 */
export async function readBackupSet(store: BackupStore, clusterId?: bigint): Promise<BackupSet> {
  return readSet(store, await store.list(), { clusterId: clusterId?.toString() });
}

/**
 * The state that one backup is of. An incremental one has only what had changed since those before it in the place: all else is theirs,
 * and would be restored as if it were empty.
 */
export async function readOneBackup(store: BackupStore, name: string): Promise<BackupSet> {
  const { strategy } = await readManifest(store, name);
  const isOf = (other: string): boolean => other === name || (strategy === 'incremental' && other < name); // prettier-ignore
  const names = await store.list();
  const chosen = names.filter((other) => !other.endsWith(manifestSuffix) || isOf(other));
  const set = await readSet(store, chosen, {});
  return { ...set, manifests: set.manifests.slice(0, 1), others: set.manifests.slice(1) };
}

async function readSet(
  store: BackupStore,
  names: readonly string[],
  { clusterId }: { readonly clusterId?: string | undefined },
): Promise<BackupSet> {
  let cluster = clusterId;
  const present = new Set(names);
  const manifests: NamedManifest[] = [];
  const others: NamedManifest[] = [];
  const unread: UnreadManifest[] = [];
  const shards = new Map<number, ManifestShard>();
  const lost = new Map<number, string>();
  const ordered = names.filter((name) => name.endsWith(manifestSuffix)).sort();
  for (const name of ordered.reverse()) {
    const manifest = await readManifest(store, name).catch((error: unknown) => {
      if (!isDbError(error, 'corrupt')) throw error;
      unread.push({ name, error });
    });
    if (manifest === undefined) continue;
    cluster ??= manifest.cluster_id;
    if (manifest.cluster_id !== undefined && manifest.cluster_id !== cluster) {
      others.push({ name, manifest });
      continue;
    }
    manifests.push({ name, manifest });
    for (const file of manifest.files) {
      if (shards.has(file.shardID)) continue;
      if (present.has(file.fileName)) shards.set(file.shardID, file);
      else if (!lost.has(file.shardID)) lost.set(file.shardID, file.fileName);
    }
  }
  return { manifests, others, unread, shards, lost };
}

/** Throws `not_found` for a place without a backup, and `corrupt` where a manifest does not read: it may be the newest. */
export function newestOf({ manifests, unread }: BackupSet, place: string): NamedManifest {
  if (unread[0] !== undefined) throw unread[0].error;
  const [newest] = manifests;
  if (newest !== undefined) return newest;
  throw new DbError('not_found', `no manifest files found in: ${place}`);
}

async function readManifest(store: BackupStore, name: string): Promise<Manifest> {
  return decodeManifest(name, await readWhole(store, name));
}
