import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { BackupCluster, twoShards } from '../../test/support/backup-cluster.ts';
import { allOf, backupRuns, decompress } from '../../test/support/backup-runs.ts';
import { readBackupSet } from './backup-set.ts';
import { restoreBackup } from './restore-backup.ts';
import { DbError } from '../base/errors.ts';
import type { ShardPlace } from '../meta/model/databases.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'interrupted-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});
const { backup, restore, storeAt } = backupRuns(() => folder);

/** Nothing comes to shards of these ids any more. */
class BrokenCluster extends BackupCluster {
  broken: readonly number[] = [];
  readonly brought: number[] = [];

  override install(node: string, place: ShardPlace): ReturnType<BackupCluster['install']> {
    const { id } = place.shard;
    if (this.broken.includes(id)) throw new DbError('unavailable', `${node} is gone`);
    this.brought.push(id);
    return super.install(node, place);
  }
}

function awaited(cluster: BackupCluster): readonly number[] {
  const shards = [...cluster.facts.databases.shards()];
  return shards.flatMap(({ shard }) => (shard.restoreIndex === undefined ? [] : [shard.id]));
}

async function interrupted(): Promise<BrokenCluster> {
  await backup(twoShards());
  const cluster = new BrokenCluster(['m1:1', 'm2:1']);
  cluster.broken = [2];
  await expect(restore(cluster)).rejects.toThrow(
    'shard 3 could not be restored into shard 2: m1:1 is gone',
  );
  expect(awaited(cluster)).toEqual([2]);
  cluster.broken = [];
  return cluster;
}

test('restore: one that was interrupted goes on when it is asked for again, with what is missing alone', async () => {
  const cluster = await interrupted();
  cluster.brought.length = 0;
  const text = await restore(cluster);
  expect(text).toContain(
    'This restore was interrupted, and goes on: 1 shards are waited for\nRestoring meta data... Done. Restored in 0s, 1 shards mapped\n',
  );
  expect(text).not.toContain('shard 2 to shard 1');
  expect(cluster.brought).toEqual([2, 2]);
  expect(awaited(cluster)).toEqual([]);
  for (const node of ['m1:1', 'm2:1'])
    expect(cluster.held.get(node)?.get(2)?.['000000001-000000001.tsm']).toBe('three');
  await expect(restore(cluster)).rejects.toThrow('database already exists');
});

test('restore: databases that an interrupted one has not made are made, and users', async () => {
  const source = twoShards();
  source.do({ kind: 'create-database', name: 'more' });
  await backup(source);
  const cluster = new BrokenCluster(['m1:1', 'm2:1']);
  cluster.broken = [1, 2];
  await expect(restore(cluster)).rejects.toThrow('could not be restored');
  // As where the facts were several commands of the metas, and the client ended between them.
  cluster.do({ kind: 'drop-database', name: 'more' });
  cluster.do({ kind: 'drop-user', name: 'bob' });
  cluster.broken = [];
  expect(await restore(cluster)).toContain('goes on: 2 shards');
  expect(cluster.facts.databases.get('more')).toBeDefined();
  expect(cluster.facts.users?.map(({ name }) => name)).toEqual(['bob']);
  expect(awaited(cluster)).toEqual([]);
});

test.each([
  [
    'of another backup',
    async () => {
      await backup(twoShards(), { strategy: 'full' });
      return {};
    },
  ],
  ['with other rules', () => Promise.resolve({ changes: { newReplicas: 1 } })],
  ['of a part', () => Promise.resolve({ filter: { database: 'tel' } })],
])('restore: one %s does not go on with what was interrupted', async (_, change) => {
  const cluster = await interrupted();
  const other = await change();
  await expect(restore(cluster, other)).rejects.toThrow('database already exists');
  expect(awaited(cluster)).toEqual([2]);
});

test('restore: one that is to go on without its archives says so, and does nothing', async () => {
  const cluster = await interrupted();
  for (const name of readdirSync(folder).filter((one) => one.includes('.s3.')))
    rmSync(join(folder, name));
  await expect(restore(cluster)).rejects.toThrow('is not there, which has the points of shard 3');
  // Also where the backup that named it was cleared away.
  const path = join(folder, readdirSync(folder).find((name) => name.endsWith('.manifest')) ?? '');
  const { files, ...manifest } = JSON.parse(readFileSync(path, 'utf8')) as { files: { shardID: number }[] }; // prettier-ignore
  const others = files.filter(({ shardID }) => shardID !== 3);
  writeFileSync(path, JSON.stringify({ ...manifest, files: others }));
  await expect(restore(cluster)).rejects.toThrow('the archive of shard 3 is not there any more');
  expect(awaited(cluster)).toEqual([2]);
});

test('restore: two of the same at once both end, and all of it is there once', async () => {
  await backup(twoShards());
  const cluster = new BackupCluster(['m1:1', 'm2:1']);
  const ends = await Promise.all([1, 2].map(() => restore(cluster).catch(String)));
  // Which is first with the facts depends on when the disk answers each; the other may go on, or be told so.
  expect(ends).toContainEqual(expect.stringContaining('Restored from DIR'));
  for (const end of ends) expect(end).toMatch(/Restored from DIR|already exists/);
  expect(awaited(cluster)).toEqual([]);
  expect(Array.from(cluster.facts.databases, ({ name }) => name)).toEqual(['tel']);
});

/** Answers again after some calls; what was brought to it until then it has forgotten. */
class RestartingCluster extends BackupCluster {
  callsUntilBack = 3;
  readonly codes: ('unavailable' | 'not_found' | 'timeout')[] = ['unavailable', 'timeout', 'not_found']; // prettier-ignore

  override async install(node: string, place: ShardPlace): ReturnType<BackupCluster['install']> {
    const install = await super.install(node, place);
    if (node !== 'm2:1' || place.shard.id !== 2 || this.callsUntilBack-- <= 0) return install;
    const code = this.codes[this.callsUntilBack] ?? 'unavailable';
    return { ...install, commit: () => Promise.reject(new DbError(code, 'connection refused')) };
  }
}

test('restore: an owner that restarts is waited for, and has all of it then', async () => {
  await backup(twoShards());
  const cluster = new RestartingCluster(['m1:1', 'm2:1']);
  const text = await restore(cluster);
  expect(text.match(/Waiting for the owners of shard 2: connection refused\n/g)?.length).toBe(1);
  expect(cluster.callsUntilBack).toBeLessThan(0);
  expect(awaited(cluster)).toEqual([]);
  expect(cluster.held.get('m2:1')?.get(2)?.['000000001-000000001.tsm']).toBe('three');
});

test('restore: an owner that stays away is waited for as long as a restart takes, and a damaged archive not at all', async () => {
  await backup(twoShards());
  const cluster = new RestartingCluster(['m1:1', 'm2:1']);
  cluster.callsUntilBack = Infinity;
  const startMs = cluster.timeMs;
  await expect(restore(cluster)).rejects.toThrow('shard 3 could not be restored into shard 2: connection refused'); // prettier-ignore
  expect(cluster.timeMs - startMs).toBe(120_000);
  const [archive = ''] = readdirSync(folder).filter((name) => name.includes('.s3.'));
  writeFileSync(join(folder, archive), 'damaged');
  const set = await readBackupSet(storeAt(folder));
  const other = new BackupCluster(['m1:1', 'm2:1']);
  const beganMs = other.timeMs;
  await expect(restore(other)).rejects.toThrow('shard 3 could not be restored');
  rmSync(join(folder, archive));
  const ports = { clock: other.clock, store: storeAt(folder), target: other, decompress, out: () => undefined }; // prettier-ignore
  const changes = { newDatabase: 'more', newPolicy: '' };
  const options = { filter: { ...allOf, database: 'tel' }, changes, newShardId: 0, place: 'DIR' };
  await expect(restoreBackup(ports, set, options)).rejects.toThrow('no such file');
  expect(other.timeMs).toBe(beganMs);
});

test('backup: of a cluster that a restore has still to bring a shard it is taken, and says what is lacking', async () => {
  const cluster = await interrupted();
  cluster.timeMs += 60_000;
  await expect(backup(cluster, { strategy: 'full' })).rejects.toThrow(
    /^backed up without what a restore has still to bring: shards 2$/,
  );
});
