import { expect, test } from 'vitest';
import { batchOf, kept, openStore } from '../../../../test/support/store-script.ts';
import { World } from '../../../../test/sim/world/world.ts';
import type { Clock } from '../../../env/clock.ts';
import type { Env } from '../../../env/env.ts';
import type { PointDelete } from './point-deletes.ts';
import type { Store } from '../store.ts';

const seriesCount = 4_000;
/** A look at the clock each 256 series, and one that finds nobody may pass unseen here. */
const goneAtOnceMax = 600;

/** The whole of a measurement, by parts. */
const all: PointDelete = {
  range: { minTimeNs: -(1n << 63n), maxTimeNs: (1n << 63n) - 1n },
  async *select(view) {
    yield await Promise.resolve({
      measurement: 'm',
      seriesIds: view.seriesIdsByPart('m'),
      isWhole: true,
    });
  },
};

/** A clock on which each look takes longer than a slice: whoever looks has to rest. `onRest` is called then. */
function slow(clock: Clock, onRest: () => void): Clock {
  let ms = 0;
  return {
    wallNs: () => clock.wallNs(),
    monotonicMs: () => (ms += 20),
    sleep: (sleepMs, signal) => {
      onRest();
      return clock.sleep(sleepMs, signal);
    },
    after: (afterMs, run) => clock.after(afterMs, run),
    every: (everyMs, run) => clock.every(everyMs, run),
  };
}

async function withSeries(
  body: (store: Store, env: Env, onRest: (call: () => void) => void) => Promise<void>,
): Promise<void> {
  const world = new World(1);
  const { env } = world.addNode('a');
  await world.complete(
    (async () => {
      let call = (): void => undefined;
      const clock = slow(env.clock, () => {
        call();
      });
      const store = await openStore(env.disk, clock);
      for (const part of [0, 1]) {
        const lines = Array.from(
          { length: seriesCount / 2 },
          (_, i) => `m,h=${i * 2 + part} v=1 1`,
        );
        await store.write(kept, batchOf(['o v=1 1', ...lines].join('\n')));
        await store.flush(kept.shardId);
      }
      await body(store, env, (to) => (call = to));
      await store.close();
    })(),
    10_000_000,
  );
}

function countOf(store: Store): number {
  const view = store.view(kept.shardId);
  const count = view?.seriesIdsByPart('m').length ?? 0;
  view?.release();
  return count;
}

test('store: a measurement of many series goes in pieces, and others run between them', async () => {
  await withSeries(async (store, env, onRest) => {
    const seen = [countOf(store)];
    onRest(() => seen.push(countOf(store)));
    await store.deletePoints(kept.shardId, all);
    seen.push(countOf(store));
    expect(seen.at(0)).toBe(seriesCount);
    expect(seen.at(-1)).toBe(0);
    const steps = seen.slice(1).map((count, i) => (seen[i] ?? 0) - count);
    expect(Math.max(...steps)).toBeLessThan(goneAtOnceMax);
    expect(store.view(kept.shardId)?.measurements()).toEqual(['o']);
    await store.close();
    const again = await openStore(env.disk, env.clock);
    expect(countOf(again)).toBe(0);
    await again.close();
  });
});

test('store: a series that comes again while its measurement is deleted is kept, in memory or flushed', async () => {
  for (let wanted = 1; wanted < 60; wanted += 4)
    await withSeries(async (store, _env, onRest) => {
      let written: Promise<void> | undefined;
      let restCount = 0;
      onRest(() => {
        if (++restCount !== wanted) return;
        // The first ones, some in the middle of each file, and the last ones.
        const lines = [0, 1, 700, 1_501, 3_998, 3_999].map((h) => `m,h=${h} v=2 7`);
        written = store
          .write(kept, batchOf(lines.join('\n')))
          .then(() => store.flush(kept.shardId));
      });
      await store.deletePoints(kept.shardId, all);
      await written;
      expect(written === undefined ? 0 : 6).toBe(countOf(store));
    });
});
