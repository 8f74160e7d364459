import { expect, test } from 'vitest';
import { World } from '../../../test/sim/world/world.ts';
import { batchOf, kept, openStore } from '../../../test/support/store-script.ts';
import type { Env } from '../../env/env.ts';
import { BorrowedFiles, type LentFile } from './borrowed-files.ts';

type Use = (of: {
  readonly env: Env;
  readonly files: BorrowedFiles;
  readonly lent: readonly LentFile[];
  readonly compact: () => Promise<void>;
}) => Promise<void>;

/** Two files of a shard that is open elsewhere. */
async function lending(use: Use): Promise<void> {
  const world = new World(1);
  const { env } = world.addNode('a');
  const work = async (): Promise<void> => {
    const store = await openStore(env.disk, env.clock);
    for (const line of ['m,h=a f=1 1', 'm,h=a f=2 2']) {
      await store.write(kept, batchOf(line));
      await store.flush(kept.shardId);
    }
    const view = store.view(kept.shardId);
    const lent = (view?.files ?? []).map(({ path, seal }) => ({ path, seal }));
    view?.release();
    const files = new BorrowedFiles({ disk: env.disk, clock: env.clock });
    await use({ env, files, lent, compact: () => store.compact(kept.shardId) });
    await files.close();
    await store.close();
  };
  await world.complete(work());
}

test('borrowed files: what is open stays so while its name goes', async () => {
  await lending(async ({ files, lent, compact }) => {
    const borrowed = await files.borrow(lent);
    expect(borrowed?.length).toBe(2);
    await compact();
    const columns = (borrowed ?? []).map((file) => [...file.columns()].length);
    expect(columns).toEqual([1, 1]);
    for (const file of borrowed ?? [])
      for (const [, column] of file.columns()) expect(file.block(column.placeOf(0)).length).toBeGreaterThan(0);
    files.giveBack(lent);
  });
}); // prettier-ignore

test('borrowed files: those that were compacted since they were lent are left to their home', async () => {
  await lending(async ({ files, lent, compact }) => {
    await compact();
    expect(await files.borrow(lent)).toBeUndefined();
    expect(files.count).toBe(0);
  });
});

test('borrowed files: another file of the same name is none of those that were lent', async () => {
  await lending(async ({ files, lent }) => {
    const other = lent.map(({ path, seal }) => ({ path, seal: { ...seal, indexCrc32: 1 } }));
    expect(await files.borrow(lent)).toBeDefined();
    expect(await files.borrow(other)).toBeUndefined();
    files.giveBack(lent);
    expect(await files.borrow(other)).toBeUndefined();
  });
});

test('borrowed files: one that was damaged is not what is copied in its place', async () => {
  await lending(async ({ env, files, lent }) => {
    const [damaged, other] = lent;
    if (damaged === undefined || other === undefined) throw new Error('two files are lent');
    const [held] = (await files.borrow([damaged])) ?? [];
    await files.borrow([damaged, other]);
    files.distrust([damaged]);
    files.giveBack([damaged]);
    // As long as somebody reads it, the home makes what is asked.
    expect(await files.borrow([damaged])).toBeUndefined();
    const bytes = await env.disk.readFile(damaged.path);
    await env.disk.replaceFile(damaged.path, bytes);
    files.giveBack([damaged, other]);
    expect(files.count).toBe(1);
    const [copied] = (await files.borrow([damaged])) ?? [];
    expect(copied).toBeDefined();
    expect(copied).not.toBe(held);
    files.giveBack([damaged]);
  });
});

test('borrowed files: one that nobody asks for is closed, one that is being read is not', async () => {
  await lending(async ({ env, files, lent }) => {
    await files.borrow(lent);
    files.giveBack(lent.slice(1));
    await env.clock.sleep(4_000);
    files.look();
    expect(files.count).toBe(2);
    await env.clock.sleep(2_000);
    files.look();
    expect(files.count).toBe(1);
    files.giveBack(lent.slice(0, 1));
    await env.clock.sleep(6_000);
    files.look();
    expect(files.count).toBe(0);
  });
});
