/** The files of one shard in its archive, ours or that of an InfluxDB. */
import { createHash } from 'node:crypto';
import { DbError } from '../base/errors.ts';
import type { BackupStore } from './backup-store.ts';
import type { ManifestShard } from './manifest.ts';
import { readTar, type ArchivedFile } from './tar.ts';

/** Undoes gzip; a file of several members is one. */
export type Decompress = (pieces: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>;

/** What makes a shard; an InfluxDB has its index and the types of its fields beside it, which are made anew here. */
const wanted = /^(\d{9,}-\d{9,}\.(tsm|tombstone)|[\w-]+\.(index|gone)|shard\.json)$/;

/**
 * Throws `corrupt` for an archive that is not what was written, at its end at the latest: what was taken of it until then
 * must not be kept.
 */
export async function* shardFiles(
  store: BackupStore,
  file: ManifestShard,
  decompress: Decompress,
): AsyncGenerator<ArchivedFile> {
  const hash = createHash('sha256');
  const packed = hashed(store.read(file.fileName), hash);
  const folder = `${file.database}/${file.policy}/${file.shardID}/`;
  try {
    for await (const entry of readTar(decompress(packed))) {
      if (entry.kind !== 'file') continue;
      // An InfluxDB on Windows writes its own separators.
      const path = entry.name.replaceAll('\\', '/');
      const name = path.slice(path.lastIndexOf('/') + 1);
      if (!wanted.test(name)) continue;
      // Passed over, all of a shard could be missing and nobody told.
      if (path.slice(0, path.length - name.length) !== folder)
        throw new DbError('corrupt', `${path} is of another shard than ${folder}`);
      yield { name, sizeBytes: entry.sizeBytes, content: entry.content };
    }
  } catch (error) {
    throw namedError(error, file.fileName);
  }
  if (file.sha256 !== undefined && hash.digest('hex') !== file.sha256)
    throw new DbError('corrupt', `${file.fileName}: it is not what was written`);
}

function namedError(error: unknown, name: string): unknown {
  if (!(error instanceof DbError)) return error;
  // That a node does not know what it was sent is another matter, which may mend itself.
  if (error.code === 'not_found') return new DbError('io_error', error.message, { cause: error });
  if (error.code !== 'corrupt') return error;
  return new DbError('corrupt', `${name}: ${error.message}`, { cause: error });
}

async function* hashed(
  pieces: AsyncIterable<Uint8Array>,
  hash: ReturnType<typeof createHash>,
): AsyncGenerator<Uint8Array> {
  for await (const piece of pieces) {
    hash.update(piece);
    yield piece;
  }
}
