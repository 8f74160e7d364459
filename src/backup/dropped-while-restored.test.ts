import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { BackupCluster, twoShards } from '../../test/support/backup-cluster.ts';
import { backupRuns } from '../../test/support/backup-runs.ts';
import { DbError } from '../base/errors.ts';
import type { ShardPlace } from '../meta/model/databases.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dropped-while-restored-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});
const { backup, restore } = backupRuns(() => folder);

/** Of a shard that nobody has any more, and of one that its owners do not take yet. */
class Target extends BackupCluster {
  refused: readonly number[] = [];
  /** Done between the facts of a restore and its first shard. */
  meanwhile: () => void = () => undefined;

  override async restore(content: Parameters<BackupCluster['restore']>[0]): ReturnType<BackupCluster['restore']> {
    const ids = await super.restore(content);
    this.meanwhile();
    return ids;
  } // prettier-ignore

  override install(node: string, place: ShardPlace): ReturnType<BackupCluster['install']> {
    if (this.refused.includes(place.shard.id)) throw new DbError('io_error', `${node} fails`);
    return super.install(node, place);
  }

  /** As retention does. */
  outlive(shardId: number): void {
    const place = this.facts.databases.shard(shardId);
    if (place === undefined) throw new Error(`no shard ${shardId}`);
    const { database, retentionPolicy, group } = place;
    this.do({ kind: 'delete-shard-group', database, retentionPolicy, groupId: group.id, nowNs: 1n });
  } // prettier-ignore

  has(shardId: number): boolean {
    return [...this.held.values()].every((shards) => shards.has(shardId));
  }
}

test('restore: a shard that its policy outlives before it is brought keeps no other', async () => {
  await backup(twoShards());
  const cluster = new Target(['m1:1', 'm2:1']);
  cluster.meanwhile = () => {
    cluster.outlive(1);
  };
  const text = await restore(cluster);
  expect(text).toContain('Restoring shard 2 to shard 1... it was dropped meanwhile\n');
  expect([1, 2].map((id) => cluster.has(id))).toEqual([false, true]);
});

test('restore: one that was interrupted goes on though one of its shards is outlived meanwhile', async () => {
  await backup(twoShards());
  const cluster = new Target(['m1:1', 'm2:1']);
  cluster.refused = [1, 2];
  await expect(restore(cluster)).rejects.toThrow('m1:1 fails');
  cluster.refused = [];
  cluster.outlive(1);
  expect(await restore(cluster)).toContain('goes on: 1 shards are waited for\n');
  expect([1, 2].map((id) => cluster.has(id))).toEqual([false, true]);
  expect(cluster.facts.databases.shard(2)?.shard.restoreIndex).toBeUndefined();
});

test('restore: a shard whose last owner has left is not called restored', async () => {
  await backup(twoShards());
  const cluster = new Target(['m1:1', 'm2:1']);
  cluster.refused = [1, 2];
  const changes = { newReplicas: 1 };
  await expect(restore(cluster, { changes })).rejects.toThrow('fails');
  cluster.refused = [];
  const [gone = 0] = cluster.facts.databases.shard(1)?.shard.owners ?? [];
  cluster.do({ kind: 'delete-data-node', nodeId: gone });
  await expect(restore(cluster, { changes })).rejects.toThrow('shard 2 could not be restored into shard 1: it has no owner');
  expect(cluster.facts.databases.shard(1)?.shard.restoreIndex).toBeDefined();
}); // prettier-ignore
