import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { DbError } from '../base/errors.ts';
import { twoShards } from '../../test/support/backup-cluster.ts';
import { backupRuns } from '../../test/support/backup-runs.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'backup-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const { backup } = backupRuns(() => folder);
const only = { database: 'tel', retentionPolicy: '', shardId: 2 };

test('backup: an owner that lacks something is the last that is taken, whatever was written to it and whoever is asked for', async () => {
  const cluster = twoShards();
  cluster.modifiedNs = { 'n1:1': 9n, 'n2:1': 2n };
  cluster.behind.add('n1:1 2');
  expect(await backup(cluster, { filter: only, from: 'n1:1' })).toContain('Backing up node n2:1,');
  // Nor is it the one that was taken before.
  cluster.behind.clear();
  cluster.behind.add('n2:1 2');
  cluster.timeMs += 60_000;
  cluster.write(2, { '000000002-000000001.tsm': 'new' });
  expect(await backup(cluster, { filter: only })).toContain('Backing up node n1:1,');
});

test('backup: where all owners lack something, what they are to be brought is waited for', async () => {
  const cluster = twoShards();
  cluster.behind.add('n1:1 2').add('n2:1 2');
  const survey = cluster.survey.bind(cluster);
  let askedCount = 0;
  cluster.survey = () => {
    if (++askedCount === 3) cluster.behind.delete('n2:1 2');
    return survey();
  };
  const said = await backup(cluster, { filter: only });
  expect(said).toMatch(
    /^Waiting for what the owners of shards 2 are to be brought\nBacking up meta/,
  );
  expect(said).toContain('Backing up node n2:1,');
  expect(askedCount).toBe(3);
});

test.each([
  ['all owners lack something for good', 'n2:1 2', ''],
  ['who has all of it is away', '', 'n2:1'],
])('backup: where %s what there is is taken, and the backup fails', async (_, behind, down) => {
  const cluster = twoShards();
  cluster.behind.add('n1:1 2').add(behind);
  cluster.down.add(down);
  await expect(backup(cluster, { filter: only })).rejects.toThrow(
    /^backed up without all that was written to them, which no owner could give: shards 2$/,
  );
  const store = backupRuns(() => folder).storeAt(folder);
  expect((await store.list()).some((name) => name.endsWith('.manifest'))).toBe(true);
});

test('backup: a shard whose only owner was taken out of the cluster is no reason to have no backup', async () => {
  const cluster = twoShards();
  const store = backupRuns(() => folder).storeAt(folder);
  const policy = { name: 'p', durationNs: 0n, replication: 1 };
  cluster.do({ kind: 'create-database', name: 'solo', policy });
  cluster.do({ kind: 'create-shard-groups', database: 'solo', retentionPolicy: 'p', timesNs: [0n] }); // prettier-ignore
  const solo = cluster.facts.databases.get('solo')?.retentionPolicies[0]?.shardGroups[0]?.shards[0];
  const { id: shardId = 0, owners: [nodeId = 0] = [] } = solo ?? {};
  const lost = cluster.facts.dataNodes.find(({ id }) => id === nodeId)?.tcpAddress ?? '';
  cluster.do({ kind: 'delete-data-node', nodeId });
  cluster.held.delete(lost);
  await expect(backup(cluster)).rejects.toThrow(
    `backed up without shards that have no owner, until DROP SHARD gives them up: shards ${shardId}`, // prettier-ignore
  );
  const names = await store.list();
  expect(names.some((name) => name.endsWith('.manifest'))).toBe(true);
  expect(names.filter((name) => name.endsWith('.tar.gz'))).toHaveLength(3);
  cluster.do({ kind: 'drop-shard', shardId, nowNs: 1n });
  cluster.timeMs += 60_000;
  expect(await backup(cluster)).toContain('Backed up to');
});

test('backup: owners that lack something and have nothing yet are no reason to leave out their shard unsaid', async () => {
  const cluster = twoShards();
  for (const shards of cluster.held.values()) shards.delete(2);
  expect(await backup(cluster, { filter: only })).toContain('Backed up to');
  cluster.behind.add('n1:1 2').add('n2:1 2');
  cluster.timeMs += 60_000;
  await expect(backup(cluster, { filter: only })).rejects.toThrow(/could give: shards 2$/);
});

test('backup: a shard that moves to other nodes while others are taken is taken there', async () => {
  const cluster = twoShards();
  cluster.do({ kind: 'create-data-node', httpAddress: 'h:1', tcpAddress: 'n3:1', dataNodesMax: 9 });
  cluster.held.set('n3:1', new Map());
  const move = (): void => {
    const nodeId = cluster.facts.dataNodes.find(({ tcpAddress }) => tcpAddress === 'n3:1')?.id ?? 0;
    const { owners = [] } = cluster.facts.databases.shard(2)?.shard ?? {};
    cluster.do({ kind: 'add-shard-owner', shardId: 2, nodeId });
    cluster.held.get('n3:1')?.set(2, cluster.held.get('n1:1')?.get(2) ?? {});
    for (const owner of owners) cluster.do({ kind: 'remove-shard-owner', shardId: 2, nodeId: owner, nowNs: 1n }); // prettier-ignore
  };
  const snapshot = cluster.snapshot.bind(cluster);
  let isMoved = false;
  cluster.snapshot = (node, shardId, options) => {
    if (shardId !== 2 || node === 'n3:1') return snapshot(node, shardId, options);
    if (!isMoved) move();
    isMoved = true;
    return Promise.reject(new DbError('shard_not_found', 'shard 2 is not on this node'));
  };
  expect(await backup(cluster)).toContain('Backing up node n3:1, db tel, rp p, shard 2... Done.');
});
