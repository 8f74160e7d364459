import { expect, test } from 'vitest';
import { HyperLogLog } from '../../../base/collections/hyper-log-log.ts';
import type { Env } from '../../../env/env.ts';
import { batchOf, deleteOf, kept, openStore } from '../../../../test/support/store-script.ts';
import { World } from '../../../../test/sim/world/world.ts';
import { decodeFooter, footerBytes } from '../../index/segment-format.ts';
import type { Store } from '../store.ts';

const everything = { minTimeNs: -(1n << 63n), maxTimeNs: (1n << 63n) - 1n };
const first = 'data/db/autogen/7/000000001.index';

async function inWorld(body: (env: Env) => Promise<void>): Promise<void> {
  const world = new World(1);
  const { env } = world.addNode('a');
  await world.complete(body(env));
}

async function write(store: Store, measurement: string, [from, to]: readonly [number, number]) {
  const lines: string[] = [];
  for (let i = from; i < to; i++) lines.push(`${measurement},h=${i},even=${i % 2} v=1 ${i}`);
  await store.write(kept, batchOf(lines.join('\n')));
}

/** How many series a sketch says there are, and in how many steps. */
function sketched(store: Store, measurement?: string): { count: number; steps: number } {
  const view = store.view(kept.shardId);
  const sketch = new HyperLogLog();
  let steps = 0;
  for (const _ of view?.sketchSeries(sketch, measurement) ?? []) steps++;
  view?.release();
  return { count: sketch.estimate(), steps };
}

function expectNear(count: number, wanted: number): void {
  expect(Math.abs(count - wanted) / wanted).toBeLessThan(0.03);
}

/** Series 0 to 4,000 of one measurement over two segments and memory, and few of another. */
async function fill(store: Store): Promise<void> {
  await write(store, 'many', [0, 2_500]);
  await write(store, 'few', [0, 9]);
  await store.flush(kept.shardId);
  await write(store, 'many', [1_000, 4_900]);
  await store.flush(kept.shardId);
  await write(store, 'many', [4_800, 5_000]);
}

test('sketch: series of segments are counted without a look at their keys, those in memory beside them', async () => {
  await inWorld(async ({ disk, clock }) => {
    const written = await openStore(disk, clock);
    await fill(written);
    await written.close();
    const store = await openStore(disk, clock);
    const many = sketched(store, 'many');
    expectNear(many.count, 5_000);
    expect(many.steps).toBeLessThan(5);
    const whole = sketched(store);
    expectNear(whole.count, 5_009);
    expect(whole.steps).toBeLessThan(5);
    expect(sketched(store, 'few').count).toBe(9);
    expect(sketched(store, 'none').count).toBe(0);
    await store.close();
  });
});

test('sketch: with many series gone the keys of the others are looked at', async () => {
  await inWorld(async ({ disk, clock }) => {
    const store = await openStore(disk, clock);
    await write(store, 'many', [0, 3_000]);
    await store.flush(kept.shardId);
    const remove = (filter: string): Promise<void> =>
      store.deletePoints(kept.shardId, deleteOf(filter, everything, 1n << 60n));
    await remove('many,even=0');
    expectNear(sketched(store, 'many').count, 1_500);
    expectNear(sketched(store).count, 1_500);
    await remove('many');
    expect(sketched(store).count).toBe(0);
    await store.close();
  });
});

test('sketch: one that is damaged is told by its sum, and is the damage of the index', async () => {
  await inWorld(async ({ disk, clock }) => {
    const written = await openStore(disk, clock);
    await write(written, 'many', [0, 3_000]);
    await written.flush(kept.shardId);
    await written.close();
    const bytes = (await disk.readFile(first)).slice();
    const { sketchOffset = -1 } = decodeFooter(bytes.subarray(-footerBytes)) ?? {};
    bytes[sketchOffset + 900] = (bytes[sketchOffset + 900] ?? 0) ^ 1;
    await disk.replaceFile(first, bytes);
    const store = await openStore(disk, clock);
    expectNear(sketched(store, 'many').count, 3_000);
    expect(() => sketched(store)).toThrow(/damaged/);
    expect(() => store.view(kept.shardId)).toThrow(/damaged/);
    await store.close();
  });
});
