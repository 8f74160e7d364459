/** Types of fields, and what comes late to a shard that has deleted it: no point shows such a field, and so nothing of it decides what it is. */
import { expect, test } from 'vitest';
import { World } from '../../../test/sim/world/world.ts';
import { batchOf, deleteOf, kept, openStore, readField } from '../../../test/support/store-script.ts'; // prettier-ignore
import { FieldType } from '../../models/field-value.ts';
import { makeStamp, stampBatch } from '../../models/stamp.ts';
import type { Store } from './store.ts';

const always = { minTimeNs: -(1n << 63n), maxTimeNs: (1n << 63n) - 1n };

function said(line: string, ns: bigint, node: number): Uint8Array {
  const payload = batchOf(line);
  stampBatch(payload, makeStamp(ns, node));
  return payload;
}

const deletedAt = makeStamp(6_000n, 1);
const told = [{ measurement: 'm', name: 'v', type: FieldType.string }];

const late: readonly (readonly [name: string, come: (store: Store) => Promise<unknown>])[] = [
  ['what it had', (store) => store.write(kept, said('m,h=a v="x" 10', 5_000n, 1))],
  ['what it had, with its type told', (store) => store.write(kept, said('m,h=a v="x" 10', 5_000n, 1), told)], // prettier-ignore
  ['what it had not', (store) => store.write(kept, said('m,h=b v="x" 11', 5_500n, 2))],
  ['what it had not, with its type told', (store) => store.write(kept, said('m,h=b v="x" 11', 5_500n, 2), told)], // prettier-ignore
];

test.each(late)(
  'store: %s and a delete has struck decides no type when it comes',
  (_name, come) => {
    const world = new World(1);
    const { disk, clock } = world.addNode('a').env;
    const whole = async (): Promise<void> => {
      let store = await openStore(disk, clock);
      await store.write(kept, said('m,h=a v="x" 10', 5_000n, 1));
      await store.deletePoints(kept.shardId, deleteOf('m', always, deletedAt));
      await come(store);
      expect(await store.write(kept, said('m,h=a v=1i 10', 7_000n, 1))).toEqual({ droppedCount: 0, reason: '' }); // prettier-ignore
      for (let runs = 0; runs < 2; runs++) {
        expect(readField(store, 'm', 'v').map(({ value }) => value)).toEqual(['1']);
        await store.close();
        store = await openStore(disk, clock);
      }
      await store.close();
    };
    return world.complete(whole());
  },
);

test('store: of a late batch the rows that no delete has struck decide types, and are refused as others are', () => {
  const world = new World(1);
  const { disk, clock } = world.addNode('a').env;
  const whole = async (): Promise<void> => {
    const store = await openStore(disk, clock);
    await store.write(kept, said('n v=1 1', 5_000n, 1));
    await store.deletePoints(kept.shardId, deleteOf('m', always, deletedAt));
    const receipt = await store.write(kept, said('m v="x" 1\nn v=2i 2\nn w=3i 3', 5_500n, 2));
    expect(receipt).toMatchObject({ droppedCount: 1 });
    expect((await store.write(kept, said('m v=1 1\nn w=4 4', 7_000n, 1))).reason).toContain('"w" on measurement "n" is type float, already exists as type integer'); // prettier-ignore
    await store.close();
  };
  return world.complete(whole());
});

test('store: a batch that comes again is told what was refused of it', () => {
  const world = new World(1);
  const { disk, clock } = world.addNode('a').env;
  const whole = async (): Promise<void> => {
    const store = await openStore(disk, clock);
    await store.write(kept, said('m v=1 1', 5_000n, 1));
    const batch = said('m v=2 2\nm v=3i 3', 6_000n, 1);
    const first = await store.write(kept, batch);
    expect(first.droppedCount).toBe(1);
    expect(await store.write(kept, batch)).toEqual(first);
    await store.close();
  };
  return world.complete(whole());
});
