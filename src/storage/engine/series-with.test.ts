import { expect, test } from 'vitest';
import { batchOf, kept, openStore } from '../../../test/support/store-script.ts';
import { World } from '../../../test/sim/world/world.ts';
import type { ShardView } from './shard-view.ts';

const seriesCount = 20_000;

async function withView(
  isFlushed: boolean,
  look: (view: ShardView) => void | Promise<void>,
): Promise<void> {
  const world = new World(1);
  const { env } = world.addNode('a');
  await world.complete(
    (async () => {
      const store = await openStore(env.disk, env.clock);
      const lines = Array.from({ length: seriesCount }, (_, i) => `m,h=${i},r=${i % 4} v=1 1`);
      await store.write(kept, batchOf(lines.join('\n')));
      if (isFlushed) await store.flush(kept.shardId);
      const view = store.view(kept.shardId);
      if (view !== undefined) await look(view);
      view?.release();
      await store.close();
    })(),
    10_000_000,
  );
}

test.each([true, false])(
  'series of some values of a tag: each once, in order of keys, in steps that others run between (in files: %s)',
  async (isFlushed) => {
    await withView(isFlushed, (view) => {
      const steps = view.seriesIdsWith('m', 'r', ['3', '0', 'none', '0']);
      let stepCount = 0;
      let step = steps.next();
      for (; step.done !== true; step = steps.next()) stepCount++;
      const keys = [...step.value].map((id) => view.seriesKey(id));
      const wanted = Array.from({ length: seriesCount }, (_, i) => `m,h=${i},r=${i % 4}`);
      expect(keys).toEqual(wanted.filter((key) => /r=[03]$/.test(key)).sort());
      expect(stepCount).toBeGreaterThanOrEqual(4);
    });
  },
);

test.each([true, false])(
  'series of a measurement: whether there is any is known of those that have points (in files: %s)',
  async (isFlushed) => {
    await withView(isFlushed, (view) => {
      expect(view.hasSeries('m')).toBe(true);
      expect(view.hasSeries('n')).toBe(false);
    });
  },
);
