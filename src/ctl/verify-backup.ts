import { manifestSuffix } from '../backup/backup-set.ts';
import type { Decompress } from '../backup/shard-archive.ts';
import { verifyBackup } from '../backup/verify-backup.ts';
import { DbError } from '../base/errors.ts';
import { parseGoFlags } from '../base/go-flags.ts';
import { openBackup } from './backup-places.ts';

export interface VerifyCommandPorts {
  readonly out: (text: string) => void;
  readonly decompress: Decompress;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** `influxd-ctl backup verify <backup-dir | manifest>` (ours): whether all of it can be restored. */
export async function verify(
  args: readonly string[],
  { out, decompress, environment }: VerifyCommandPorts,
): Promise<void> {
  const [place = '', ...extra] = parseGoFlags(args, {}).rest;
  if (place === '') throw new DbError('invalid_argument', 'path with backup files required');
  if (extra.length > 0)
    throw new DbError('invalid_argument', `unexpected extra arguments: [${extra.join(' ')}]`);
  const { store, set } = await openBackup(place, {
    isManifest: place.endsWith(manifestSuffix),
    environment,
  });
  await verifyBackup({ store, out, decompress }, set);
}
