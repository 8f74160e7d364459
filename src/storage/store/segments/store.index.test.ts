import { expect, test } from 'vitest';
import type { Env } from '../../../env/env.ts';
import type { Log } from '../../../env/log.ts';
import { finished } from '../../../../test/support/finished.ts';
import { refusingDisk } from '../../../../test/support/refusing-disk.ts';
import { batchOf, kept, openStore, readField, type StoreKnobs } from '../../../../test/support/store-script.ts'; // prettier-ignore
import { World } from '../../../../test/sim/world/world.ts';
import { readManifest, writeManifest } from '../shards/shard-manifest.ts';
import type { Store } from '../store.ts';

const folder = 'data/db/autogen/7';
const everything = { measurement: 'm', minTimeNs: -(1n << 63n), maxTimeNs: (1n << 63n) - 1n };

class Warnings {
  readonly texts: string[] = [];
  readonly log = {
    info: () => undefined,
    warn: (text: string, parts: object) => this.texts.push(`${text} ${JSON.stringify(parts)}`),
    error: (text: string, parts: object) => this.texts.push(`${text} ${JSON.stringify(parts)}`),
  } as unknown as Log;
}

async function inWorld(body: (env: Env) => Promise<void>): Promise<void> {
  const world = new World(1);
  const { env } = world.addNode('a');
  await world.complete(body(env));
}

async function withStore(
  { disk, clock }: Env,
  body: (store: Store) => Promise<void>,
  knobs: StoreKnobs = {},
): Promise<void> {
  const store = await openStore(disk, clock, knobs);
  await body(store);
  await store.close();
}

/** Three series in a file, and a second file with one more. */
async function fill(env: Env): Promise<void> {
  await withStore(env, async (store) => {
    await store.write(kept, batchOf('m,h=a v=1 1\nm,h=b,r=x v=2 2\no,h=a i=3i 3'));
    await store.flush(7);
    await store.write(kept, batchOf('m,h=c v=4 4\nm,h=a v=5 5'));
    await store.flush(7);
  });
}

const names = async ({ disk }: Env, suffix: string): Promise<readonly string[]> =>
  (await disk.list(folder)).map(({ name }) => name).filter((name) => name.endsWith(suffix));

function seriesOf(store: Store): readonly string[] {
  const view = store.view(7);
  const found = (view?.measurements() ?? []).flatMap((measurement) =>
    [...(finished(view?.seriesIds(measurement)) ?? [])].map((id) => view?.seriesKey(id) ?? ''),
  );
  view?.release();
  return found;
}

const all = ['m,h=a', 'm,h=b,r=x', 'm,h=c', 'o,h=a'];

function expecting(wanted: readonly string[]): (store: Store) => Promise<void> {
  return (store) => {
    expect(seriesOf(store)).toEqual(wanted);
    return Promise.resolve();
  };
}

async function flip({ disk }: Env, name: string, at: number): Promise<void> {
  const bytes = (await disk.readFile(`${folder}/${name}`)).slice();
  bytes[at] = (bytes[at] ?? 0) ^ 4;
  await disk.replaceFile(`${folder}/${name}`, bytes);
}

test('store: a shard opens with its segments alone, and a write to a series that is in one brings no other', async () => {
  await inWorld(async (env) => {
    await fill(env);
    await withStore(env, async (store) => {
      expect(seriesOf(store)).toEqual(all);
      const view = store.view(7);
      expect(view?.fields('m')).toEqual([{ name: 'v', type: 'float' }]);
      expect(view?.fields('o')).toEqual([{ name: 'i', type: 'integer' }]);
      expect(view?.tagKeys('m')).toEqual(['h', 'r']);
      expect([...(view?.tagValueLists('m', 'h') ?? [])].flat().sort()).toEqual(['a', 'b', 'c']);
      view?.release();
      expect(readField(store, 'm', 'v').map(({ value }) => value)).toEqual(['1', '5', '2', '4']);
      const refused = await store.write(kept, batchOf('o,h=a i="text" 9\no,h=a i=6i 6'));
      expect(refused.droppedCount).toBe(1);
      await store.write(kept, batchOf('m,h=a v=7 7'));
      await store.flush(7);
      expect(seriesOf(store)).toEqual(all);
    });
    expect(await names(env, '.index')).toEqual(['000000001.index', '000000002.index']);
    const { segments } = await readManifest(env.disk, folder);
    expect([...(segments ?? [])].map(([name]) => name)).toEqual(await names(env, '.index'));
  });
});

test('store: a shard that was written without an index gets one at its first start', async () => {
  await inWorld(async (env) => {
    await fill(env);
    const { segments: _, ...before } = await readManifest(env.disk, folder);
    await writeManifest(env.disk, folder, before);
    const { log, texts } = new Warnings();
    await withStore(env, expecting(all), { log });
    expect(texts).toEqual([]);
    expect(await names(env, '.index')).toEqual(['000000001.index']);
    await withStore(env, expecting(all));
    expect(await names(env, '.index')).toEqual(['000000001.index']);
  });
});

test('store: a file that comes from elsewhere is taken into the index at start', async () => {
  await inWorld(async (env) => {
    await fill(env);
    const { files, ...rest } = await readManifest(env.disk, folder);
    await env.disk.removeTree('wal');
    await env.disk.remove('meta/log.json');
    await withStore(env, async (store) => {
      await store.write({ ...kept, shardId: 9 }, batchOf('m,h=d v=1 1\nn w=true 2'));
      await store.flush(9);
    });
    await env.disk.link('data/db/autogen/9/000000001-000000001.tsm', `${folder}/000000009-000000001.tsm`); // prettier-ignore
    await writeManifest(env.disk, folder, { files, ...rest });
    for (let run = 0; run < 2; run++)
      await withStore(env, async (store) => {
        expect(seriesOf(store)).toEqual(['m,h=a', 'm,h=b,r=x', 'm,h=c', 'm,h=d', 'n', 'o,h=a']);
        await store.compact(7);
      });
  });
});

const damagedName = '000000001.index';

/** Changes a bit of a segment, or cuts it, and opens the store that has it. Answers where it ends. */
async function damageAt(env: Env, at: number): Promise<number> {
  await fill(env);
  const good = await env.disk.readFile(`${folder}/${damagedName}`);
  const isCut = at % 2 === 1;
  if (isCut) await env.disk.replaceFile(`${folder}/${damagedName}`, good.slice(0, at));
  else await flip(env, damagedName, at);
  const { log, texts } = new Warnings();
  const lookAndWait = async (store: Store): Promise<void> => {
    const told = seriesOrError(store);
    if (told !== undefined) expect(told).toContain(damagedName);
    // Whoever met the damage has told of it: within two looks it is mended.
    await env.clock.sleep(2_500);
    expect((await store.write(kept, batchOf('m,h=a v="text" 9'))).droppedCount).toBe(1);
    expect(seriesOf(store)).toEqual(all);
    if (told !== undefined || isCut) expect(texts.join()).toContain(damagedName);
  };
  await withStore(env, lookAndWait, { log, indexCacheBytesMax: 0 });
  await withStore(env, expecting(all));
  return good.length;
}

test('store: a segment with any bit changed or cut anywhere is named or shows what it did, and is made anew', async () => {
  let end = 1;
  for (let at = 0; at < end; at += 7)
    await inWorld(async (env) => {
      end = await damageAt(env, at);
    });
  expect(end).toBeGreaterThan(500);
});

test('store: a damaged index that a full disk kept from being made anew is, once there is room', async () => {
  await inWorld(async (env) => {
    await fill(env);
    await flip(env, damagedName, 7);
    let isFull = true;
    const disk = refusingDisk(env.disk, { name: 'replaceFile', path: /shard\.json$/, code: 'disk_full' }, () => isFull); // prettier-ignore
    const store = await openStore(disk, env.clock, { indexCacheBytesMax: 0 });
    expect(seriesOrError(store)).toContain(damagedName);
    await env.clock.sleep(2_500);
    expect(seriesOrError(store)).toContain(damagedName);
    isFull = false;
    await env.clock.sleep(10_000);
    expect(seriesOrError(store)).toBeUndefined();
    await store.close();
  });
});

/** Undefined when it shows what was written; else the text of the damage. */
function seriesOrError(store: Store): string | undefined {
  try {
    expect(seriesOf(store)).toEqual(all);
    return undefined;
  } catch (error) {
    expect(error).toMatchObject({ code: 'corrupt' });
    return (error as Error).message;
  }
}

/** All points of series. */
function removePoints(store: Store, keys: readonly string[]): Promise<void> {
  const { minTimeNs, maxTimeNs } = everything;
  return store.deletePoints(7, {
    range: { minTimeNs, maxTimeNs },
    select: async function* (view) {
      await Promise.resolve();
      for (const measurement of view.measurements()) {
        const ids = finished(view.seriesIds(measurement)).filter((id) =>
          keys.includes(view.seriesKey(id)),
        );
        if (ids.length > 0) yield { measurement, seriesIds: ids };
      }
    },
  });
}

test('store: a series whose points were deleted does not show after a restart, and does with its next point', async () => {
  await inWorld(async (env) => {
    await fill(env);
    await withStore(env, (store) => removePoints(store, ['m,h=b,r=x', 'o,h=a']));
    const left = ['m,h=a', 'm,h=c'];
    await withStore(env, async (store) => {
      expect(seriesOf(store)).toEqual(left);
      expect(store.view(7)?.tagKeys('m')).toEqual(['h']);
      // With its last series a measurement has lost the types of its fields.
      expect((await store.write(kept, batchOf('o,h=z i="text" 9'))).droppedCount).toBe(0);
      await store.flush(7);
      await store.compact(7);
      expect(seriesOf(store)).toEqual([...left, 'o,h=z']);
    });
    expect(await names(env, '.gone')).toEqual([]);
    await withStore(env, async (store) => {
      expect(store.view(7)?.fields('o')).toEqual([{ name: 'i', type: 'string' }]);
      await store.write(kept, batchOf('m,h=b,r=x v=1 1'));
      expect(seriesOf(store)).toEqual(['m,h=a', 'm,h=b,r=x', 'm,h=c', 'o,h=z']);
      await removePoints(store, ['m,h=a']);
    });
    const [gone = ''] = await names(env, '.gone');
    await flip(env, gone, 9);
    const { log, texts } = new Warnings();
    await withStore(env, expecting(['m,h=b,r=x', 'm,h=c', 'o,h=z']), { log }); // prettier-ignore
    expect(texts.join()).toContain(gone);
  });
});

test('store: an index made anew hides nothing that the damaged one had as gone', async () => {
  await inWorld(async (env) => {
    await fill(env);
    await withStore(env, (store) => removePoints(store, ['m,h=a']));
    expect(await names(env, '.gone')).toContain(damagedName.replace('.index', '.gone'));
    await env.disk.replaceFile(`${folder}/${damagedName}`, new Uint8Array(3));
    const left = ['m,h=b,r=x', 'm,h=c', 'o,h=a'];
    await withStore(env, expecting(left));
    await withStore(env, expecting(left));
  });
});

test('store: the series of a cold shard take no memory, nor do those past the limit', async () => {
  await inWorld(async (env) => {
    const lines = Array.from({ length: 3_000 }, (_, i) => `m,host=h${i} v=1 ${i + 1}`).join('\n');
    await withStore(
      env,
      async (store) => {
        await store.write(kept, batchOf(lines));
        const fullBytes = store.facts.seriesBytes;
        expect(fullBytes).toBeGreaterThan(100_000);
        await env.clock.sleep(4_000);
        expect(store.facts.seriesBytes).toBeLessThan(10_000);
        expect(seriesOf(store)).toHaveLength(3_000);
        // The pages of its segments, that were read for it.
        expect(store.facts.indexBytes).toBeGreaterThan(30_000);
      },
      { snapshotColdMs: 1_000 },
    );
    await withStore(
      env,
      async (store) => {
        await store.write(kept, batchOf(lines));
        await store.flush(7);
        expect(store.facts.seriesBytes).toBeLessThan(10_000);
        expect(seriesOf(store)).toHaveLength(3_000);
        expect(readField(store, 'm', 'v')).toHaveLength(3_000);
      },
      { residentBytesMax: 50_000 },
    );
  });
});

test('store: a flush that has no room for its index is made good once there is, without a write', async () => {
  await inWorld(async (env) => {
    let isFull = true;
    const refused = { name: 'open', path: /\.index/, code: 'disk_full' } as const;
    const disk = refusingDisk(env.disk, refused, () => isFull);
    await withStore(
      { ...env, disk },
      async (store) => {
        await store.write(kept, batchOf('m,h=a v=1 1'));
        await env.clock.sleep(4_000);
        expect(await names(env, '.tsm')).toHaveLength(1);
        expect(await names(env, 'shard.json')).toEqual([]);
        isFull = false;
        await env.clock.sleep(4_000);
        expect(await names(env, 'shard.json')).toEqual(['shard.json']);
        expect(await names(env, '.index')).toHaveLength(1);
      },
      { snapshotColdMs: 1_000 },
    );
    await withStore(env, expecting(['m,h=a']));
  });
});

test('store: many segments become few, while readers go on with those that they have', async () => {
  await inWorld(async (env) => {
    await withStore(env, async (store) => {
      const wanted: string[] = [];
      for (let i = 0; i < 9; i++) {
        await store.write(kept, batchOf(`m,h=${i} v=1 ${i + 1}`));
        await store.flush(7);
        wanted.push(`m,h=${i}`);
      }
      const view = store.view(7);
      const ids = [...(finished(view?.seriesIds('m')) ?? [])];
      await store.compact(7);
      expect(await names(env, '.index')).toHaveLength(1);
      expect(ids.map((id) => view?.seriesKey(id))).toEqual(wanted);
      expect([...(finished(view?.seriesIdsWith('m', 'h', ['3', '5'])) ?? [])].map((id) => view?.seriesKey(id))).toEqual(['m,h=3', 'm,h=5']); // prettier-ignore
      view?.release();
      expect(seriesOf(store)).toEqual(wanted);
    });
    await withStore(env, expecting(Array.from({ length: 9 }, (_, i) => `m,h=${i}`)));
  });
});
