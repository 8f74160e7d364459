import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { BackupCluster, twoShards } from '../../test/support/backup-cluster.ts';
import { backupRuns, decompress } from '../../test/support/backup-runs.ts';
import { dayNs } from '../base/units.ts';
import { readBackupSet } from './backup-set.ts';
import { verifyBackup } from './verify-backup.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'other-clusters-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});
const { backup, restore, storeAt } = backupRuns(() => folder);

const pointsOf = (cluster: BackupCluster, shardId: number): unknown =>
  cluster.held.get('n1:1')?.get(shardId)?.['000000001-000000001.tsm'];

/** The cluster whose backups are in the place is gone; what it had is in another, which is backed up there since. */
async function successor(): Promise<BackupCluster> {
  await backup(twoShards());
  const cluster = new BackupCluster(['n1:1', 'n2:1'], 10n);
  cluster.timeMs += 60_000;
  // Its shards 1 to 3, of which nothing is written to the last two, as to those that are made ahead of their time.
  const policy = { name: 'q', durationNs: 0n, shardDurationNs: dayNs, replication: 2 };
  cluster.do({ kind: 'create-database', name: 'other', policy });
  cluster.do({ kind: 'create-shard-groups', database: 'other', retentionPolicy: 'q', timesNs: [5n * dayNs, 6n * dayNs, 7n * dayNs] }); // prettier-ignore
  cluster.write(1, { '000000001-000000001.tsm': 'one' });
  return cluster;
}

test('backup: a shard without points gets none of the shard that had its id in another cluster', async () => {
  await backup(await successor());
  const cluster = new BackupCluster(['n1:1', 'n2:1'], 11n);
  const text = await restore(cluster);
  expect(text.match(/Restored shard \d/g)).toEqual(['Restored shard 1']);
  expect([1, 2, 3].map((id) => pointsOf(cluster, id))).toEqual(['one', undefined, undefined]);
});

test('backup: an incremental one takes a shard whatever was taken of that id in another cluster', async () => {
  const cluster = await successor();
  cluster.write(2, { '000000001-000000001.tsm': 'two' });
  // As long ago as what was taken there.
  cluster.modifiedNs = { 'n1:1': 2n };
  const text = await backup(cluster, { stalenessNs: 3_600_000_000_000n });
  expect(text.match(/shard \d+\.\.\. Done/g)?.sort()).toEqual([
    'shard 1... Done',
    'shard 2... Done',
  ]);
});

test('backup: each cluster has its own in one place, which is restored by its manifest, and all of it is verified', async () => {
  await backup(await successor());
  const store = storeAt(folder);
  const set = await readBackupSet(store);
  expect(set.manifests.length).toBe(1);
  const [old] = set.others;
  // All archives of both are looked at; the files in these are no TSM.
  const verified = verifyBackup({ store, decompress, out: () => undefined }, set);
  await expect(verified).rejects.toThrow('4 of 6 files cannot be restored');
  const cluster = new BackupCluster(['n1:1', 'n2:1'], 11n);
  await restore(cluster, { manifest: old?.name ?? '' });
  expect([1, 2].map((id) => pointsOf(cluster, id))).toEqual(['two', 'three']);
});
