import { expect, test } from 'vitest';
import { engineOptions } from '../../../test/support/engine-options.ts';
import { refusingDisk } from '../../../test/support/refusing-disk.ts';
import { batchOf, silent } from '../../../test/support/store-script.ts';
import { World } from '../../../test/sim/world/world.ts';
import type { Clock } from '../../env/clock.ts';
import type { Disk } from '../../env/disk.ts';
import type { EngineFactory } from '../../env/engine-host.ts';
import { LocalShards } from './local-shards.ts';
import { StorageEngine } from './storage-engine.ts';
import { UnendedDeletes } from './unended-deletes.ts';

const options = { deadlineMs: 1_000 };
const places = [7, 9].map((shardId) => ({ shardId, database: 'db', retentionPolicy: 'autogen' }));
const shardIds = places.map(({ shardId }) => shardId);
const all = { minTimeNs: -(2n ** 63n), maxTimeNs: 2n ** 63n - 1n };
const dropped = { shardIds, measurements: [{ name: 'm', predicate: undefined }], ...all };

/** A node of one worker with two shards of a point each, on the disk that is given. */
async function onNode(
  diskOf: (disk: Disk) => Disk,
  body: (shards: LocalShards, clock: Clock) => Promise<void>,
): Promise<void> {
  const world = new World(1);
  const engineFactory: EngineFactory = (settings, ports) =>
    StorageEngine.create(settings, { ...ports, disk: diskOf(ports.disk) });
  const { env } = world.addNode('a', { engineFactory });
  const work = async (): Promise<void> => {
    const shards = await LocalShards.start(env.engines, 1, engineOptions);
    for (const place of places) await shards.write({ ...place, payload: batchOf('m v=1 1') });
    await body(shards, env.clock);
    await shards.close();
  };
  await world.complete(work(), 10_000_000);
}

test('unended deletes: what the disk has failed is done once it goes on, and everybody hears of it', async () => {
  let isFull = false;
  const calls = { name: 'replaceFile', path: /\/7\/.*tombstone$/, code: 'disk_full' } as const;
  await onNode((disk) => refusingDisk(disk, calls, () => isFull), async (shards, clock) => {
    const gone = new Set<number>();
    shards.watchFields((ids) => {
      for (const id of ids) gone.add(id);
    });
    const unended = new UnendedDeletes({ clock, log: silent, shards });
    const known = async (): Promise<readonly number[]> => {
      const lengths = shardIds.map(async (id) => (await shards.describe([id], options)).measurements.length); // prettier-ignore
      return Promise.all(lengths);
    };
    expect(await known()).toEqual([1, 1]);
    isFull = true;
    await expect(shards.deletePoints(dropped)).rejects.toThrow('no room');
    // The other shard has lost its points.
    expect(await known()).toEqual([1, 0]);
    await clock.sleep(10_000);
    expect(await known()).toEqual([1, 0]);
    isFull = false;
    gone.clear();
    const version = shards.listVersion;
    await clock.sleep(60_000);
    expect(await known()).toEqual([0, 0]);
    expect([...gone]).toEqual([7]);
    expect(shards.listVersion).toBeGreaterThan(version);
    await unended.close();
  }); // prettier-ignore
});

test('local shards: a shard that the disk does not let go keeps no other', async () => {
  let isStuck = true;
  const refusing = (disk: Disk): Disk =>
    new Proxy(disk, {
      get: (inner, name) => {
        const member = Reflect.get(inner, name) as unknown;
        if (name === 'rename') return (from: string, to: string) => isStuck && from.endsWith('/7') ? Promise.reject(new Error('stuck')) : inner.rename(from, to); // prettier-ignore
        return typeof member === 'function' ? (member.bind(inner) as unknown) : member;
      },
    });
  await onNode(refusing, async (shards) => {
    await expect(shards.deleteShards(shardIds)).rejects.toThrow('stuck');
    // Whoever looks what is to go finds it.
    expect((await shards.facts.holdings()).map(({ shardId }) => shardId)).toEqual([7]);
    isStuck = false;
    await shards.deleteShards([7]);
    expect(await shards.facts.holdings()).toEqual([]);
    await expect(shards.setAside(7)).rejects.toMatchObject({ code: 'not_found' });
  });
});
