import { expect, test } from 'vitest';
import { isDbError } from '../../../base/errors.ts';
import type { Clock } from '../../../env/clock.ts';
import type { Disk } from '../../../env/disk.ts';
import { FailingDisk } from '../../../../test/support/failing-disk.ts';
import { batchOf, kept, openStore, readField, StoreHistory } from '../../../../test/support/store-script.ts'; // prettier-ignore
import { World, type SimNode } from '../../../../test/sim/world/world.ts';

/** Shards beside the kept one that hold a point each. */
const others = [20, 21, 22, 23];
const placeOf = (shardId: number) => ({ ...kept, shardId });

/** A day that ends with a crash: the log has records of several shards, others are in files alone. */
async function leaveBehind(world: World, node: SimNode, history: StoreHistory): Promise<void> {
  world.spawn(node, async ({ disk, clock }) => {
    const store = await openStore(disk, clock);
    for (const id of others) {
      await store.write(placeOf(id), batchOf(`m,h=x v=${id} ${id}`));
      if (id !== 22) await store.flush(id);
    }
    for (let i = 0; i < 3; i++) await history.write(store);
    await store.flush(kept.shardId);
    await history.write(store);
    node.crash();
  });
  await world.run(world.nowMs + 5_000);
  node.restart();
}

/** Opens as a worker does, and writes, reads and flushes while shards come. */
async function openBehind(disk: Disk, clock: Clock, history: StoreHistory): Promise<void> {
  const store = await openStore(disk, clock, { opensBehind: true, settlesLater: true });
  try {
    const settled = store.settleLog();
    await Promise.all([settled, history.write(store), store.whenOpen([20, 21])]);
    await store.flush(kept.shardId);
    await Promise.all([store.whenOpen(others), history.write(store)]);
    await store.compact(kept.shardId);
  } finally {
    await store.close();
  }
}

async function check({ env }: SimNode, history: StoreHistory): Promise<void> {
  for (let start = 0; start < 2; start++) {
    const store = await openStore(env.disk, env.clock, { opensBehind: start === 0 });
    await store.whenOpen([kept.shardId, ...others]);
    expect(history.fault(store)).toBe('');
    for (const id of others)
      expect(readField(store, 'm', 'v', id).map(({ value }) => value)).toEqual([String(id)]);
    await history.write(store);
    await store.close();
  }
}

/** Loses power after the n-th call of a start; whether the start had ended before. Throws when something is not there then. */
async function losePowerAt(n: number, plant = (disk: Disk): Disk => disk): Promise<boolean> {
  const world = new World(1_000 + n);
  const node = world.addNode('a', { zeroTailRate: 0.3 });
  const history = new StoreHistory();
  await leaveBehind(world, node, history);
  let endedCount = 0;
  node.drive.afterCalls(n, () => {
    node.crash();
  });
  world.spawn(node, async ({ disk, clock }) => {
    await openBehind(plant(disk), clock, history);
    endedCount++;
  });
  await world.run(world.nowMs + 5_000);
  if (node.isAlive) node.crash();
  node.restart();
  await world.complete(check(node, history)).catch((error: unknown) => {
    throw new Error(`call ${n}`, { cause: error });
  });
  return endedCount > 0;
}

async function losePowerAtEach(plant?: (disk: Disk) => Disk): Promise<void> {
  for (let n = 1; !(await losePowerAt(n, plant)); n++) expect(n).toBeLessThan(1_000);
}

test('opening behind: power lost after any call of the disk', async () => {
  await losePowerAtEach();
});

/** Once a shard is flushed the log of earlier runs goes, whoever still waits for records of it. */
function releasingTooMuch(disk: Disk): Disk {
  return new Proxy(disk, {
    get(of, name: keyof Disk) {
      if (name !== 'replaceFile') return of[name].bind(of);
      return async (...[path, bytes]: Parameters<Disk['replaceFile']>) => {
        await of.replaceFile(path, bytes);
        if (!path.endsWith(`/${kept.shardId}/shard.json`)) return;
        for (const { name: segment } of await of.list('wal'))
          if (segment.startsWith('0000000001-')) await of.remove(`wal/${segment}`);
      };
    },
  });
}

test('opening behind: a log that goes while shards wait for their records of it is found', async () => {
  await expect(losePowerAtEach(releasingTooMuch)).rejects.toThrow(/^call \d+$/);
});

test.each(['io_error', 'disk_full'] as const)(
  'opening behind: any call of the disk fails once, then the power is lost: %s',
  async (code) => {
    for (let n = 1; ; n++) {
      const world = new World(n);
      const node = world.addNode('a');
      const history = new StoreHistory();
      await leaveBehind(world, node, history);
      const disk = new FailingDisk(node.env.disk, { failAt: n, code, stays: false });
      const run = openBehind(disk, node.env.clock, history).catch((error: unknown) => {
        // A shard that could not be read says so with the failure as its cause.
        const { cause } = error as Error;
        expect(isDbError(error, code) || isDbError(cause, code) || /is damaged/.test(String(error)), String(error)).toBe(true); // prettier-ignore
      });
      await world.complete(run);
      node.crash();
      node.restart();
      await world.complete(check(node, history)).catch((error: unknown) => {
        throw new Error(`call ${n}`, { cause: error });
      });
      if (!disk.hasFailed) return;
      expect(n).toBeLessThan(1_000);
    }
  },
);
