import { expect, test } from 'vitest';
import { Latch } from '../../base/async/latch.ts';
import type { Log } from '../../env/log.ts';
import type { DeletePointsRequest } from '../engine/shard-access.ts';
import { deleteOfHint } from './delete-hint.ts';
import { keepDeletes } from './keep-delete.ts';

test('kept deletes: those of many shards are kept beside each other, and one that can not be hinders none', async () => {
  const shardIds = Array.from({ length: 100 }, (_, i) => i + 1);
  const disk = new Latch<undefined>();
  const [kept, noted, told]: [number[], number[], unknown[]] = [[], [], []];
  let waitingCount = 0;
  const keep = keepDeletes({
    hints: {
      append: async (_nodeId, shardId, [hint]) => {
        waitingCount++;
        await disk.promise;
        if (shardId === 7) throw new Error('the queue is full');
        if (hint !== undefined) kept.push(...(deleteOfHint(hint)?.shardIds ?? []));
      },
    },
    log: { warn: (_text: string, fields: unknown) => void told.push(fields) } as unknown as Log,
    noteIndex: (_nodeId, shardId) => void noted.push(shardId),
  });
  const request: DeletePointsRequest = { shardIds, measurements: [], minTimeNs: 1n, maxTimeNs: 2n }; // prettier-ignore
  const keeping = keep(4, request);
  expect(waitingCount).toBeGreaterThan(10);
  disk.open(undefined);
  await keeping;
  expect(kept.sort((a, b) => a - b)).toEqual(shardIds.filter((id) => id !== 7));
  expect(noted).toHaveLength(100);
  expect(told).toEqual([{ nodeId: 4, shardId: 7, error: 'the queue is full' }]);
});
