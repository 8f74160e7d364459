import { expect, test } from 'vitest';
import { Latch } from '../../base/async/latch.ts';
import { DbError } from '../../base/errors.ts';
import type { Clock } from '../../env/clock.ts';
import { emptyCatalog, type Catalog } from '../../meta/model/catalog.ts';
import { Databases } from '../../meta/model/databases.ts';
import { partBatch } from '../engine/lines/part-batch.ts';
import { routeLines, type LinesTask, type RoutedLines } from '../engine/lines/route-lines.ts';
import type { ShardBatch } from '../engine/shard-access.ts';
import { LaggingOwners } from '../shards/lagging-owners.ts';
import { PointsWriter } from './points-writer.ts';
import type { Share, ShareOutcome } from './share.ts';
import { StampClock } from './stamp-clock.ts';

const clock = {
  wallNs: () => 2_000n,
  monotonicMs: () => 0,
  after: () => ({ cancel: () => undefined }),
} as unknown as Clock;
const lost: ShareOutcome = { kind: 'lost', error: new DbError('queue_full', 'queue is full') };
const left: ShareOutcome = { kind: 'queued', error: new DbError('shard_not_found', 'shard 4 is not on this node') }; // prettier-ignore

/** Shard 3 is node 1's, and shard 4 another's. */
function catalogOf(owner: number): Catalog {
  const group = (id: number, shardId: number, owners: readonly number[]) => ({ id, startNs: BigInt(id - 1) * 500n, endNs: BigInt(id) * 500n, shards: [{ id: shardId, owners }] }); // prettier-ignore
  const shardGroups = [group(1, 3, [1]), group(2, 4, [owner])];
  const policy = { name: 'p', durationNs: 0n, replicaCount: 1, pastLimitNs: 0n, futureLimitNs: 0n, shardGroupDurationNs: 500n, shardGroups }; // prettier-ignore
  const database = { name: 'd', defaultRetentionPolicy: 'p', retentionPolicies: [policy] };
  return { ...emptyCatalog, index: owner, maxShardId: 9, databases: Databases.of([database]) };
}

/** As a worker does it: batches lie in the room, one behind the other. */
function routeInRoom(task: LinesTask): RoutedLines {
  const routed = routeLines(task);
  let at = 0;
  const batches = routed.batches.map(({ shardId, payload }) => {
    const lent = task.room?.subarray(at, at + payload.length) ?? payload;
    lent.set(payload);
    at += Math.ceil(payload.length / 8) * 8;
    return { shardId, payload: lent };
  });
  return { ...routed, batches };
}

test('points writer: the memory of a batch that is sent again goes to no other body, though another batch of its own has failed', async () => {
  const meta = { nodeId: 7, catalog: catalogOf(2), execute: () => Promise.resolve(undefined) };
  const gaveUp = new Latch<ShareOutcome>();
  const arrived = new Latch<ShareOutcome>();
  const resent = new Latch<Uint8Array>();
  const send = (owner: number, { payload }: ShardBatch): Share => {
    const outcome = { 1: Promise.resolve(lost), 2: gaveUp.promise, 6: arrived.promise }[owner] ?? Promise.resolve(lost); // prettier-ignore
    if (owner === 6) resent.open(payload);
    return { accepted: Promise.resolve(), outcome };
  };
  const writer = new PointsWriter({
    ...{ clock, meta, shares: { send } },
    stamps: new StampClock({ clock, nodeId: () => 1, random: { u32: () => 1 } }),
    lagging: new LaggingOwners(
      () => true,
      () => 0,
    ),
    routeLines: (task) => Promise.resolve(routeInRoom(task)),
    partBatch: (task) => Promise.resolve(partBatch(task)),
  });
  const write = (lines: string) => writer.write({ database: 'd', retentionPolicy: '', stepNs: 1n, level: 'one', timeoutMs: 1_000, body: new TextEncoder().encode(lines) }); // prettier-ignore
  await expect(write('m f=1 1\nm f=2 501')).rejects.toThrow('write failed: queue is full');
  meta.catalog = catalogOf(6);
  gaveUp.open(left);
  const payload = await resent.promise;
  const before = payload.slice();
  await expect(write('other g=3 2\nother g=4 3')).rejects.toThrow('write failed: queue is full');
  expect(payload).toEqual(before);
  arrived.open({ kind: 'written', receipt: { droppedCount: 0, reason: '' } });
});
