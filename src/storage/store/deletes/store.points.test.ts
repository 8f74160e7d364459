import { expect, test } from 'vitest';
import { finished } from '../../../../test/support/finished.ts';
import { FailingDisk } from '../../../../test/support/failing-disk.ts';
import { batchOf, kept, openStore, readField } from '../../../../test/support/store-script.ts';
import { World } from '../../../../test/sim/world/world.ts';
import { isDbError } from '../../../base/errors.ts';
import type { Env } from '../../../env/env.ts';
import type { Disk } from '../../../env/disk.ts';
import type { PointDelete } from './point-deletes.ts';
import type { Store } from '../store.ts';

const always = { minTimeNs: -(1n << 63n), maxTimeNs: (1n << 63n) - 1n };

/** Of the series of a measurement with the tag `h`, or of all of them. */
function of(measurement: string, h?: string, range: PointDelete['range'] = always): PointDelete {
  return {
    range,
    async *select(view) {
      const seriesIds =
        h === undefined
          ? finished(view.seriesIds(measurement))
          : finished(view.seriesIdsWith(measurement, 'h', [h]));
      yield await Promise.resolve({ measurement, seriesIds });
    },
  };
}

async function inWorld(body: (env: Env) => Promise<void>): Promise<void> {
  const world = new World(1);
  const { env } = world.addNode('a');
  await world.complete(body(env), 10_000_000);
}

function shown(store: Store): string {
  return readField(store, 'm', 'v')
    .map(({ time, value }) => `${time}:${value}`)
    .join(' ');
}

function schema(store: Store): string {
  const view = store.view(kept.shardId);
  const text = (view?.measurements() ?? []).map((name) => {
    const fields = view?.fields(name).map((field) => `${field.name}=${field.type}`);
    const values = [...(view?.tagValueLists(name, 'h') ?? [])].flat().sort();
    return `${name}{${String(view?.tagKeys(name))}}${String(values)} ${String(fields)}`;
  });
  view?.release();
  return text.join('; ');
}

async function reopened(env: Env, store: Store): Promise<Store> {
  await store.close();
  return openStore(env.disk, env.clock);
}

test('store: deleted points are gone from memory and files, over restart, flush and compaction', async () => {
  await inWorld(async (env) => {
    let store = await openStore(env.disk, env.clock);
    await store.write(kept, batchOf('m,h=a v=1 1\nm,h=a v=2 2\nm,h=a v=3 3\nm,h=b v=4 4'));
    await store.flush(kept.shardId);
    await store.write(kept, batchOf('m,h=a v=5 5\nm,h=b v=6 6\nm,h=a v=20 2'));
    const middle = { minTimeNs: 2n, maxTimeNs: 4n };
    await store.deletePoints(kept.shardId, of('m', 'a', middle));
    const left = '1:1 5:5 4:4 6:6';
    expect(shown(store)).toBe(left);
    store = await reopened(env, store);
    expect(shown(store)).toBe(left);
    await store.write(kept, batchOf('m,h=a v=30 3'));
    expect(shown(store)).toBe('1:1 3:30 5:5 4:4 6:6');
    await store.compact(kept.shardId);
    expect(shown(store)).toBe('1:1 3:30 5:5 4:4 6:6');
    store = await reopened(env, store);
    await store.compact(kept.shardId);
    expect(shown(store)).toBe('1:1 3:30 5:5 4:4 6:6');
    const names = (await env.disk.list('data/db/autogen/7')).map(({ name }) => name);
    expect(names.filter((name) => name.endsWith('.tombstone'))).toEqual([]);
    await store.close();
  });
});

test('store: what has no points left does not show, and shows again with the next one', async () => {
  await inWorld(async (env) => {
    let store = await openStore(env.disk, env.clock);
    await store.write(kept, batchOf('m,h=a v=1 1\nm,h=b,r=x v=2 2\no w=1i 1'));
    expect(schema(store)).toBe('m{h,r}a,b v=float; o{} w=integer');
    await store.deletePoints(kept.shardId, of('m', 'b'));
    expect(schema(store)).toBe('m{h}a v=float; o{} w=integer');
    const view = store.view(kept.shardId);
    expect(finished(view?.seriesIds('m'))).toHaveLength(1);
    expect(finished(view?.seriesIdsWith('m', 'h', ['b']))).toHaveLength(0);
    view?.release();
    await store.deletePoints(kept.shardId, of('m'));
    expect(schema(store)).toBe('o{} w=integer');
    store = await reopened(env, store);
    expect(schema(store)).toBe('o{} w=integer');
    // Of another type than before.
    await store.write(kept, batchOf('m,h=b v="s" 9'));
    expect(schema(store)).toBe('m{h}b v=string; o{} w=integer');
    await store.deletePoints(kept.shardId, of('m'));
    await store.write(kept, batchOf('m,h=a v=7i 9'));
    expect(schema(store)).toBe('m{h}a v=integer; o{} w=integer');
    await store.flush(kept.shardId);
    await store.compact(kept.shardId);
    store = await reopened(env, store);
    expect(schema(store)).toBe('m{h}a v=integer; o{} w=integer');
    expect(shown(store)).toBe('9:7');
    await store.close();
  });
});

test('store: a series whose points were deleted by several ranges is gone, whatever lies between them', async () => {
  await inWorld(async (env) => {
    let store = await openStore(env.disk, env.clock);
    await store.write(
      kept,
      batchOf('m,h=a v=1 1\nm,h=a v=9 9\nm,h=b v=1 1\nm,h=b v=5 5\nm,h=b v=9 9'),
    );
    await store.flush(kept.shardId);
    for (const [minTimeNs, maxTimeNs] of [
      [1n, 2n],
      [8n, 9n],
    ] as const)
      // prettier-ignore
      await store.deletePoints(kept.shardId, of('m', undefined, { minTimeNs, maxTimeNs }));
    const wanted = 'm{h}b v=float';
    expect([schema(store), shown(store)]).toEqual([wanted, '5:5']);
    store = await reopened(env, store);
    expect([schema(store), shown(store)]).toEqual([wanted, '5:5']);
    await store.compact(kept.shardId);
    expect([schema(store), shown(store)]).toEqual([wanted, '5:5']);
    await store.close();
  });
});

test('store: the ends of a series after a delete', async () => {
  await inWorld(async (env) => {
    const store = await openStore(env.disk, env.clock);
    await store.write(kept, batchOf('m v=1 1\nm v=2 2\nm v=3 3'));
    await store.flush(kept.shardId);
    for (const at of [1n, 3n])
      await store.deletePoints(kept.shardId, of('m', undefined, { minTimeNs: at, maxTimeNs: at }));
    expect(shown(store)).toBe('2:2');
    const view = store.view(kept.shardId);
    const request = { seriesId: finished(view?.seriesIds('m'))?.[0] ?? 0, field: 'v', ...always };
    for (const ascending of [true, false]) {
      const arena = new TestArena();
      expect(view?.end({ ...request, ascending }, arena)).toEqual({ timeNs: 2n, value: 2 });
    }
    view?.release();
    await store.close();
  });
});

class TestArena {
  readonly memory = new WebAssembly.Memory({ initial: 1 });
  #top = 0;

  allocate(lengthBytes: number): number {
    const at = this.#top;
    this.#top += Math.ceil(lengthBytes / 8) * 8;
    return at;
  }
}

/** Points before, a delete and points after it; what it acknowledged. */
async function script(disk: Disk, env: Env, done: Set<string>): Promise<void> {
  const store = await openStore(disk, env.clock);
  await store.write(kept, batchOf('m,h=a v=1 1\nm,h=b v=2 2'));
  done.add('written');
  await store.flush(kept.shardId);
  await store.write(kept, batchOf('m,h=a v=3 3\nm,h=b v=4 4'));
  done.add('more');
  await Promise.all([store.deletePoints(kept.shardId, of('m', 'a')), store.compact(kept.shardId)]);
  done.add('deleted');
  await store.write(kept, batchOf('m,h=a v=5 5'));
  done.add('after');
  await store.compact(kept.shardId);
  await store.close();
}

function check(store: Store, done: ReadonlySet<string>): void {
  const rows = new Set(shown(store).split(' '));
  for (const [step, row] of [
    ['written', '2:2'],
    ['more', '4:4'],
    ['after', '5:5'],
  ] as const)
    // prettier-ignore
    if (done.has(step)) expect([...rows], step).toContain(row);
  if (!done.has('deleted')) return;
  expect([...rows]).not.toContain('1:1');
  expect([...rows]).not.toContain('3:3');
}

test('store: power lost after any call of the disk, a delete that was acknowledged holds', async () => {
  for (let n = 1; ; n++) {
    const world = new World(n);
    const node = world.addNode('a', { zeroTailRate: 0.3 });
    const done = new Set<string>();
    const run = { isOver: false };
    node.drive.afterCalls(n, () => {
      node.crash();
    });
    world.spawn(node, async (env: Env) => {
      await script(env.disk, env, done);
      run.isOver = true;
    });
    await world.run(world.nowMs + 5_000);
    if (node.isAlive) node.crash();
    node.restart();
    const { disk, clock } = node.env;
    const work = async (): Promise<void> => {
      const store = await openStore(disk, clock);
      check(store, done);
      await store.compact(kept.shardId);
      check(store, done);
      await store.close();
    };
    await world.complete(work()).catch((error: unknown) => {
      throw new Error(`call ${n}`, { cause: error });
    });
    if (run.isOver) return;
    expect(n).toBeLessThan(1_000);
  }
});

test('store: whatever call of the disk fails, a delete that was acknowledged holds', async () => {
  for (let n = 1; ; n++) {
    const world = new World(n);
    const node = world.addNode('a');
    const done = new Set<string>();
    const disk = new FailingDisk(node.env.disk, { failAt: n, code: 'io_error', stays: false });
    const run = script(disk, node.env, done).catch((error: unknown) => {
      expect(isDbError(error, 'io_error'), String(error)).toBe(true);
    });
    await world.complete(run);
    node.crash();
    node.restart();
    const work = async (): Promise<void> => {
      const store = await openStore(node.env.disk, node.env.clock);
      check(store, done);
      await store.close();
    };
    await world.complete(work()).catch((error: unknown) => {
      throw new Error(`call ${n}`, { cause: error });
    });
    if (!disk.hasFailed) return;
    expect(n).toBeLessThan(1_000);
  }
});
