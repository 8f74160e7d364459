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
