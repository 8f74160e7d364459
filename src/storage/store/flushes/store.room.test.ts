import { expect, test } from 'vitest';
import { batchOf, kept, openStore, readField } from '../../../../test/support/store-script.ts';
import { World, type SimNode } from '../../../../test/sim/world/world.ts';
import type { Store } from '../store.ts';

const other = { ...kept, shardId: kept.shardId + 1 };
const rowCount = 20;
const rows = Array.from({ length: rowCount }, (_, i) => `m v=${i}i ${i}`).join('\n');
const late = batchOf(`m v=99i 99`);

async function inWorld(work: (node: SimNode) => Promise<void>): Promise<void> {
  const world = new World(1);
  await world.complete(work(world.addNode('a')), 600_000);
}

/** What a client of it does: refused, it comes again a second later. How many times it was refused. */
async function writeUntilTaken(
  store: Store,
  sleep: (ms: number) => Promise<void>,
  place = kept,
): Promise<number> {
  for (let refusedCount = 0; refusedCount < 100; refusedCount++) {
    try {
      await store.write(place, late);
      return refusedCount;
    } catch (error) {
      expect(error).toMatchObject({ code: 'cache_full' });
    }
    await sleep(1_000);
  }
  return Infinity;
}

test('flusher: a shard that a log has filled past its limit makes room for the writes that come', async () => {
  await inWorld(async ({ env }) => {
    const { disk, clock } = env;
    const first = await openStore(disk, clock);
    await first.write(kept, batchOf(rows));
    await first.close();
    const store = await openStore(disk, clock, { cacheBytesMax: 500 });
    expect(await writeUntilTaken(store, (ms) => clock.sleep(ms))).toBe(1);
    expect(readField(store, 'm', 'v')).toHaveLength(rowCount + 1);
    await store.close();
  });
});

test('flusher: a shard that a full disk has kept in memory is flushed once writes are refused', async () => {
  await inWorld(async ({ env, drive }) => {
    const { disk, clock } = env;
    const store = await openStore(disk, clock, { cacheBytesMax: 500 });
    await store.write(kept, batchOf(rows));
    drive.capacityBytes = 0;
    await expect(store.flush(kept.shardId)).rejects.toThrow('ENOSPC');
    await expect(store.write(kept, late)).rejects.toMatchObject({ code: 'cache_full' });
    await clock.sleep(5_000);
    drive.capacityBytes = Infinity;
    expect(await writeUntilTaken(store, (ms) => clock.sleep(ms))).toBeLessThan(4);
    expect(readField(store, 'm', 'v')).toHaveLength(rowCount + 1);
    await store.close();
  });
});

test('flusher: where the memory of all is full it is the shard with the most in it that is flushed', async () => {
  await inWorld(async ({ env }) => {
    const { disk, clock } = env;
    const many = 1 << 30;
    const text = 'x'.repeat(200_000);
    const sizes = { segmentBytesMax: many, queueBytesMax: many, snapshotBytes: many, memtablesBytesMax: many }; // prettier-ignore
    const store = await openStore(disk, clock, { ...sizes, cacheBytesMax: 0, memoryBytesMax: 24 << 20 }); // prettier-ignore
    await store.write(other, batchOf('m v=1i 1'));
    const fill = async (): Promise<void> => {
      for (let time = 0; ; time++)
        await store.write({ ...kept, shardId: 20 + (time % 6) }, batchOf(`m s="${text}" ${time}`));
    };
    await expect(fill()).rejects.toMatchObject({ code: 'cache_full' });
    expect(await writeUntilTaken(store, (ms) => clock.sleep(ms), other)).toBeLessThan(3);
    await store.close();
  });
});
