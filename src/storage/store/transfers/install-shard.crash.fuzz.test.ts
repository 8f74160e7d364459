import { expect, test } from 'vitest';
import { isDbError } from '../../../base/errors.ts';
import type { Env } from '../../../env/env.ts';
import type { Clock } from '../../../env/clock.ts';
import { makeStamp } from '../../../models/stamp.ts';
import type { Disk } from '../../../env/disk.ts';
import { copyOver, fillSource, incoming, openDestination, openSource, pointsOf, stage, stamped } from '../../../../test/support/copy-script.ts'; // prettier-ignore
import { FailingDisk } from '../../../../test/support/failing-disk.ts';
import { batchOf, deleteOf, kept } from '../../../../test/support/store-script.ts';
import { World, type SimNode } from '../../../../test/sim/world/world.ts';

const beforeCopy = 'shard 7 is being copied to this node';

/** Writes at the destination before, beside and after a copy; remembers what was acknowledged. */
class Copying {
  readonly #acknowledged: string[] = [];

  async run(disk: Disk, clock: Clock): Promise<void> {
    const source = await openSource(disk, clock);
    await fillSource(source);
    const store = await openDestination(disk, clock);
    await this.#write(store, 40);
    await store.flush(7);
    await this.#write(store, 41);
    await Promise.all([copyOver(disk, source, store), this.#write(store, 42), store.flush(7)]);
    await this.#write(store, 43);
    await store.flush(7);
    await store.close();
    await source.close();
  }

  async #write(store: Awaited<ReturnType<typeof openDestination>>, time: number): Promise<void> {
    await store.write(incoming, batchOf(`m,h=w${time} v=7 ${time}\no v=7i 5`));
    this.#acknowledged.push(`${time}:7`);
  }

  /** Nothing of the copy, or all of it; and with another try all of it, whatever there was. */
  async check(disk: Disk, clock: Clock): Promise<void> {
    const source = await openSource(disk, clock);
    const isFilled = pointsOf(source) === '10:1 11:1 20:2 21:2 30:3 | 2 | 0';
    let store = await openDestination(disk, clock);
    const found = pointsOf(store);
    if (found !== beforeCopy && !found.startsWith(' |')) this.#expectWhole(found);
    if (isFilled) {
      await copyOver(disk, source, store);
      this.#expectWhole(pointsOf(store));
      await store.close();
      store = await openDestination(disk, clock);
      this.#expectWhole(pointsOf(store));
      await store.compact(7);
      this.#expectWhole(pointsOf(store));
    }
    await store.close();
    await source.close();
  }

  #expectWhole(found: string): void {
    const [points = '', register, gone] = found.split(' | ');
    const own = points.split(' ').filter((point) => point.endsWith(':7'));
    expect(points).toMatch(/^10:1 11:1 20:2 21:2 30:3/);
    for (const point of this.#acknowledged) expect(own).toContain(point);
    expect(register).toBe(own.length > 0 ? '7' : '2');
    expect(gone).toBe('0');
  }
}

async function checkAfter(world: World, node: SimNode, copying: Copying): Promise<void> {
  const { disk, clock } = node.env;
  await world.complete(copying.check(disk, clock));
}

test.each([1])('copy: power lost after any call of the disk, chance %i', async (seed) => {
  for (let n = 1; ; n++) {
    const world = new World(seed * 1_000 + n);
    const node = world.addNode('a', { zeroTailRate: 0.3 });
    const copying = new Copying();
    const run = { isOver: false };
    node.drive.afterCalls(n, () => {
      node.crash();
    });
    world.spawn(node, async ({ disk, clock }: Env) => {
      await copying.run(disk, clock);
      run.isOver = true;
    });
    await world.run(world.nowMs + 5_000);
    if (node.isAlive) node.crash();
    node.restart();
    await checkAfter(world, node, copying).catch((error: unknown) => {
      throw new Error(`call ${n}`, { cause: error });
    });
    if (run.isOver) return;
    expect(n).toBeLessThan(1_000);
  }
});

test.each(['io_error', 'disk_full'] as const)(
  'copy: any call of the disk fails with %s, then the power is lost',
  async (code) => {
    for (let n = 1; ; n++) {
      const world = new World(n);
      const node = world.addNode('a');
      const copying = new Copying();
      const disk = new FailingDisk(node.env.disk, { failAt: n, code, stays: false });
      const run = copying.run(disk, node.env.clock).catch((error: unknown) => {
        // What cannot be told from a mark of damage is one.
        expect(isDbError(error, code) || String(error).includes('damaged.json'), String(error)).toBe(true); // prettier-ignore
      });
      await world.complete(run);
      node.crash();
      node.restart();
      await checkAfter(world, node, copying).catch((error: unknown) => {
        throw new Error(`call ${n}`, { cause: error });
      });
      if (!disk.hasFailed) return;
      expect(n).toBeLessThan(1_000);
    }
  },
);

/** What came here meanwhile is of before a delete that the copy has seen, in files and in memory, and of after it. */
async function copyAnew({ disk, clock }: Env, failAt: number): Promise<boolean> {
  const source = await openSource(disk, clock);
  await source.write(kept, stamped('m v=1 1', 10n));
  await source.deletePoints(7, deleteOf('m', { minTimeNs: 0n, maxTimeNs: 99n }, makeStamp(20n, 1)));
  const failing = new FailingDisk(disk, { failAt: Infinity });
  const store = await openDestination(failing, clock);
  await store.write(incoming, stamped('m v=5 3', 15n));
  await store.flush(7);
  await store.write(incoming, stamped('m v=6 4', 16n));
  await store.write(incoming, stamped('m v=7 5', 25n));
  const request = { staging: await stage(disk, source), deletes: [] };
  failing.failIn(failAt);
  await store.transfers.install(incoming, request).catch(() => undefined);
  const isOver = !failing.hasFailed;
  failing.failIn(Infinity);
  await store.close();
  const again = await openDestination(disk, clock);
  await copyOver(disk, source, again);
  expect(pointsOf(again)).toBe('5:7 | - | 0');
  await Promise.all([again.close(), source.close()]);
  return isOver;
}

test('copy: any call of the disk fails, and what the delete of a copy strikes is gone when it has come', async () => {
  for (let n = 1, isOver = false; !isOver; n++) {
    const world = new World(n);
    isOver = await world.complete(copyAnew(world.addNode('a').env, n)).catch((error: unknown) => {
      throw new Error(`call ${n}`, { cause: error });
    });
    expect(n).toBeLessThan(1_000);
  }
});
