import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { dayNs } from '../base/units.ts';
import { BackupCluster, twoShards } from '../../test/support/backup-cluster.ts';
import { backupRuns } from '../../test/support/backup-runs.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'backup-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const { backup, restore } = backupRuns(() => folder);
/** The newest. */
const archiveOf = (shard: number): string => {
  const names = readdirSync(folder).filter((name) => name.includes(`.s${shard}.`));
  const [newest = ''] = names.sort().reverse();
  return join(folder, newest);
};
const firstManifest = (): string => readdirSync(folder).sort().find((name) => name.endsWith('.manifest')) ?? ''; // prettier-ignore

const estimated = (cluster: BackupCluster): Promise<string> => backup(cluster, { isEstimate: true }); // prettier-ignore

/** Shards 2 to 9 of tel.p. */
function eightShards(): BackupCluster {
  const cluster = twoShards();
  const timesNs = Array.from({ length: 8 }, (_, day) => BigInt(day) * dayNs);
  cluster.do({ kind: 'create-shard-groups', database: 'tel', retentionPolicy: 'p', timesNs });
  for (let id = 4; id < 10; id++) cluster.write(id, { '000000001-000000001.tsm': `of ${id}` });
  return cluster;
}

test.each([
  ['the newest of all', (): string | undefined => undefined],
  ['a manifest', firstManifest],
])('restore: of %s, an archive that is gone refuses all of it, and nothing is changed', async (_, manifestOf) => {
  await backup(twoShards());
  const archive = archiveOf(3);
  rmSync(archive);
  const cluster = new BackupCluster(['m1:1']);
  const manifest = manifestOf();
  const options = manifest === undefined ? {} : { manifest };
  await expect(restore(cluster, options)).rejects.toThrow(/\.s3\.tar\.gz is not there, which has the points of shard 3$/); // prettier-ignore
  expect(cluster.facts.databases.get('tel')).toBeUndefined();
  // Without that shard there is no reason not to.
  expect(await restore(cluster, { ...options, filter: { shardId: 2 } })).toContain('Restored shard 2 into');
}); // prettier-ignore

test('restore: an older archive is not taken for the newest, and an older one that was cleared away hinders nothing', async () => {
  const cluster = twoShards();
  await backup(cluster);
  const [old, kept] = [archiveOf(2), archiveOf(3)];
  cluster.timeMs += 60_000;
  cluster.write(2, { '000000002-000000001.tsm': 'new' });
  await backup(cluster);
  const newest = archiveOf(2);
  const bytes = readFileSync(newest);
  rmSync(newest);
  await expect(restore(new BackupCluster(['m1:1']))).rejects.toThrow('is not there, which has the points of shard 2'); // prettier-ignore
  writeFileSync(newest, bytes);
  rmSync(old);
  expect(await restore(new BackupCluster(['m1:1']))).toContain('transferred ');
  rmSync(kept);
  await expect(restore(new BackupCluster(['m1:1']))).rejects.toThrow('is not there, which has the points of shard 3'); // prettier-ignore
  // The next backup brings it again.
  cluster.timeMs += 60_000;
  expect(await backup(cluster)).toContain('shard 3... Done');
  expect(await restore(new BackupCluster(['m1:1']))).toContain('transferred ');
});

test('restore: damaged archives cost their own shards alone, and the restore goes on once they are whole', async () => {
  const source = eightShards();
  await backup(source);
  const damaged = [2, 3, 4, 5, 8];
  const before = new Map(damaged.map((id) => [archiveOf(id), readFileSync(archiveOf(id))]));
  for (const [path, bytes] of before) writeFileSync(path, bytes.subarray(0, bytes.length >> 1));
  const cluster = new BackupCluster(['m1:1', 'm2:1', 'm3:1']);
  const failed = await restore(cluster).then(String, String);
  for (const id of damaged) expect(failed).toContain(`shard ${id} could not be restored into shard ${id - 1}: `); // prettier-ignore
  for (const id of [6, 7, 9]) expect(failed).toContain(`Restored shard ${id} into shard ${id - 1} in `); // prettier-ignore
  expect(failed).toMatch(/DbError: 5 of 8 shards could not be restored, the first: shard \d could not/); // prettier-ignore
  const awaited = () => [...cluster.facts.databases.shards()].filter(({ shard }) => shard.restoreIndex !== undefined).length; // prettier-ignore
  expect(awaited()).toBe(5);
  for (const [path, bytes] of before) writeFileSync(path, bytes);
  expect(await restore(cluster)).toContain('This restore was interrupted, and goes on: 5 shards are waited for\n'); // prettier-ignore
  expect(awaited()).toBe(0);
});

test('backup: one that is interrupted ends after a piece, asks no other owner, and leaves nothing', async () => {
  const cluster = twoShards();
  const controller = new AbortController();
  const asked: string[] = [];
  const snapshot = cluster.snapshot.bind(cluster);
  cluster.snapshot = async (node, shardId) => {
    asked.push(`${node} ${shardId}`);
    const made = await snapshot(node, shardId);
    // As one that takes its time: it ends when it is read.
    return made && { ...made, read: (name) => {
      if (name !== 'shard.json') controller.abort();
      return made.read(name);
    } }; // prettier-ignore
  };
  await expect(backup(cluster, {}, controller.signal)).rejects.toThrow('interrupted');
  expect(readdirSync(folder)).toEqual([]);
  // Another owner of a shard that has points is asked only when one fails.
  for (const id of [1, 2, 3]) expect(asked.filter((one) => one.endsWith(` ${id}`)).length).toBeLessThan(2); // prettier-ignore
  expect(asked.length).toBeGreaterThan(0);
});

test('backup: an owner whose files are damaged is left for one whose files are not', async () => {
  const cluster = twoShards();
  cluster.damaged.add('n1:1 2');
  const text = await backup(cluster, { from: '' });
  expect(text).toContain('node n2:1, db tel, rp p, shard 2... Done.');
  expect(text).toContain('Backed up to');
  expect(text).not.toContain('as it is');
});

test('backup: a shard that every owner has damaged is taken as it is, with all others, and the backup fails at its end', async () => {
  const cluster = twoShards();
  cluster.damaged.add('n1:1 2').add('n2:1 2');
  await expect(backup(cluster)).rejects.toThrow('backed up as they are, since no owner has them undamaged: shards 2'); // prettier-ignore
  const target = new BackupCluster(['m1:1']);
  const restored = await restore(target);
  for (const id of [2, 3]) expect(restored).toContain(`Restored shard ${id} into`);
  expect(restored.match(/bytes transferred, damaged as it was backed up\n/g)).toHaveLength(1);
});

test('backup: what was taken damaged is no reason to leave the shard out, and is taken again once an owner has it whole', async () => {
  const cluster = twoShards();
  cluster.damaged.add('n1:1 2').add('n2:1 2');
  const failed = 'backed up as they are, since no owner has them undamaged: shards 2';
  await expect(backup(cluster)).rejects.toThrow(failed);
  cluster.timeMs += 60_000;
  expect(await estimated(cluster)).toContain('shard 2: ');
  await expect(backup(cluster)).rejects.toThrow(failed);
  await expect(backup(cluster, { stalenessNs: 2n * dayNs })).rejects.toThrow(failed);
  cluster.damaged.delete('n1:1 2');
  cluster.timeMs += 60_000;
  expect(await backup(cluster)).toContain('node n1:1, db tel, rp p, shard 2... Done.');
  cluster.timeMs += 60_000;
  expect(await backup(cluster)).not.toContain('shard 2');
});
