import { expect, test } from 'vitest';
import { Latch } from '../../base/async/latch.ts';
import { DbError } from '../../base/errors.ts';
import type { StoredDelete } from '../../storage/store/deletes/stored-deletes.ts';
import type { ShardBatch } from '../engine/shard-access.ts';
import { passOnAll } from './pass-on.ts';

const batchOf = (lengthBytes: number): ShardBatch => {
  return { shardId: 7, database: 'd', retentionPolicy: 'r', payload: new Uint8Array(lengthBytes) };
};

const noDeletes = { nodeId: () => 4, storedDeletes: () => Promise.resolve([]) };

async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}

test('passed on: half a megabyte or 128 batches are on their way at most, and the next ones go when those are over', async () => {
  const under: Latch<undefined>[] = [];
  const over: number[] = [];
  const sizes = [...Array.from({ length: 130 }, () => 10), 300_000, 300_000, 2_000_000, 10];
  const all = sizes.map((size, i) => ({ batch: batchOf(size), owners: [5], whenOver: () => over.push(i) })); // prettier-ignore
  const state = { hasEnded: false };
  const passOn = (): Promise<void> => {
    const latch = new Latch<undefined>();
    under.push(latch);
    return latch.promise;
  };
  const passing = passOnAll(all, { ...noDeletes, passOn, isOver: () => false }).then(
    () => (state.hasEnded = true),
  );
  const counts: number[] = [];
  while (!state.hasEnded) {
    await settle();
    counts.push(under.length);
    for (const latch of under.splice(0)) latch.open(undefined);
    await settle();
  }
  await passing;
  expect(counts).toEqual([128, 3, 1, 1, 1]);
  expect(over).toHaveLength(sizes.length);
});

test('passed on: nothing more goes once it is over', async () => {
  const sent: number[] = [];
  const all = [1, 2, 3].map((number) => ({ batch: batchOf(600_000 + number), owners: [5] }));
  const passOn = ({ payload }: ShardBatch): Promise<void> => {
    sent.push(payload.length - 600_000);
    return Promise.resolve();
  };
  await passOnAll(all, { ...noDeletes, passOn, isOver: () => sent.length === 2 });
  expect(sent).toEqual([1, 2]);
});

/** Who got a batch of owners 5 and 6 that is older than any delete. */
async function takersWhere(
  counts: Readonly<Record<number, number | DbError>>,
  isAsked: (nodeId: number) => void = () => undefined,
) {
  const taken: string[] = [];
  const storedDeletes = (nodeId: number): Promise<readonly StoredDelete[]> => {
    isAsked(nodeId);
    const count = counts[nodeId] ?? 0;
    if (count instanceof DbError) return Promise.reject(count);
    const deletes = Array.from({ length: count }, (_, i) => ({ stamp: BigInt(i + 1), minTimeNs: 0n, maxTimeNs: 9n, filter: `${i}` })); // prettier-ignore
    return Promise.resolve(deletes);
  };
  const passOn = (_: ShardBatch, owners: readonly number[]): Promise<void> => {
    taken.push(owners.join());
    return Promise.resolve();
  };
  const all = [600_000, 600_001].map((size) => ({ batch: batchOf(size), owners: [5, 6] }));
  await passOnAll(all, { nodeId: () => 4, passOn, storedDeletes, isOver: () => false });
  return taken;
}

test('passed on: an owner that may have forgotten a delete of it gets no batch, and nobody does where this node may have', async () => {
  expect(await takersWhere({ 4: 255, 5: 255, 6: 255 })).toEqual(['5,6', '5,6']);
  expect(await takersWhere({ 6: 256 })).toEqual(['5', '5']);
  expect(await takersWhere({ 4: 256 })).toEqual([]);
  expect(await takersWhere({ 5: 256, 6: 256 })).toEqual([]);
});

test('passed on: an owner that does not answer gets it by hinted handoff, and each is asked once what it remembers', async () => {
  const asked: number[] = [];
  const silent = { 5: new DbError('unavailable', 'away'), 6: new DbError('corrupt', 'damaged') };
  expect(await takersWhere(silent, (nodeId) => asked.push(nodeId))).toEqual(['5,6', '5,6']);
  expect(asked).toEqual([4, 5, 6]);
});
