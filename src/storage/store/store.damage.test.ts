import { expect, test } from 'vitest';
import type { Env } from '../../env/env.ts';
import { batchOf, doomed, kept, openStore, readField } from '../../../test/support/store-script.ts';
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
  expect([...store.shardIds].sort()).toEqual([kept.shardId, doomed.shardId]);
  await store.close();
}

test('store: a damaged file is set aside and its shard refused, now and after a restart; others go on', async () => {
  await withShard(async (env) => {
    // In the index's last entry, in front of the tail.
    await change(env, tsm, -9);
    await expectDamaged(env, `${tsm}: the index at 39 is damaged`);
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

test('store: a shard that has lost count of its log is refused, and can be deleted', async () => {
  await withShard(async (env) => {
    await change(env, `${folder}/shard.json`, 12);
    await expectDamaged(env, `${folder}/shard.json: the checksum does not match`);
    const store = await openStore(env.disk, env.clock);
    await store.deleteShard(kept.shardId);
    expect(store.view(kept.shardId)).toBeUndefined();
    await store.close();
    const again = await openStore(env.disk, env.clock);
    expect(again.shardIds).toEqual([doomed.shardId]);
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
    await change(env, imported, -9);
    await expectDamaged(env, `${imported}: the index at 39 is damaged`);
  });
});
