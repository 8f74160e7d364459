import { expect, test } from 'vitest';
import { dayNs } from '../../base/units.ts';
import { applyCommand } from './apply.ts';
import { emptyCatalog, type Catalog, type CommandAnswer } from '../model/catalog.ts';
import type { Command } from '../command/command.ts';
import { copiesOf, newcomersSince, takesWrites } from '../model/shard-copies.ts';

/** Nodes 1 to 3, and shard 1 on node 1 alone. */
class Cluster {
  catalog: Catalog = emptyCatalog;
  index = 0;

  constructor() {
    for (const host of ['d1', 'd2', 'd3']) this.do({ kind: 'create-data-node', httpAddress: `${host}:8086`, tcpAddress: `${host}:8088`, dataNodesMax: 9 }); // prettier-ignore
    this.do({ kind: 'create-database', name: 'db', policy: { shardDurationNs: dayNs, replication: 1 } }); // prettier-ignore
    const place = { database: 'db', retentionPolicy: 'autogen' };
    this.do({ kind: 'create-shard-groups', ...place, timesNs: [0n] });
    this.do({ kind: 'add-shard-owner', shardId: 1, nodeId: 1 });
    for (const nodeId of [2, 3])
      this.do({ kind: 'remove-shard-owner', shardId: 1, nodeId, nowNs: 1n });
  }

  do(command: Command): CommandAnswer {
    const applied = applyCommand(this.catalog, ++this.index, { id: `${this.index}`, command });
    this.catalog = applied.catalog;
    return applied.answer;
  }

  begin(destinationId: number): CommandAnswer {
    return this.do({ kind: 'begin-shard-copy', shardId: 1, sourceId: 1, destinationId, startedNs: 5n }); // prettier-ignore
  }

  end(kind: 'finish-shard-copy' | 'abort-shard-copy' | 'forget-shard-copy', beganIndex: number) {
    return this.do({ kind, shardId: 1, destinationId: 2, beganIndex });
  }

  get owners(): readonly number[] {
    return this.catalog.databases.shard(1)?.shard.owners ?? [];
  }

  /** Whom the source passes on what was routed by the catalog of `index`. */
  newcomers(index: number, nodeId = 1): readonly number[] {
    return newcomersSince(this.catalog, 1, { index, nodeId });
  }
}

test('copies: a destination takes writes from the beginning and owns the shard at the end', () => {
  const cluster = new Cluster();
  expect(cluster.begin(2)).toEqual({ ok: true });
  const began = cluster.index;
  expect(cluster.owners).toEqual([1]);
  expect([1, 2, 3].map((id) => takesWrites(cluster.catalog, 1, id))).toEqual([true, true, false]);
  // The source passes on all, others nothing.
  expect([began - 1, began + 9].map((index) => cluster.newcomers(index))).toEqual([[2], [2]]);
  expect(cluster.newcomers(began, 3)).toEqual([]);
  expect(cluster.end('finish-shard-copy', began)).toEqual({ ok: true });
  const owned = cluster.index;
  expect(cluster.owners).toEqual([1, 2]);
  expect(copiesOf(cluster.catalog)).toEqual([]);
  // Every owner passes on what was routed before that, but not to itself.
  expect([owned - 1, owned].map((index) => cluster.newcomers(index))).toEqual([[2], []]);
  expect([1, 2, 3].map((id) => cluster.newcomers(owned - 1, id))).toEqual([[2], [], [2]]);
  // Asked again it has happened.
  expect(cluster.end('finish-shard-copy', began)).toEqual({ ok: true });
  expect(cluster.owners).toEqual([1, 2]);
  cluster.do({ kind: 'remove-shard-owner', shardId: 1, nodeId: 2, nowNs: 1n });
  expect(cluster.newcomers(0)).toEqual([]);
});

test('copies: one that was given up is nobody to write to, is not finished, and has to be discarded first', () => {
  const cluster = new Cluster();
  cluster.begin(2);
  const began = cluster.index;
  expect(cluster.end('abort-shard-copy', began)).toEqual({ ok: true });
  expect(takesWrites(cluster.catalog, 1, 2)).toBe(false);
  expect(cluster.newcomers(0)).toEqual([]);
  expect(cluster.end('finish-shard-copy', began)).toMatchObject({ text: 'the copy of shard 1 was given up' }); // prettier-ignore
  expect(cluster.begin(2)).toMatchObject({ text: 'shard 1 is being copied to node 2' });
  // Of another copy: nothing of this one.
  cluster.end('forget-shard-copy', began - 1);
  expect(copiesOf(cluster.catalog)).toHaveLength(1);
  cluster.end('forget-shard-copy', began);
  expect(cluster.catalog.copies).toBeUndefined();
  expect(cluster.begin(2)).toEqual({ ok: true });
  // One under way is not forgotten.
  cluster.end('forget-shard-copy', cluster.index);
  expect(copiesOf(cluster.catalog)).toHaveLength(1);
});

test('copies: what cannot be copied, and whose source stays', () => {
  const cluster = new Cluster();
  const begin = (sourceId: number, destinationId: number, shardId = 1) =>
    cluster.do({ kind: 'begin-shard-copy', shardId, sourceId, destinationId, startedNs: 5n });
  expect(begin(2, 3)).toMatchObject({ text: 'node 2 is not an owner of shard 1' });
  expect(begin(1, 9)).toMatchObject({ code: 'node_not_found' });
  expect(begin(1, 1)).toMatchObject({ text: 'shard 1 is on node 1 already' });
  expect(begin(1, 2, 99)).toMatchObject({ text: 'shard not found for id: 99' });
  expect(begin(1, 2)).toEqual({ ok: true });
  const removed = cluster.do({ kind: 'remove-shard-owner', shardId: 1, nodeId: 1, nowNs: 1n });
  expect(removed).toMatchObject({ text: 'shard 1 is being copied from node 1' });
});

test('copies: those of other shards, and to other nodes, hinder none', () => {
  const cluster = new Cluster();
  const place = { database: 'db', retentionPolicy: 'autogen' };
  cluster.do({ kind: 'create-shard-groups', ...place, timesNs: [10n * dayNs] });
  const other = cluster.catalog.maxShardId;
  cluster.do({ kind: 'add-shard-owner', shardId: other, nodeId: 1 });
  for (const nodeId of [2, 3])
    cluster.do({ kind: 'remove-shard-owner', shardId: other, nodeId, nowNs: 1n });
  expect(cluster.begin(2)).toEqual({ ok: true });
  const began = cluster.index;
  expect(cluster.do({ kind: 'begin-shard-copy', shardId: other, sourceId: 1, destinationId: 2, startedNs: 5n })).toEqual({ ok: true }); // prettier-ignore
  expect(cluster.begin(3)).toEqual({ ok: true });
  expect(cluster.end('finish-shard-copy', began)).toEqual({ ok: true });
  expect(cluster.owners).toEqual([1, 2]);
  expect(copiesOf(cluster.catalog).map(({ shardId, destinationId }) => [shardId, destinationId])).toEqual([[other, 2], [1, 3]]); // prettier-ignore
  // Of the first shard node 2 is no source.
  expect(cluster.do({ kind: 'remove-shard-owner', shardId: 1, nodeId: 2, nowNs: 1n })).toEqual({ ok: true }); // prettier-ignore
});

test('copies: they end with the shard, and with the node that they are for', () => {
  const dropped = new Cluster();
  dropped.begin(2);
  dropped.do({ kind: 'drop-shard', shardId: 1, nowNs: 9n });
  expect(dropped.catalog.copies).toBeUndefined();
  const left = new Cluster();
  left.begin(2);
  left.begin(3);
  left.do({ kind: 'delete-data-node', nodeId: 2 });
  expect(copiesOf(left.catalog).map(({ destinationId }) => destinationId)).toEqual([3]);
});
