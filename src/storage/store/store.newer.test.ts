import { expect, test } from 'vitest';
import { makeStamp, stampBatch, stampNs } from '../../models/stamp.ts';
import { World } from '../../../test/sim/world/world.ts';
import {
  batchOf,
  deleteOf,
  kept,
  openStore,
  readField,
} from '../../../test/support/store-script.ts';
import type { Store } from './store.ts';

const alone = { ...kept, isAlone: true };

function withStore(work: (store: Store) => Promise<void>): Promise<void> {
  const world = new World(1);
  const { disk, clock } = world.addNode('a').env;
  const whole = async (): Promise<void> => {
    const store = await openStore(disk, clock);
    await work(store);
    await store.close();
  };
  return world.complete(whole());
}

/** What a coordinator says: its node, the run of it, and its clock. */
function said(line: string, ns: bigint, [node, run]: readonly [number, number]): Uint8Array {
  const payload = batchOf(line);
  stampBatch(payload, makeStamp(ns, node, run));
  return payload;
}

const values = (store: Store): readonly string[] =>
  readField(store, 'm', 'v').map(({ time, value }) => `${time} ${value}`);

test.each(['in memory', 'in a file'])(
  'store: where there is one copy a write is later than what is %s, though the clock was ahead then',
  (where) =>
    withStore(async (store) => {
      await store.write(alone, said('m v=1 10', 5_000n, [1, 1]));
      if (where === 'in a file') await store.flush(kept.shardId);
      await store.write(alone, said('m v=2 10', 1_000n, [1, 2]));
      expect(values(store)).toEqual(['10 2']);
      await store.flush(kept.shardId);
      await store.write(alone, said('m v=3 10', 1_001n, [1, 2]));
      expect(values(store)).toEqual(['10 3']);
    }),
);

test('store: where there is one copy what a delete with a later stamp struck may be written again', () =>
  withStore(async (store) => {
    await store.write(alone, said('m v=1 10', 500n, [1, 1]));
    const request = deleteOf('m', { minTimeNs: 0n, maxTimeNs: 20n }, makeStamp(5_000n, 2));
    await store.deletePoints(kept.shardId, request);
    await store.write(alone, said('m v=2 10', 1_000n, [1, 1]));
    expect(values(store)).toEqual(['10 2']);
  }));

test('store: a receipt tells of a later stamp of another coordinator at times of the batch, and of no other', () =>
  withStore(async (store) => {
    await store.write(kept, said('m v=1 10', 5_000n, [1, 1]));
    await store.write(kept, said('m v=1 40', 3_000n, [1, 1]));
    const newer = async (line: string, ns: bigint, from: readonly [number, number]) =>
      (await store.write(kept, said(line, ns, from))).newer;
    expect(stampNs((await newer('m v=2 10', 4_000n, [2, 1])) ?? 0n)).toBe(5_000n);
    expect(stampNs((await newer('m v=2 11', 4_001n, [1, 2])) ?? 0n)).toBe(5_000n);
    expect(await newer('m v=2 12', 4_002n, [1, 1])).toBeUndefined();
    expect(await newer('m v=2 10', 6_000n, [2, 1])).toBeUndefined();
    expect(await newer('m v=2 90', 4_003n, [2, 1])).toBeUndefined();
  }));
