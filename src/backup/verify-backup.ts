/** Whether a backup can be restored: all of it is read as a restore would, and nothing is written (ours). */
import { inLanes } from '../base/async/in-lanes.ts';
import { DbError, errorText, isDbError } from '../base/errors.ts';
import { tsmHeaderBytes, tsmMagic } from '../storage/tsm/tsm-format.ts';
import { decodeBackupMeta } from './backup-meta.ts';
import { newestOf, type BackupSet } from './backup-set.ts';
import { readWhole, type BackupStore } from './backup-store.ts';
import type { ManifestMeta, ManifestShard } from './manifest.ts';
import { shardFiles, type Decompress } from './shard-archive.ts';
import { sha256Of } from './sha256.ts';
import { shardsAtOnce } from './take-backup.ts';

export interface VerifyPorts {
  readonly store: BackupStore;
  readonly decompress: Decompress;
  readonly out: (text: string) => void;
}

const damagedText = 'it is what was written, of a shard that was damaged at all of its owners';

/** Says of each file how it is; throws `corrupt` when one is not what it should be. */
export async function verifyBackup(ports: VerifyPorts, set: BackupSet): Promise<void> {
  const { store, out } = ports;
  if (set.unread.length === 0) newestOf(set, store.place);
  const present = new Set(await store.list());
  let badCount = set.unread.length;
  for (const { name, error } of set.unread) out(`${name}: ${errorText(error)}\n`);
  const check = async (name: string, work: () => Promise<string>): Promise<void> => {
    try {
      if (!present.has(name)) throw new DbError('not_found', 'it is not there');
      out(`${name}: ok, ${await work()}\n`);
    } catch (error) {
      if (!isDbError(error)) throw error;
      badCount++;
      const why = errorText(error);
      out(why.startsWith(`${name}: `) ? `${why}\n` : `${name}: ${why}\n`);
    }
  };
  const manifests = [...set.manifests, ...set.others];
  const metas = new Map(manifests.map(({ manifest: { meta } }) => [meta.fileName, meta]));
  for (const meta of metas.values()) await check(meta.fileName, () => verifyMeta(store, meta));
  const shards = manifests.flatMap(({ manifest }) => manifest.files);
  await inLanes(shards, shardsAtOnce, (file) =>
    check(file.fileName, async () => {
      const how = await verifyShard(ports, file);
      // Of an older one a newer is restored.
      if (file.damaged === true && set.shards.get(file.shardID) === file) throw new DbError('corrupt', damagedText); // prettier-ignore
      return how;
    }),
  );
  const total = set.unread.length + metas.size + shards.length;
  if (badCount > 0)
    throw new DbError('corrupt', `${badCount} of ${total} files cannot be restored`);
  out(`Verified ${manifests.length} backups, ${shards.length} archives of shards\n`);
}

async function verifyMeta(store: BackupStore, { fileName, sha256 }: ManifestMeta): Promise<string> {
  const bytes = await readWhole(store, fileName);
  if (sha256 !== undefined && sha256Of(bytes) !== sha256)
    throw new DbError('corrupt', 'it is not what was written');
  const { databases, users } = decodeBackupMeta(fileName, bytes);
  return `${databases.length} databases, ${users.length} users`;
}

async function verifyShard(
  { store, decompress }: VerifyPorts,
  file: ManifestShard,
): Promise<string> {
  let [fileCount, bytes] = [0, 0];
  for await (const { name, sizeBytes, content } of shardFiles(store, file, decompress)) {
    fileCount++;
    bytes += sizeBytes;
    if (name.endsWith('.tsm') && !(await isTsm(content)))
      throw new DbError('corrupt', `${name} is no TSM file`);
  }
  return `${fileCount} files, ${bytes} bytes`;
}

async function isTsm(content: AsyncIterable<Uint8Array>): Promise<boolean> {
  const head = Buffer.alloc(tsmHeaderBytes);
  let at = 0;
  for await (const piece of content) {
    head.set(piece.subarray(0, tsmHeaderBytes - at), at);
    at = Math.min(tsmHeaderBytes, at + piece.length);
  }
  return at === tsmHeaderBytes && head.readUInt32BE(0) === tsmMagic;
}
