import { expect, test } from 'vitest';
import { refusingDisk } from '../../../../test/support/refusing-disk.ts';
import { batchOf, openStore, readField } from '../../../../test/support/store-script.ts';
import { World, type SimNode } from '../../../../test/sim/world/world.ts';
import { InvariantError } from '../../../base/assert.ts';
import type { Clock } from '../../../env/clock.ts';
import type { Disk } from '../../../env/disk.ts';
import type { Log } from '../../../env/log.ts';
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

test('opening: what the log has records of opens first, the rest newest first, and nothing twice', async () => {
  await inWorld(async ({ env }) => {
    const { disk, opened } = watched(env.disk, () => Promise.resolve());
    const store = await openStore(disk, env.clock, { opensBehind: true });
    expect(store.facts.opening).toEqual({ opened: 0, total: 12 });
    // Whoever waits for the first answer has the processor alone.
    await env.clock.sleep(900);
    expect(opened).toEqual([]);
    await env.clock.sleep(5_000);
    await store.whenOpen(ids);
    expect(opened).toEqual([12, 11, 10, 3, 9, 8, 7, 6, 5, 4, 2, 1]);
    expect(valuesOf(store, 3)).toEqual(['3', '33']);
    expect(ids.map((id) => valuesOf(store, id)[0])).toEqual(ids.map(String));
    expect(store.facts.opening).toEqual({ opened: 12, total: 12 });
    await store.close();
  });
});

test('opening: by itself a store opens what the log has records of, then the rest, each time the newest first', async () => {
  await inWorld(async ({ env }) => {
    const { disk, opened } = watched(env.disk, () => Promise.resolve());
    const store = await openStore(disk, env.clock, { opensBehind: true, snapshotColdMs: 1e9 });
    while (store.facts.opening.opened < 12) await env.clock.sleep(1);
    const ofLog = opened.indexOf(3) + 1;
    expect(ofLog).toBeGreaterThan(0);
    expect(ofLog).toBeLessThan(12);
    expect(opened.slice(0, ofLog)).toEqual(opened.slice(0, ofLog).sort((a, b) => b - a));
    expect(opened.slice(ofLog)).toEqual(opened.slice(ofLog).sort((a, b) => b - a));
    await store.close();
  });
});

test('opening: a shard of which the log has much is open before the store answers', async () => {
  await inWorld(async ({ env }) => {
    const before = await openStore(env.disk, env.clock, { snapshotBytes: 1 << 24 });
    const text = 'x'.repeat(60_000);
    for (let i = 1; i <= 20; i++) await before.write(place(5), batchOf(`m s="${text}",v=${i}i ${i + 10}`)); // prettier-ignore
    await before.close();
    const store = await openStore(env.disk, env.clock, { opensBehind: true });
    expect(valuesOf(store, 5)).toEqual([
      '5',
      ...Array.from({ length: 20 }, (_, i) => String(i + 1)),
    ]);
    expect(() => store.view(3)).toThrow(InvariantError);
    await store.whenOpen([3]);
    expect(valuesOf(store, 3)).toEqual(['3', '33']);
    await store.close();
  });
});

test('opening: a shard that opens while a segment is read costs nothing that lies behind it there', async () => {
  await inWorld(async ({ env }) => {
    const knobs = { segmentBytesMax: 1 << 24, snapshotBytes: 1 << 24 };
    const before = await openStore(env.disk, env.clock, knobs);
    // The shard that opens has the kernel work at its long keys.
    const key = `m,text=${'x'.repeat(40_000)}`;
    for (let i = 1; i <= 60; i++) await before.write(place(i % 20 === 0 ? 4 : 5), batchOf(`${key}${i} v=${i}i ${i}`)); // prettier-ignore
    await before.close();
    const store = await openStore(env.disk, env.clock, { ...knobs, opensBehind: true });
    await store.whenOpen(ids);
    expect(valuesOf(store, 5)).toHaveLength(57 + 1);
    expect(valuesOf(store, 4)).toHaveLength(3 + 1);
    await store.close();
  });
});

test('opening: shards that the log has records of are hot, and their stamps known, before they are open', async () => {
  await inWorld(async ({ env }) => {
    const store = await openStore(env.disk, env.clock, { opensBehind: true });
    const [before] = (await store.facts.states()).filter(({ shardId }) => shardId === 3);
    const latest = await store.facts.latestStamp();
    expect(before?.isHot).toBe(true);
    await store.whenOpen(ids);
    const states = await store.facts.states();
    expect(states.filter(({ isHot }) => isHot).map(({ shardId }) => shardId)).toEqual([3]);
    expect(await store.facts.latestStamp()).toBe(latest);
    await store.close();
  });
});

test('opening: what fails to open for a moment takes its records of the log when it is asked again', async () => {
  await inWorld(async ({ env }) => {
    let isFull = true;
    const disk = refusingDisk(
      env.disk,
      { name: 'list', path: /\/3$/, code: 'cache_full' },
      () => isFull,
    );
    const store = await openStore(disk, env.clock, { opensBehind: true });
    await expect(store.whenOpen([3])).rejects.toThrow('no room');
    isFull = false;
    await store.whenOpen([3]);
    expect(valuesOf(store, 3)).toEqual(['3', '33']);
    await store.close();
  });
});

test('opening: one that fails for a moment keeps no other from opening, and opens by itself a little later', async () => {
  await inWorld(async ({ env }) => {
    let isFull = true;
    const disk = refusingDisk(env.disk, { name: 'list', path: /\/(3|7)$/, code: 'cache_full' }, () => isFull); // prettier-ignore
    const store = await openStore(disk, env.clock, { opensBehind: true });
    await env.clock.sleep(10_000);
    expect(store.facts.opening).toEqual({ opened: 10, total: 12 });
    isFull = false;
    await env.clock.sleep(20_000);
    expect(store.facts.opening).toEqual({ opened: 12, total: 12 });
    expect(valuesOf(store, 3)).toEqual(['3', '33']);
    await store.close();
  });
});

test('opening: an index that cannot be opened for lack of descriptors is not thrown away', async () => {
  await inWorld(async ({ env }) => {
    const segmentsOf = async () => (await env.disk.list('data/db/autogen/7')).filter(({ name }) => name.endsWith('.index')); // prettier-ignore
    const before = await segmentsOf();
    expect(before).toHaveLength(1);
    const lines: string[] = [];
    const log = { info: () => undefined, error: () => undefined, warn: (text: string) => void lines.push(text) } as unknown as Log; // prettier-ignore
    let isFull = true;
    const disk = refusingDisk(env.disk, { name: 'open', path: /\/7\/.*\.index$/, code: 'unavailable' }, () => isFull); // prettier-ignore
    const store = await openStore(disk, env.clock, { opensBehind: true, log });
    await expect(store.whenOpen([7])).rejects.toThrow('no room');
    isFull = false;
    await store.whenOpen([7]);
    expect(valuesOf(store, 7)).toEqual(['7']);
    expect(lines).toEqual([]);
    expect(await segmentsOf()).toEqual(before);
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
    expect(store.facts.shardIds.toSorted((a, b) => a - b)).toEqual(ids);
    expect(store.facts.holdings.length).toBe(12);
    expect(store.facts.opening.opened).toBeLessThan(12);
    const states = await store.facts.states();
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
    expect(() => store.view(6)).toThrow('shard 6 is not on this node');
    await store.close();
  });
});

test('opening: the few shards that were written last are open a moment after the start, the last one first', async () => {
  await inWorld(async ({ env }) => {
    const before = await openStore(env.disk, env.clock, { segmentBytesMax: 1 << 20 });
    for (const id of [2, 9, 4, 11, 7, 9]) await before.write(place(id), batchOf('m v=1i 50'));
    await before.close();
    const { disk, opened } = watched(env.disk, () => Promise.resolve());
    const store = await openStore(disk, env.clock, { opensBehind: true, opensLatest: 4 });
    await env.clock.sleep(500);
    expect(opened).toEqual([9, 7, 11, 4]);
    await store.close();
  });
});

/** Of a node that is busy: whatever is timed took longer than it should. Counts rests. */
function busy(clock: Clock) {
  let lateMs = 0;
  const counted = { restCount: 0 };
  const of = new Proxy(clock, {
    get(target, name: keyof Clock) {
      if (name === 'monotonicMs') return () => target.monotonicMs() + (lateMs += 2);
      if (name !== 'sleep') return target[name].bind(target);
      return (...[durationMs, signal]: Parameters<Clock['sleep']>) => {
        counted.restCount++;
        return target.sleep(durationMs, signal);
      };
    },
  });
  return { clock: of, counted };
}

test('opening: a busy node rests between records of a shard that nobody asks for, and not while somebody waits', async () => {
  await inWorld(async ({ env }) => {
    const { clock, counted } = busy(env.clock);
    const before = await openStore(env.disk, env.clock, { segmentBytesMax: 1 << 20 });
    for (const id of [3, 4])
      for (let i = 1; i <= 30; i++) await before.write(place(id), batchOf(`m v=${i}i ${i + 10}`));
    await before.close();
    const store = await openStore(env.disk, clock, { opensBehind: true });
    await store.whenOpen([3]);
    expect(counted.restCount).toBe(0);
    expect(valuesOf(store, 3).at(-1)).toBe('30');
    while (store.facts.opening.opened < 12) await env.clock.sleep(1);
    expect(counted.restCount).toBeGreaterThan(10);
    expect(valuesOf(store, 4).at(-1)).toBe('30');
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
    expect(store.facts.opening).toEqual({ opened: 12, total: 12 });
    await store.close();
  });
});
