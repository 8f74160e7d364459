/** Files of a shard that is more than one file can be: whichever of them is the newest is that after a restart too. */
import { expect, test } from 'vitest';
import type { Env } from '../../../env/env.ts';
import { batchOf, kept, openStore, readField } from '../../../../test/support/store-script.ts';
import { World } from '../../../../test/sim/world/world.ts';
import type { Store } from '../store.ts';
import { compactionByHand, type CompactionSettings } from '../store-options.ts';

const measurements = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
const folder = 'data/db/autogen/7';

/** Each time with values of its own, which are hard to pack; of the last one few, so that the last file is small. */
function linesOf(names: readonly string[], round: number): string {
  return names
    .flatMap((name) =>
      Array.from(
        { length: name === 'g' ? 2 : 60 },
        (_, i) => `${name} v=${((i + round) * 7_919) % 10_007}.${round} ${i}`,
      ),
    ) // prettier-ignore
    .join('\n');
}

function held(store: Store): string {
  const rows = measurements.map((name) => readField(store, name, 'v').map(({ value }) => value).join(' ')); // prettier-ignore
  return rows.join('\n');
}

async function inWorld(
  limits: Partial<CompactionSettings>,
  body: (open: () => Promise<Store>, env: Env) => Promise<void>,
): Promise<void> {
  const world = new World(1);
  const { env } = world.addNode('a');
  const open = () => openStore(env.disk, env.clock, { compaction: { ...compactionByHand, ...limits } }); // prettier-ignore
  await world.complete(body(open, env), 10_000_000);
}

async function writeFile(store: Store, names: readonly string[], round: number): Promise<void> {
  await store.write(kept, batchOf(linesOf(names, round)));
  await store.flush(kept.shardId);
}

/** What is flushed to a file each, over and over; a compaction behind each time but the first ones. */
const rounds = [measurements, measurements, measurements, measurements, measurements, ['a', 'f'], ['c', 'e', 'f'], ['a', 'b', 'c'], ['g'], measurements]; // prettier-ignore

test.each([
  { what: 'files that are full', limits: { fileBytesMax: 900 } },
  { what: 'files that are full sooner', limits: { fileBytesMax: 400 } },
  { what: 'keys of several files', limits: { keyBlocksMax: 1 } },
])('store: after a restart what came last is what it was, of $what', async ({ limits }) => {
  for (let count = 4; count <= rounds.length; count++)
    await inWorld(limits, async (open, env) => {
      let store = await open();
      for (let round = 0; round < count; round++) {
        await writeFile(store, rounds[round] ?? [], round);
        if (round > 2) await store.compact(kept.shardId);
      }
      const before = held(store);
      const listed = (await env.disk.list(folder)).map(({ name }) => name);
      await store.close();
      store = await open();
      expect(held(store), `${count} rounds: ${listed.join()}`).toBe(before);
      await store.close();
    });
});
