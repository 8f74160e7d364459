import { expect, test } from 'vitest';
import { Latch } from '../../base/async/latch.ts';
import type { ShardBatch } from '../engine/shard-access.ts';
import { passOnAll } from './pass-on.ts';

const batchOf = (lengthBytes: number): ShardBatch => {
  return { shardId: 7, database: 'd', retentionPolicy: 'r', payload: new Uint8Array(lengthBytes) };
};

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
  const passing = passOnAll(all, { passOn, isOver: () => false }).then(
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
  await passOnAll(all, { passOn, isOver: () => sent.length === 2 });
  expect(sent).toEqual([1, 2]);
});
