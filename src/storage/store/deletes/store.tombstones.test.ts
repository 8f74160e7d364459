import { expect, test } from 'vitest';
import { finished } from '../../../../test/support/finished.ts';
import { batchOf, kept, openStore, readField } from '../../../../test/support/store-script.ts';
import { World } from '../../../../test/sim/world/world.ts';
import { gunzipSync } from 'node:zlib';
import type { Env } from '../../../env/env.ts';
import { readManifest, writeManifest } from '../shards/shard-manifest.ts';
import type { Store } from '../store.ts';

const folder = 'data/db/autogen/7';
const tsm = `${folder}/000000001-000000001.tsm`;
const tombstones = `${folder}/000000001-000000001.tombstone`;
const headBytes = 4;

async function strike(store: Store, timeNs: bigint): Promise<void> {
  await store.deletePoints(kept.shardId, {
    range: { minTimeNs: timeNs, maxTimeNs: timeNs },
    async *select(view) {
      const seriesIds = finished(view.seriesIdsWith('m', 'h', ['a']));
      yield await Promise.resolve({ measurement: 'm', seriesIds });
    },
  });
}

/** A shard of one file of five points, the second and the fourth of which were deleted, one after the other. */
async function withDeletes(body: (env: Env) => Promise<void>): Promise<void> {
  const world = new World(1);
  const { env } = world.addNode('a');
  const work = async (): Promise<void> => {
    const store = await openStore(env.disk, env.clock);
    await store.write(kept, batchOf([1, 2, 3, 4, 5].map((i) => `m,h=a v=${i} ${i}`).join('\n')));
    await store.flush(kept.shardId);
    await strike(store, 2n);
    await strike(store, 4n);
    await store.close();
    await body(env);
  };
  await world.complete(work());
}

async function timesAtStart({ disk, clock }: Env): Promise<readonly number[] | string> {
  const store = await openStore(disk, clock);
  try {
    return readField(store, 'm', 'v').map(({ time }) => time);
  } catch (error) {
    return (error as Error).message;
  } finally {
    await store.close();
  }
}

async function cut({ disk }: Env, lengthBytes: number): Promise<void> {
  await disk.replaceFile(tombstones, (await disk.readFile(tombstones)).slice(0, lengthBytes));
}

test('store: without shard.json a shard that points were deleted of is damaged, as the log would bring them back', async () => {
  await withDeletes(async (env) => {
    const manifest = await env.disk.readFile(`${folder}/shard.json`);
    await env.disk.remove(`${folder}/shard.json`);
    const gone = `shard 7 is damaged: ${folder}/shard.json: the file is gone`;
    expect([await timesAtStart(env), await timesAtStart(env)]).toEqual([gone, gone]);
    await env.disk.replaceFile(`${folder}/shard.json`, manifest);
    expect(await timesAtStart(env)).toEqual([1, 3, 5]);
  });
});

/** Where the second of two members begins. */
function secondMember(bytes: Uint8Array): number {
  const at = Buffer.from(bytes).indexOf(bytes.subarray(headBytes, headBytes + 8), headBytes + 8);
  expect(gunzipSync(bytes.subarray(headBytes, at)).length).toBeGreaterThan(0);
  return at;
}

type Damage = (env: Env) => Promise<void>;

test.each<readonly [string, string, Damage]>([
  ['removed', 'the file is gone', ({ disk }) => disk.remove(tombstones)],
  ['cut to nothing', '0 bytes long, was written with', (env) => cut(env, 0)],
  ['cut to its head', '4 bytes long, was written with', (env) => cut(env, headBytes)],
  ['short of a member', 'bytes long, was written with', async (env) => cut(env, secondMember(await env.disk.readFile(tombstones)))], // prettier-ignore
  [
    'of another file',
    'the checksum does not match',
    async ({ disk }) => {
      const bytes = await disk.readFile(tombstones);
      const second = bytes.subarray(secondMember(bytes));
      await disk.replaceFile(tombstones, Buffer.concat([bytes.subarray(0, headBytes), second, second, second])); // prettier-ignore
    },
  ],
] as const)(
  'store: a file of tombstones that is %s gives back nothing of what was deleted, and costs its shard until it is put back',
  async (_what, text, damage) => {
    await withDeletes(async (env) => {
      const good = await env.disk.readFile(tombstones);
      await damage(env);
      for (let start = 0; start < 2; start++) {
        const said = await timesAtStart(env);
        expect(said).toContain(`shard 7 is damaged: ${tombstones}: `);
        expect(said).toContain(text);
      }
      // The file of the points is what it was, and has its name.
      expect(await env.disk.size(tsm)).toBeGreaterThan(0);
      await env.disk.replaceFile(tombstones, good);
      expect(await timesAtStart(env)).toEqual([1, 3, 5]);
    });
  },
);

test('store: a file of tombstones that goes while the store is open gives back nothing at the next delete', async () => {
  await withDeletes(async (env) => {
    const store = await openStore(env.disk, env.clock);
    const good = await env.disk.readFile(tombstones);
    await env.disk.remove(tombstones);
    await expect(strike(store, 1n)).rejects.toMatchObject({ code: 'corrupt', message: `${tombstones}: the file is gone` }); // prettier-ignore
    await env.disk.replaceFile(tombstones, good);
    await strike(store, 1n);
    await store.close();
    expect(await timesAtStart(env)).toEqual([3, 5]);
  });
});

test('store: tombstones of a release that did not seal them count as they are, and are sealed by the next flush', async () => {
  await withDeletes(async (env) => {
    const { disk, clock } = env;
    const manifest = await readManifest(disk, folder);
    const files = new Map([...manifest.files].map(([name, { tombstones: _, ...seal }]) => [name, seal])); // prettier-ignore
    await writeManifest(disk, folder, { ...manifest, files });
    expect(await timesAtStart(env)).toEqual([1, 3, 5]);
    const store = await openStore(disk, clock);
    await store.write(kept, batchOf('m,h=a v=6 6'));
    await store.flush(kept.shardId);
    await store.close();
    await disk.remove(tombstones);
    expect(await timesAtStart(env)).toContain('the file is gone');
  });
});

test('store: tombstones that were durable when the power went, and not sealed yet, count', async () => {
  await withDeletes(async (env) => {
    const { disk, clock } = env;
    const before = await disk.readFile(`${folder}/shard.json`);
    const store = await openStore(disk, clock);
    await strike(store, 1n);
    await store.close();
    await disk.replaceFile(`${folder}/shard.json`, before);
    expect(await timesAtStart(env)).toEqual([3, 5]);
  });
});
