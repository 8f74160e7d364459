/** A shard that is written to no more is left alone once nothing is to be gained, though it is not cold. */
import { expect, test } from 'vitest';
import {
  batchOf,
  kept,
  openStore,
  readField,
  silent,
} from '../../../../test/support/store-script.ts';
import { World } from '../../../../test/sim/world/world.ts';
import type { Env } from '../../../env/env.ts';
import { compactionByHand } from '../store-options.ts';

const rowsEach = 1_000;
/** Of each file but the last level's two become one of the next. */
const levels = { filesPerPlan: [2, 2, 2], smallBytesMax: 0, optimizeFilesMin: 4 } as const;

test('store: files of one key that have all the blocks they can are brought together once, and not for ever', async () => {
  const world = new World(1);
  let compactionCount = 0;
  const info = (text: string): void => {
    if (text === 'TSM compaction') compactionCount++;
  };
  const work = async ({ disk, clock }: Env): Promise<void> => {
    const log = { ...silent, info };
    const compaction = { ...compactionByHand, isByHand: false, keyBlocksMax: 1, levels };
    const store = await openStore(disk, clock, { log, compaction, snapshotBytes: 1 << 24 });
    for (let file = 0; file < 8; file++) {
      const lines = Array.from({ length: rowsEach }, (_, i) => `m v=${i} ${file * rowsEach + i}`);
      await store.write(kept, batchOf(lines.join('\n')));
      await store.flush(kept.shardId);
    }
    await clock.sleep(5_000);
    const before = compactionCount;
    expect(before).toBeGreaterThan(2);
    await clock.sleep(10_000);
    expect(compactionCount).toBe(before);
    expect(readField(store, 'm', 'v')).toHaveLength(8 * rowsEach);
    // What comes is brought to the others as ever.
    for (const time of [0, 1, 2, 3, 4, 5, 6, 7]) {
      await store.write(kept, batchOf(`m v=7 ${time}`));
      await store.flush(kept.shardId);
    }
    await clock.sleep(10_000);
    expect(compactionCount).toBeGreaterThan(before);
    expect(readField(store, 'm', 'v').slice(0, 8).map(({ value }) => value).join('')).toBe('77777777'); // prettier-ignore
    await store.close();
  };
  await world.complete(work(world.addNode('a').env), 10_000_000);
});
