import { expect, test } from 'vitest';
import { finished } from '../../../../test/support/finished.ts';
import { batchOf, kept, openStore, readField } from '../../../../test/support/store-script.ts';
import { World } from '../../../../test/sim/world/world.ts';
import { DbError } from '../../../base/errors.ts';
import type { Disk } from '../../../env/disk.ts';

const always = { minTimeNs: -(1n << 63n), maxTimeNs: (1n << 63n) - 1n };

/** Takes no list of gone series while `room.isThere` is false. */
function withoutRoomForGone(disk: Disk, room: { readonly isThere: boolean }): Disk {
  return new Proxy(disk, {
    get: (inner, name) => {
      const member: unknown = Reflect.get(inner, name);
      if (typeof member !== 'function') return member;
      const call = member.bind(inner) as (path: string, ...rest: unknown[]) => unknown;
      if (name !== 'replaceFile') return call;
      return (path: string, ...rest: unknown[]) =>
        path.endsWith('.gone') && !room.isThere
          ? Promise.reject(new DbError('disk_full', `replace ${path}: ENOSPC`))
          : call(path, ...rest);
    },
  });
}

test('store: a series that was deleted while the disk was full and came again is there once after a restart', async () => {
  const world = new World(1);
  const { env } = world.addNode('a');
  await world.complete(
    (async () => {
      const room = { isThere: false };
      let store = await openStore(withoutRoomForGone(env.disk, room), env.clock);
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
      room.isThere = true;
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
