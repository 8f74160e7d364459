import { expect, test } from 'vitest';
import { isDbError } from '../../base/errors.ts';
import type { Env } from '../../env/env.ts';
import { batchOf, kept, openStore, readField } from '../../../test/support/store-script.ts';
import { directoryFooterBytes } from './tsm-directory.ts';
import { World } from '../../../test/sim/world/world.ts';

const path = 'data/db/autogen/7/000000001-000000001.tsm';

/** Runs the body with a file of two series, and a way to read all of them after the file was changed. */
async function withFile(
  body: (file: {
    readonly good: Uint8Array;
    readonly outcomeOf: (bytes: Uint8Array) => Promise<string>;
  }) => Promise<void>,
): Promise<void> {
  const world = new World(1);
  const { disk, clock }: Env = world.addNode('a').env;
  const read = async (): Promise<string> => {
    const store = await openStore(disk, clock);
    try {
      return JSON.stringify([readField(store, 'm', 'v'), readField(store, 'm', 's')]);
    } finally {
      await store.close();
    }
  };
  const work = async (): Promise<void> => {
    const store = await openStore(disk, clock);
    await store.write(kept, batchOf('m,h=a v=1 10\nm,h=a v=2 20\nm,h=b s="x" 30'));
    await store.flush(kept.shardId);
    await store.close();
    const wanted = await read();
    const outcomeOf = async (bytes: Uint8Array): Promise<string> => {
      await disk.remove(`${path}.bad`);
      await disk.replaceFile(path, bytes);
      try {
        return (await read()) === wanted ? 'the same' : 'another answer';
      } catch (error) {
        return isDbError(error) ? error.code : String(error);
      }
    };
    await body({ good: await disk.readFile(path), outcomeOf });
  };
  await world.complete(work(), 10_000_000);
}

test('tsm file: cut at any byte it is corrupt', async () => {
  await withFile(async ({ good, outcomeOf }) => {
    for (let end = 0; end < good.length; end++)
      expect(await outcomeOf(good.slice(0, end)), `cut at ${end}`).toBe('corrupt');
  });
});

test('tsm file: with any bit of it turned over it is corrupt', async () => {
  await withFile(async ({ good, outcomeOf }) => {
    const tail = new DataView(good.buffer, good.byteOffset + good.length - 8);
    const footer = Number(tail.getBigUint64(0)) - directoryFooterBytes;
    for (let bit = 0; bit < good.length * 8; bit++) {
      const bad = good.slice();
      bad[bit >>> 3] = (bad[bit >>> 3] ?? 0) ^ (1 << (bit & 7));
      const wanted = bit >>> 3 === 4 ? 'unsupported_version' : 'corrupt';
      const outcome = await outcomeOf(bad);
      const isOfDirectory = bit >>> 3 >= footer && bit >>> 3 < footer + directoryFooterBytes;
      // Without it the index is read whole, and has a sum of its own.
      expect(outcome, `bit ${bit}`).toBe(isOfDirectory ? 'the same' : wanted);
    }
    expect(await outcomeOf(good)).toBe('the same');
  });
});
