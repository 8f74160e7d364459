import { expect, test } from 'vitest';
import { batchOf, openStore } from '../../../../test/support/store-script.ts';
import { World, type SimNode } from '../../../../test/sim/world/world.ts';
import { DbError } from '../../../base/errors.ts';
import type { Disk } from '../../../env/disk.ts';

const place = (shardId: number) => ({ shardId, database: 'db', retentionPolicy: 'autogen' });
const ids = Array.from({ length: 40 }, (_, i) => i + 1);
const isEven = (shardId: number): boolean => shardId % 2 === 0;

/** One worker leaves a log with records of 40 shards; two have them after that. */
async function fill({ env }: SimNode): Promise<void> {
  const store = await openStore(env.disk, env.clock, { segmentBytesMax: 1 << 20 });
  for (const id of ids) await store.write(place(id), batchOf(`m v=${id}i 5`));
  await store.close();
}

async function segmentsIn(disk: Disk): Promise<readonly string[]> {
  const names = (await disk.list('wal')).map(({ name }) => name);
  return names.filter((name) => name.startsWith('0000000001-'));
}

/** Counts what is read of shards that are home elsewhere. */
function watched(disk: Disk, onRead: (shardId: number) => void): Disk {
  return new Proxy(disk, {
    get(of, name: keyof Disk) {
      if (name !== 'readFile') return of[name].bind(of);
      return (path: string) => {
        const [, digits] = /\/(\d+)\/shard\.json$/.exec(path) ?? [];
        if (digits !== undefined && !isEven(Number(digits))) onRead(Number(digits));
        return of.readFile(path);
      };
    },
  });
}

test('log: flushes of many shards look at those of other workers a few times, and the last one lets go of the log', async () => {
  const world = new World(1);
  const node = world.addNode('a');
  const work = async (): Promise<void> => {
    await fill(node);
    const { disk, clock } = node.env;
    let readCount = 0;
    const seen = watched(disk, () => readCount++);
    const even = await openStore(seen, clock, { isHome: isEven, settlesLater: true });
    const odd = await openStore(disk, clock, { isHome: (id) => !isEven(id), worker: 1, settlesLater: true }); // prettier-ignore
    expect(await segmentsIn(disk)).toHaveLength(1);
    for (const id of ids.filter(isEven)) await even.flush(id);
    expect(await segmentsIn(disk)).toHaveLength(1);
    // Once nothing of the segment is needed here, and no further than to the first shard that needs it elsewhere.
    expect(readCount).toBe(1);
    await Promise.all(ids.filter((id) => !isEven(id)).map((id) => odd.flush(id)));
    expect(await segmentsIn(disk)).toEqual([]);
    await even.close();
    await odd.close();
  };
  await world.complete(work());
});

test('log: the end of it stays though it is in files, and goes once enough has come behind it', async () => {
  const world = new World(1);
  const { disk, clock } = world.addNode('a').env;
  const work = async (): Promise<void> => {
    const one = await openStore(disk, clock, { segmentBytesMax: 1, logKeptBytes: 1_000 });
    await one.write(place(1), batchOf('m v=1i 5'));
    await one.write(place(1), batchOf('m v=2i 6'));
    await one.flush(1);
    await one.close();
    // Of the last run as well.
    const two = await openStore(disk, clock, { segmentBytesMax: 1, logKeptBytes: 1_000 });
    expect(await segmentsIn(disk)).toHaveLength(3);
    for (let i = 0; i < 8; i++) await two.write(place(1), batchOf(`m v=2i ${i}`));
    await two.flush(1);
    expect(await segmentsIn(disk)).toEqual([]);
    await two.close();
    const names = (await disk.list('wal')).map(({ name }) => name);
    expect(names.length).toBeGreaterThan(2);
  };
  await world.complete(work());
});

test('log: what runs before have left stays until it is let go of, though it is in files and much has come behind it', async () => {
  const world = new World(1);
  const { disk, clock } = world.addNode('a').env;
  const work = async (): Promise<void> => {
    const one = await openStore(disk, clock, { segmentBytesMax: 1 });
    await one.write(place(1), batchOf('m v=1i 5'));
    await one.close();
    const left = await segmentsIn(disk);
    const two = await openStore(disk, clock, { segmentBytesMax: 1, keepsRunsBefore: true });
    for (let i = 0; i < 3; i++) await two.write(place(1), batchOf(`m v=2i ${i}`));
    await two.flush(1);
    expect(await segmentsIn(disk)).toEqual(left);
    two.letRunsBeforeGo();
    await two.close();
    expect(left.length).toBeGreaterThan(0);
    expect(await segmentsIn(disk)).toEqual([]);
  };
  await world.complete(work());
});

test('log: what is kept of it is kept for each worker, however much another one writes', async () => {
  const world = new World(1);
  const { disk, clock } = world.addNode('a').env;
  const open = (worker: number) => openStore(disk, clock, { segmentBytesMax: 1, logKeptBytes: 1_000, worker, isHome: (id) => id % 2 === worker, settlesLater: true }); // prettier-ignore
  const work = async (): Promise<void> => {
    const quiet = await open(0);
    await quiet.write(place(2), batchOf('m v=1i 5'));
    await quiet.flush(2);
    await quiet.close();
    const stores = [await open(0), await open(1)];
    for (let i = 0; i < 8; i++) await stores[1]?.write(place(1), batchOf(`m v=2i ${i}`));
    await stores[1]?.flush(1);
    expect(await segmentsIn(disk)).toHaveLength(1);
    for (const store of stores) await store.close();
  };
  await world.complete(work());
});

test('log: a segment that the disk does not let go of goes with a later look, and keeps no other for longer', async () => {
  const world = new World(1);
  const { env } = world.addNode('a');
  let mustFail = true;
  const disk = new Proxy<Disk>(env.disk, {
    get(of, name: keyof Disk) {
      if (name !== 'remove') return of[name].bind(of);
      return (path: string) => {
        if (!mustFail || !path.endsWith('.wal')) return of.remove(path);
        mustFail = false;
        return Promise.reject(new DbError('io_error', path));
      };
    },
  });
  const work = async (): Promise<void> => {
    const store = await openStore(disk, env.clock, { segmentBytesMax: 1 });
    for (let i = 0; i < 3; i++) await store.write(place(1), batchOf(`m v=2i ${i}`));
    await expect(store.flush(1)).rejects.toMatchObject({ code: 'io_error' });
    await store.write(place(1), batchOf('m v=2i 5'));
    await store.flush(1);
    // The one at hand.
    expect(await segmentsIn(disk)).toHaveLength(1);
    await store.close();
  };
  await world.complete(work());
});
