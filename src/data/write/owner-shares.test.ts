import { expect, test } from 'vitest';
import { Latch } from '../../base/async/latch.ts';
import type { BatchOutcome, ShardAccess, ShardBatch } from '../engine/shard-access.ts';
import { noHints } from './hint-sink.ts';
import { OwnerShares } from './owner-shares.ts';

test('owner shares: drained once what was sent before is at its owner, or kept by another node, whatever is sent later', async () => {
  const calls: Latch<readonly BatchOutcome[]>[] = [];
  const kept = new Latch<undefined>();
  const writeMany = (): Promise<readonly BatchOutcome[]> => {
    const call = new Latch<readonly BatchOutcome[]>();
    calls.push(call);
    return call.promise;
  };
  const shares = new OwnerShares(
    {
      localNodeId: () => 1,
      clusterId: () => 1n,
      shards: { of: () => ({ writeMany }) as Partial<ShardAccess> as ShardAccess },
      hintsOf: () => noHints,
      handOver: {
        settle: async (_nodeId, _batch, outcome) => {
          if (outcome.kind === 'lost') await kept.promise;
          return outcome;
        },
      },
      onReached: () => undefined,
      onLost: () => undefined,
    },
    { callDeadlineMs: 1_000, run: 1 },
  );
  const batch = (shardId: number): ShardBatch => {
    return { shardId, database: 'd', retentionPolicy: 'r', payload: new Uint8Array(1) };
  };
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  };
  await shares.drained();
  shares.send(2, batch(7));
  shares.send(3, batch(7));
  let isDrained = false;
  const draining = shares.drained().then(() => (isDrained = true));
  shares.send(4, batch(7));
  calls[0]?.open([{ kind: 'written', droppedCount: 0, reason: '' }]);
  calls[1]?.fail(new Error('away'));
  await settle();
  expect(isDrained).toBe(false);
  kept.open(undefined);
  await draining;
  expect(calls.length).toBe(3);
});

test('owner shares: in another cluster an id that was of this node is of another one, and called as such', async () => {
  let [clusterId, localNodeId] = [1n, 1];
  const deadlines: (readonly [nodeId: number, deadlineMs: number])[] = [];
  const writeManyTo = (nodeId: number): ShardAccess['writeMany'] => {
    return (batches, { deadlineMs }) => {
      deadlines.push([nodeId, deadlineMs]);
      return Promise.resolve(batches.map(() => ({ kind: 'written', droppedCount: 0, reason: '' })));
    };
  };
  const shares = new OwnerShares(
    {
      localNodeId: () => localNodeId,
      clusterId: () => clusterId,
      shards: { of: (id) => ({ writeMany: writeManyTo(id) }) as Partial<ShardAccess> as ShardAccess }, // prettier-ignore
      hintsOf: () => noHints,
      handOver: { settle: (_nodeId, _batch, outcome) => Promise.resolve(outcome) },
      onReached: () => undefined,
      onLost: () => undefined,
    },
    { callDeadlineMs: 1_000, run: 1 },
  );
  const batch: ShardBatch = { shardId: 7, database: 'd', retentionPolicy: 'r', payload: new Uint8Array(1) }; // prettier-ignore
  const sendToBoth = async (): Promise<void> => {
    for (const nodeId of [1, 2]) await shares.send(nodeId, batch).outcome;
  };
  await sendToBoth();
  // For a moment it is in none.
  [clusterId, localNodeId] = [0n, 0];
  [clusterId, localNodeId] = [2n, 2];
  await sendToBoth();
  const [ownMs, othersMs] = [0, 1_000];
  expect(deadlines).toEqual([[1, ownMs], [2, othersMs], [1, othersMs], [2, ownMs]]); // prettier-ignore
});
