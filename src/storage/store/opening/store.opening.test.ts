import { expect, test } from 'vitest';
import { batchOf, openStore, readField } from '../../../../test/support/store-script.ts';
import { World, type SimNode } from '../../../../test/sim/world/world.ts';
import { InvariantError } from '../../../base/assert.ts';
import type { Disk } from '../../../env/disk.ts';
import type { Store } from '../store.ts';

const place = (shardId: number) => ({ shardId, database: 'db', retentionPolicy: 'autogen' });
const ids = Array.from({ length: 12 }, (_, i) => i + 1);

/** Shards 1 to 12; of 3 the log has a record still, all others are in files. */
async function fill({ env }: SimNode): Promise<void> {
  const store = await openStore(env.disk, env.clock);
  for (const id of ids) {
    await store.write(place(id), batchOf(`m v=${id}i 5`));
    await store.flush(id);
  }
  await store.write(place(3), batchOf('m v=33i 6'));
  await store.close();
}

/** Counts openings of files of points, by shard; `gate` holds them up. */
function watched(disk: Disk, gate: (shardId: number) => Promise<void>) {
  const opened: number[] = [];
  const watching = new Proxy(disk, {
    get(of, name: keyof Disk) {
      if (name !== 'open') return of[name].bind(of);
      return async (...[path, mode]: Parameters<Disk['open']>) => {
        const [, digits] = /\/(\d+)\/[^/]*\.tsm$/.exec(path) ?? [];
        if (digits !== undefined) {
          opened.push(Number(digits));
          await gate(Number(digits));
        }
        return of.open(path, mode);
      };
    },
  });
  return { disk: watching, opened };
}

async function inWorld(work: (node: SimNode) => Promise<void>): Promise<void> {
  const world = new World(1);
  const node = world.addNode('a');
  await world.complete(fill(node).then(() => work(node)));
}

function valuesOf(store: Store, shardId: number): readonly string[] {
  return readField(store, 'm', 'v', shardId).map(({ value }) => value);
}

test('opening: what the log has records of is open at once, the rest newest first, and nothing twice', async () => {
  await inWorld(async ({ env }) => {
    const { disk, opened } = watched(env.disk, () => Promise.resolve());
    const store = await openStore(disk, env.clock, { opensBehind: true });
    // The log keeps a segment while any of its records is needed: 3 has one, and what shares a segment with it comes along.
    expect(valuesOf(store, 3)).toEqual(['3', '33']);
    await store.whenOpen(ids);
    expect(ids.map((id) => valuesOf(store, id)[0])).toEqual(ids.map(String));
    expect(store.opening).toEqual({ opened: 12, total: 12 });
    expect([...opened].sort((a, b) => a - b)).toEqual(ids);
    await store.close();
  });
});

test('opening: who asks for a shard waits for that one, whatever holds up the others', async () => {
  await inWorld(async ({ env }) => {
    let isHeld = false;
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const { disk } = watched(env.disk, (id) => (isHeld && id !== 7 ? held : Promise.resolve())); // prettier-ignore
    const store = await openStore(disk, env.clock, { opensBehind: true });
    isHeld = true;
    await store.whenOpen([7]);
    expect(valuesOf(store, 7)).toEqual(['7']);
    expect(() => store.view(5)).toThrow(InvariantError);
    expect(store.shardIds.toSorted((a, b) => a - b)).toEqual(ids);
    expect(store.holdings.length).toBe(12);
    expect(store.opening.opened).toBeLessThan(12);
    const states = await store.states();
    expect(states.map(({ shardId }) => shardId).sort((a, b) => a - b)).toEqual(ids);
    const [opened, pending] = [7, 5].map((id) => states.find(({ shardId }) => shardId === id));
    expect(pending).toEqual({ ...opened, shardId: 5, idleMs: expect.any(Number) as number });
    expect(pending?.sizeBytes).toBeGreaterThan(0);
    // Each of them waits, and is right once it may go on.
    const written = store.write(place(5), batchOf('m v=55i 6'));
    const deleted = store.deleteShard(6);
    release();
    await Promise.all([written, deleted]);
    await store.whenOpen(ids);
    expect(valuesOf(store, 5)).toEqual(['5', '55']);
    expect(store.view(6)).toBeUndefined();
    await store.close();
  });
});

test('opening: a store that is closed opens no more', async () => {
  await inWorld(async ({ env }) => {
    const { disk, opened } = watched(env.disk, () => Promise.resolve());
    const store = await openStore(disk, env.clock, { opensBehind: true });
    await store.close();
    const count = opened.length;
    await env.clock.sleep(10_000);
    expect(opened.length).toBe(count);
    expect(count).toBeLessThan(12);
  });
});

test('opening: a damaged shard that is opened behind costs itself alone', async () => {
  await inWorld(async ({ env }) => {
    const [file] = (await env.disk.list('data/db/autogen/9')).filter(({ name }) => name.endsWith('.tsm')); // prettier-ignore
    const path = `data/db/autogen/9/${file?.name ?? ''}`;
    const bytes = await env.disk.readFile(path);
    await env.disk.replaceFile(path, bytes.subarray(0, bytes.length - 1));
    const store = await openStore(env.disk, env.clock, { opensBehind: true });
    await store.whenOpen(ids);
    expect(() => store.view(9)).toThrow('shard 9 is damaged');
    await expect(store.write(place(9), batchOf('m v=1i 9'))).rejects.toThrow('shard 9 is damaged');
    expect(valuesOf(store, 8)).toEqual(['8']);
    expect(store.opening).toEqual({ opened: 12, total: 12 });
    await store.close();
  });
});
