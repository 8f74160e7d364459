import { expect, test } from 'vitest';
import type { Env } from '../../env/env.ts';
import { finished } from '../../../test/support/finished.ts';
import { batchOf, doomed, kept, openStore, readField } from '../../../test/support/store-script.ts';
import { memoryArena } from '../../../test/support/memory-source.ts';
import { World } from '../../../test/sim/world/world.ts';

const folder = 'data/db/autogen/7';
const tsm = `${folder}/000000001-000000001.tsm`;

/** A shard of one file and one record of the log behind it, and a second shard. */
async function withShard(body: (env: Env) => Promise<void>): Promise<void> {
  const world = new World(1);
  const { env } = world.addNode('a');
  const work = async (): Promise<void> => {
    const store = await openStore(env.disk, env.clock);
    await store.write(doomed, batchOf('m v=1 1'));
    await store.write(kept, batchOf('m,h=a v=1 1'));
    await store.flush(kept.shardId);
    await store.write(kept, batchOf('m,h=a v=2 2'));
    await store.close();
    await body(env);
  };
  await world.complete(work());
}

async function change({ disk }: Env, path: string, at: number): Promise<void> {
  const bytes = (await disk.readFile(path)).slice();
  const place = at < 0 ? bytes.length + at : at;
  bytes[place] = (bytes[place] ?? 0) ^ 1;
  await disk.replaceFile(path, bytes);
}

async function expectDamaged({ disk, clock }: Env, message: string): Promise<void> {
  const store = await openStore(disk, clock);
  const refused = { code: 'corrupt', message: `shard 7 is damaged: ${message}` };
  expect(() => store.view(kept.shardId)).toThrow(expect.objectContaining(refused));
  await expect(store.write(kept, batchOf('m v=3 3'))).rejects.toMatchObject(refused);
  expect(store.view(doomed.shardId)?.measurements()).toEqual(['m']);
  expect([...store.facts.shardIds].sort()).toEqual([kept.shardId, doomed.shardId]);
  await store.close();
}

test('store: a damaged file is set aside and its shard refused, now and after a restart; others go on', async () => {
  await withShard(async (env) => {
    await change(env, tsm, 0);
    await expectDamaged(env, `${tsm}: not a TSM file, at 0`);
    await expectDamaged(env, `${tsm}.bad: set aside as damaged`);
    await env.disk.remove(`${tsm}.bad`);
    await expectDamaged(env, `${tsm}: the file is gone`);
  });
});

test('store: a damaged shard is well again once its file is put back, with what was in the log', async () => {
  await withShard(async (env) => {
    const good = await env.disk.readFile(tsm);
    await change(env, tsm, -1);
    const store = await openStore(env.disk, env.clock);
    await store.flush(doomed.shardId);
    await store.close();
    await env.disk.remove(`${tsm}.bad`);
    await env.disk.replaceFile(tsm, good);
    const again = await openStore(env.disk, env.clock);
    expect(readField(again, 'm', 'v').map(({ time }) => time)).toEqual([1, 2]);
    await again.close();
  });
});

test.each([true, false])(
  'store: what is damaged of an index alone costs nothing, also where records of the log need it (opened behind: %s)',
  async (opensBehind) => {
    await withShard(async (env) => {
      // Names of measurements, and their fields.
      await change(env, `${folder}/000000001.index`, 5);
      const store = await openStore(env.disk, env.clock, { opensBehind });
      await store.whenOpen([kept.shardId]);
      const refused = `shard 7 is damaged: ${folder}/000000001.index: the page at 0 is damaged`;
      expect(() => store.view(kept.shardId)).toThrow(refused);
      // It is made anew at the next look.
      await env.clock.sleep(3_000);
      expect(readField(store, 'm', 'v').map(({ time }) => time)).toEqual([1, 2]);
      await store.close();
      const again = await openStore(env.disk, env.clock);
      expect(readField(again, 'm', 'v').map(({ time }) => time)).toEqual([1, 2]);
      await again.close();
    });
  },
);

test('store: a shard that has lost count of its log is refused, and can be deleted', async () => {
  await withShard(async (env) => {
    await change(env, `${folder}/shard.json`, 12);
    await expectDamaged(env, `${folder}/shard.json: the checksum does not match`);
    const store = await openStore(env.disk, env.clock);
    await store.deleteShard(kept.shardId);
    expect(() => store.view(kept.shardId)).toThrow('shard 7 is not on this node');
    await store.close();
    const again = await openStore(env.disk, env.clock);
    expect(again.facts.shardIds).toEqual([doomed.shardId]);
    await again.write(kept, batchOf('m,h=a v=4 4'));
    expect(readField(again, 'm', 'v').map(({ time }) => time)).toEqual([4]);
    await again.close();
  });
});

test('store: a file that no manifest names is taken as it is, and sealed by the next flush', async () => {
  await withShard(async (env) => {
    const imported = `${folder}/000000002-000000001.tsm`;
    await env.disk.link(tsm, imported);
    const store = await openStore(env.disk, env.clock);
    expect(readField(store, 'm', 'v').map(({ time }) => time)).toEqual([1, 2]);
    await store.flush(kept.shardId);
    await store.close();
    await change(env, imported, -1);
    await expectDamaged(env, `${imported}: the index is not where the tail at ${(await env.disk.size(imported) ?? 0) - 8} says`); // prettier-ignore
  });
});

/** Far apart in the file: of each its own blocks and part of the index. */
const seriesCount = 400;
const hostOf = (i: number): string => `h${String(i).padStart(3, '0')}`;

test.each(['index', 'block'] as const)(
  'store: damage of a %s is named by who meets it as damage of the shard; all other series are read, and writes go on',
  async (what) => {
    const world = new World(1);
    const { env } = world.addNode('a');
    const work = async (): Promise<void> => {
      const store = await openStore(env.disk, env.clock);
      const lines = Array.from({ length: seriesCount }, (_, i) => `m,h=${hostOf(i)} v=${i} 1`);
      await store.write(kept, batchOf(lines.join('\n')));
      await store.flush(kept.shardId);
      await store.close();
      const end = (await env.disk.size(tsm)) ?? 0;
      const tail = (await env.disk.readFile(tsm)).subarray(end - 8);
      const index = Number(new DataView(tail.slice().buffer).getBigUint64(0));
      // The first series' block is behind the head; its entry at the beginning of the index.
      await change(env, tsm, what === 'block' ? 10 : index + 3);
      const again = await openStore(env.disk, env.clock);
      const read = (host: string) => {
        const view = again.view(kept.shardId);
        const [seriesId = -1] = finished(view?.seriesIdsWith('m', 'h', [host])) ?? [];
        const bounds = { minTimeNs: 0n, maxTimeNs: 9n, ascending: true };
        return view?.openCursor({ seriesId, field: 'v', ...bounds }).next(memoryArena())?.count;
      };
      const at = what === 'block' ? `the block at 5 is damaged` : `the page at ${index} is damaged`;
      const message = `shard 7 is damaged: ${tsm}: ${at}`;
      expect(() => read(hostOf(0))).toThrow(expect.objectContaining({ code: 'corrupt', message }));
      for (let i = 200; i < seriesCount; i++) expect(read(hostOf(i))).toBe(1);
      await again.write(kept, batchOf(`m,h=${hostOf(399)} v=2 2`));
      expect(read(hostOf(399))).toBe(1);
      await again.close();
    };
    await world.complete(work());
  },
);
