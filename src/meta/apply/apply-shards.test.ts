import { expect, test } from 'vitest';
import { dayNs } from '../../base/units.ts';
import { applyCommand } from './apply.ts';
import { emptyCatalog, findDatabase, type Catalog, type CommandAnswer, type ShardGroup } from '../model/catalog.ts'; // prettier-ignore
import type { Command } from '../command/command.ts';
import { ownsShard, shardFate } from '../model/shard-fate.ts';

/** Nodes 1 and 2, a database of day-long groups over three days: shards 1 to 3, each on both. */
class Cluster {
  catalog: Catalog = emptyCatalog;
  #index = 0;

  constructor() {
    for (const host of ['d1', 'd2']) this.do({ kind: 'create-data-node', httpAddress: `${host}:8086`, tcpAddress: `${host}:8088`, dataNodesMax: 9 }); // prettier-ignore
    this.do({ kind: 'create-database', name: 'db', policy: { shardDurationNs: dayNs, replication: 2 } }); // prettier-ignore
    this.create(0n, dayNs, 2n * dayNs);
  }

  do(command: Command): CommandAnswer {
    const applied = applyCommand(this.catalog, ++this.#index, { id: `${this.#index}`, command });
    this.catalog = applied.catalog;
    return applied.answer;
  }

  create(...timesNs: readonly bigint[]): void {
    this.do({ kind: 'create-shard-groups', database: 'db', retentionPolicy: 'autogen', timesNs });
  }

  get groups(): readonly ShardGroup[] {
    return findDatabase(this.catalog, 'db')?.retentionPolicies[0]?.shardGroups ?? [];
  }
}

test('shards: groups are truncated where they are open, wholly when they begin later; new ones take over', () => {
  const cluster = new Cluster();
  const at = dayNs + dayNs / 2n;
  cluster.do({ kind: 'truncate-shard-groups', timeNs: at });
  expect(cluster.groups.map(({ truncatedAtNs }) => truncatedAtNs)).toEqual([undefined, at, 2n * dayNs]); // prettier-ignore
  cluster.create(dayNs, at, 2n * dayNs);
  const bounds = cluster.groups.map(({ id, startNs, endNs }) => [id, startNs, endNs]);
  expect(bounds).toEqual([
    [1, 0n, dayNs],
    [2, dayNs, 2n * dayNs],
    [4, at, 2n * dayNs],
    [3, 2n * dayNs, 3n * dayNs],
    [5, 2n * dayNs, 3n * dayNs],
  ]);
  // What was cut earlier stays cut where it was.
  cluster.do({ kind: 'truncate-shard-groups', timeNs: at + 1n });
  expect(cluster.groups.find(({ id }) => id === 2)?.truncatedAtNs).toBe(at);
});

test('shards: the last owner that goes takes the shard along, the last shard the group', () => {
  const cluster = new Cluster();
  const remove = (nodeId: number) => cluster.do({ kind: 'remove-shard-owner', shardId: 2, nodeId, nowNs: 9n }); // prettier-ignore
  expect(remove(1)).toEqual({ ok: true });
  expect(remove(1)).toEqual({ ok: true });
  expect(ownsShard(cluster.catalog, 2, 1)).toBe(false);
  expect(ownsShard(cluster.catalog, 2, 2)).toBe(true);
  expect(shardFate(cluster.catalog, 2)).toBe('live');
  expect(remove(2)).toEqual({ ok: true });
  expect(shardFate(cluster.catalog, 2)).toBe('dropped');
  expect(cluster.groups[1]).toMatchObject({ id: 2, shards: [], deletedAtNs: 9n });
  expect(remove(2)).toMatchObject({ ok: false, text: 'shard not found for id: 2' });
  expect(shardFate(cluster.catalog, 4)).toBe('unknown');
});

test('shards: an owner is added once, and only a node of the cluster', () => {
  const cluster = new Cluster();
  cluster.do({ kind: 'remove-shard-owner', shardId: 1, nodeId: 1, nowNs: 9n });
  const add = (nodeId: number) => cluster.do({ kind: 'add-shard-owner', shardId: 1, nodeId });
  expect([add(1), add(1)]).toEqual([{ ok: true }, { ok: true }]);
  expect(cluster.catalog.databases.shard(1)?.shard.owners).toEqual([2, 1]);
  expect(add(7)).toMatchObject({ ok: false, code: 'node_not_found' });
});

test('shards: a group is deleted by retention, forgotten when that is long ago; DROP SHARD of none is no error', () => {
  const cluster = new Cluster();
  const remove = (groupId: number) => cluster.do({ kind: 'delete-shard-group', database: 'db', retentionPolicy: 'autogen', groupId, nowNs: 50n }); // prettier-ignore
  expect(remove(1)).toEqual({ ok: true });
  expect(remove(9)).toMatchObject({ ok: false, text: 'shard group not found' });
  expect(shardFate(cluster.catalog, 1)).toBe('dropped');
  cluster.do({ kind: 'prune-shard-groups', beforeNs: 50n });
  expect(cluster.groups).toHaveLength(3);
  cluster.do({ kind: 'prune-shard-groups', beforeNs: 51n });
  expect(cluster.groups.map(({ id }) => id)).toEqual([2, 3]);
  expect(cluster.do({ kind: 'drop-shard', shardId: 3, nowNs: 60n })).toEqual({ ok: true });
  expect(cluster.do({ kind: 'drop-shard', shardId: 3, nowNs: 60n })).toEqual({ ok: true });
  expect(shardFate(cluster.catalog, 3)).toBe('dropped');
  // Points of that time get a new group.
  cluster.create(0n);
  expect(cluster.groups.map(({ id, deletedAtNs }) => [id, deletedAtNs])).toEqual([[4, undefined], [2, undefined], [3, 60n]]); // prettier-ignore
});

test('shards: a passive node is given none, and does not count for the replicas of a new database', () => {
  const cluster = new Cluster();
  cluster.do({ kind: 'create-data-node', httpAddress: 'p:8086', tcpAddress: 'p:8088', dataNodesMax: 9, isPassive: true }); // prettier-ignore
  cluster.create(9n * dayNs, 10n * dayNs);
  for (const { shard } of cluster.catalog.databases.shards()) expect(shard.owners).not.toContain(3);
  cluster.do({ kind: 'create-database', name: 'new' });
  expect(findDatabase(cluster.catalog, 'new')?.retentionPolicies[0]?.replicaCount).toBe(2);
});

test('shards: a removed node owns none, and groups that it had no part in stay the same objects', () => {
  const cluster = new Cluster();
  cluster.do({ kind: 'remove-shard-owner', shardId: 1, nodeId: 1, nowNs: 9n });
  const [first] = cluster.groups;
  cluster.do({ kind: 'delete-data-node', nodeId: 1 });
  expect(cluster.groups[0]).toBe(first);
  expect(Array.from(cluster.catalog.databases.shards(), ({ shard }) => shard.owners)).toEqual([[2], [2], [2]]); // prettier-ignore
});

test('nodes: a data node moves with its id and shards, to itself too, but not onto another', () => {
  const cluster = new Cluster();
  const move = (nodeId: number, host: string) =>
    cluster.do({ kind: 'update-data-node', nodeId, httpAddress: `${host}:8086`, tcpAddress: `${host}:8088` }); // prettier-ignore
  expect(move(1, 'new')).toMatchObject({ ok: true, value: { nodeId: 1 } });
  expect(move(1, 'new')).toMatchObject({ ok: true });
  expect(move(1, 'D2')).toMatchObject({ ok: false, text: 'cannot update data node new:8088 to D2:8088; D2:8088 is already part of cluster' }); // prettier-ignore
  expect(move(5, 'x')).toMatchObject({ ok: false, text: 'node not found' });
  expect(cluster.catalog.dataNodes[0]).toMatchObject({ id: 1, tcpAddress: 'new:8088' });
  expect(ownsShard(cluster.catalog, 1, 1)).toBe(true);
});

test('nodes: labels are merged by name and taken away by name', () => {
  const cluster = new Cluster();
  const set = (labels: Record<string, string>) =>
    cluster.do({ kind: 'set-node-labels', nodeId: 2, labels: Object.entries(labels).map(([name, value]) => ({ name, value })) }); // prettier-ignore
  set({ team: 'a', az: 'east', $i: 'x', __proto__x: 'y' });
  set({ team: 'b' });
  cluster.do({ kind: 'delete-node-labels', nodeId: 2, names: ['__proto__x', 'none'] });
  const labels = [{ name: '$i', value: 'x' }, { name: 'az', value: 'east' }, { name: 'team', value: 'b' }]; // prettier-ignore
  expect(cluster.catalog.dataNodes[1]?.labels).toEqual(labels);
  const unknown = cluster.do({ kind: 'set-node-labels', nodeId: 9, labels: [] });
  expect(unknown).toMatchObject({ ok: false, text: 'node not found' });
  const many = Object.fromEntries(Array.from({ length: 1_022 }, (_, i) => [`l${i}`, '']));
  expect(set(many)).toMatchObject({ ok: false, code: 'limit_exceeded' });
});
