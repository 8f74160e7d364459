import { expect, test } from 'vitest';
import { isDbError } from '../../base/errors.ts';
import type { Env } from '../../env/env.ts';
import { FailingDisk } from '../../../test/support/failing-disk.ts';
import { openStore, StoreHistory } from '../../../test/support/store-script.ts';
import { World, type SimNode } from '../../../test/sim/world/world.ts';

/** Opens what is left twice, and goes on working in between. */
async function checkAfter(world: World, node: SimNode, history: StoreHistory): Promise<void> {
  const { disk, clock } = node.env;
  await world.complete(
    (async () => {
      const store = await openStore(disk, clock);
      expect(history.fault(store)).toBe('');
      await history.write(store);
      await store.flush(7);
      expect(history.fault(store)).toBe('');
      await history.write(store);
      await store.close();
      const again = await openStore(disk, clock);
      expect(history.fault(again)).toBe('');
      await again.close();
    })(),
  );
}

/** Power goes after the n-th call of the disk; what was not synced is lost, torn or kept as the seed says. */
async function crashAt(n: number, seed: number): Promise<{ readonly isOver: boolean }> {
  const world = new World(seed * 1_000 + n);
  const node = world.addNode('a', { zeroTailRate: 0.3 });
  const history = new StoreHistory();
  let isOver = false;
  node.drive.afterCalls(n, () => {
    node.crash();
  });
  world.spawn(node, async ({ disk, clock }: Env) => {
    await history.run(disk, clock);
    isOver = true;
  });
  await world.run(world.nowMs + 5_000);
  if (node.isAlive) node.crash();
  node.restart();
  await checkAfter(world, node, history);
  return { isOver };
}

test.each([1, 2])('store: power lost after any call of the disk, chance %i', async (seed) => {
  for (let n = 1; ; n++) {
    const { isOver } = await crashAt(n, seed).catch((error: unknown) => {
      throw new Error(`call ${n}`, { cause: error });
    });
    if (isOver) return;
    expect(n).toBeLessThan(1_000);
  }
});

test.each([
  { code: 'io_error', stays: false },
  { code: 'io_error', stays: true },
  { code: 'disk_full', stays: false },
  { code: 'disk_full', stays: true },
] as const)(
  'store: any call of the disk fails, then the power is lost: $code, for good: $stays',
  async ({ code, stays }) => {
    for (let n = 1; ; n++) {
      const world = new World(n);
      const node = world.addNode('a');
      const history = new StoreHistory();
      const disk = new FailingDisk(node.env.disk, { failAt: n, code, stays });
      const run = history.run(disk, node.env.clock).catch((error: unknown) => {
        expect(isDbError(error, code), String(error)).toBe(true);
      });
      await world.complete(run);
      node.crash();
      node.restart();
      await checkAfter(world, node, history).catch((error: unknown) => {
        throw new Error(`call ${n}`, { cause: error });
      });
      if (!disk.hasFailed) return;
      expect(n).toBeLessThan(1_000);
    }
  },
);
