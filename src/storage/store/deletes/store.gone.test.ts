import { expect, test } from 'vitest';
import { finished } from '../../../../test/support/finished.ts';
import { refusingDisk } from '../../../../test/support/refusing-disk.ts';
import { batchOf, kept, openStore, readField } from '../../../../test/support/store-script.ts';
import { World } from '../../../../test/sim/world/world.ts';

const always = { minTimeNs: -(1n << 63n), maxTimeNs: (1n << 63n) - 1n };

test('store: a series that was deleted while the disk was full and came again is there once after a restart', async () => {
  const world = new World(1);
  const { env } = world.addNode('a');
  await world.complete(
    (async () => {
      let isFull = true;
      const refused = { name: 'replaceFile', path: /\.gone$/, code: 'disk_full' } as const;
      let store = await openStore(
        refusingDisk(env.disk, refused, () => isFull),
        env.clock,
      );
      await store.write(kept, batchOf('m,h=a v=1 1\nm,h=b v=2 2'));
      await store.flush(kept.shardId);
      await store
        .deletePoints(kept.shardId, {
          range: always,
          async *select(view) {
            const seriesIds = finished(view.seriesIdsWith('m', 'h', ['a']));
            yield await Promise.resolve({ measurement: 'm', seriesIds });
          },
        })
        .catch(() => undefined);
      isFull = false;
      await store.write(kept, batchOf('m,h=a v=3 3'));
      await store.flush(kept.shardId);
      await store.close();
      store = await openStore(env.disk, env.clock);
      expect(readField(store, 'm', 'v')).toEqual([
        { time: 3, value: '3' },
        { time: 2, value: '2' },
      ]);
      await store.close();
    })(),
    10_000_000,
  );
});
