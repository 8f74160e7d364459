import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { BackupCluster, twoShards } from '../../test/support/backup-cluster.ts';
import { allOf, backupRuns } from '../../test/support/backup-runs.ts';
import type { Strategy } from './manifest.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'earlier-backups-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});
const { backup, restore } = backupRuns(() => folder);

const tsm = '000000001-000000001.tsm';
const manifests = (): readonly string[] =>
  readdirSync(folder).filter((name) => name.endsWith('.manifest')).sort(); // prettier-ignore

/** Three backups a minute apart: of shards 2 and 3, of shard 3 as it is by then, and once the database has been dropped. */
async function threeBackups(strategy: Strategy): Promise<void> {
  const cluster = twoShards();
  await backup(cluster, { strategy });
  cluster.timeMs += 60_000;
  cluster.write(3, { [tsm]: 'more' });
  await backup(cluster, { strategy });
  cluster.timeMs += 60_000;
  cluster.do({ kind: 'drop-database', name: 'tel' });
  cluster.do({ kind: 'create-database', name: 'other' });
  await backup(cluster, { strategy });
}

/** What the backup of this place in their order gives back of `tel`, by the id of the shard in it. */
async function restored(at: number): Promise<Readonly<Record<string, unknown>>> {
  const cluster = new BackupCluster(['m1:1', 'm2:1']);
  const text = await restore(cluster, { manifest: manifests()[at] ?? '' });
  const points: Record<string, unknown> = {};
  for (const [, from = '', to] of text.matchAll(/Restored shard (\d+) into shard (\d+)/g))
    points[from] = cluster.held.get('m1:1')?.get(Number(to))?.[tsm];
  return points;
}

test.each(['incremental', 'full'] as const)(
  'backup: of several %s ones in a place each is restored as the cluster was then',
  async (strategy) => {
    await threeBackups(strategy);
    expect(await restored(0)).toEqual({ 2: 'two', 3: 'three' });
    expect(await restored(1)).toEqual({ 2: 'two', 3: 'more' });
    expect(await restored(2)).toEqual({});
  },
);

test('backup: an incremental one without those that it stands on is refused, and a full one needs none', async () => {
  await threeBackups('incremental');
  for (const name of readdirSync(folder).filter((one) => one.includes('.s2.')))
    rmSync(join(folder, name));
  await expect(restored(1)).rejects.toThrow('is not there, which has the points of shard 2');
  const full = twoShards();
  full.timeMs += 300_000;
  await backup(full, { strategy: 'full' });
  expect(await restored(3)).toEqual({ 2: 'two', 3: 'three' });
});

test('backup: an incremental one of a database gives that database alone, whatever is beside it', async () => {
  const cluster = twoShards();
  cluster.do({ kind: 'create-database', name: 'other' });
  await backup(cluster);
  cluster.timeMs += 60_000;
  await backup(cluster, { filter: { ...allOf, database: 'tel' } });
  const target = new BackupCluster(['m1:1', 'm2:1']);
  const text = await restore(target, { manifest: manifests()[1] ?? '' });
  expect(text.match(/Restored shard \d/g)?.sort()).toEqual([
    'Restored shard 2',
    'Restored shard 3',
  ]);
  expect(Array.from(target.facts.databases, ({ name }) => name)).toEqual(['tel']);
});

test('backup: a database that was made again since its last backup comes back as it was at that one', async () => {
  const cluster = twoShards();
  await backup(cluster, { filter: { ...allOf, database: 'tel' } });
  cluster.do({ kind: 'drop-database', name: 'tel' });
  cluster.do({ kind: 'create-database', name: 'tel' });
  cluster.do({ kind: 'create-shard-groups', database: 'tel', retentionPolicy: 'autogen', timesNs: [0n] }); // prettier-ignore
  cluster.do({ kind: 'create-database', name: 'other' });
  cluster.timeMs += 60_000;
  await backup(cluster, { filter: { ...allOf, database: 'other' } });
  const target = new BackupCluster(['m1:1', 'm2:1']);
  const text = await restore(target, { filter: { database: 'tel' } });
  expect(text.match(/Restored shard \d/g)?.sort()).toEqual([
    'Restored shard 2',
    'Restored shard 3',
  ]);
  expect(target.facts.databases.get('tel')?.retentionPolicies.map(({ name }) => name)).toEqual(['p']); // prettier-ignore
});
