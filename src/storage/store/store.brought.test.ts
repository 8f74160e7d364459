/** What is brought again in the place of a node that died (decision 126): its owner may have had it, and have forgotten that. */
import { expect, test } from 'vitest';
import { World } from '../../../test/sim/world/world.ts';
import { batchOf, kept, openStore, readField } from '../../../test/support/store-script.ts';
import { makeStamp, markBrought, stampBatch } from '../../models/stamp.ts';
import type { Store } from './store.ts';

function said(line: string, ns: bigint, node: number): Uint8Array {
  const payload = batchOf(line);
  stampBatch(payload, makeStamp(ns, node));
  return payload;
}

function brought(line: string, ns: bigint, node: number): Uint8Array {
  const payload = said(line, ns, node);
  markBrought(payload);
  return payload;
}

const values = (store: Store): readonly string[] =>
  readField(store, 'm', 'v').map(({ time, value }) => `${time} ${value}`);

test('store: an owner that has restarted keeps what was written over a batch that is brought again, and gets what it lacks of it', () => {
  const world = new World(1);
  const { disk, clock } = world.addNode('a').env;
  const whole = async (): Promise<void> => {
    let store = await openStore(disk, clock);
    await store.write(kept, said('m v=1 10', 5_000n, 1));
    await store.write(kept, said('m v=2 10', 6_000n, 2));
    await store.flush(kept.shardId);
    // The log goes on, and has these no more.
    for (let time = 100; time < 120; time++) await store.write(kept, said(`m v=3 ${time}`, 7_000n + BigInt(time), 2)); // prettier-ignore
    await store.flush(kept.shardId);
    const first = values(store);
    for (let runs = 0; runs < 2; runs++) {
      await store.close();
      store = await openStore(disk, clock);
      if (runs === 0) await store.write(kept, brought('m v=1 10\nm v=1 11', 5_000n, 1));
      expect(values(store)).toEqual(['10 2', '11 1', ...first.slice(1)]);
    }
    await store.close();
  };
  return world.complete(whole());
});

test('store: a batch that is brought again and is remembered is no news', () => {
  const world = new World(1);
  const { disk, clock } = world.addNode('a').env;
  const whole = async (): Promise<void> => {
    const store = await openStore(disk, clock);
    await store.write(kept, said('m v=1 10', 5_000n, 1));
    await store.write(kept, brought('m v=1 10\nm v=1 11', 5_000n, 1));
    expect(values(store)).toEqual(['10 1']);
    await store.close();
  };
  return world.complete(whole());
});
