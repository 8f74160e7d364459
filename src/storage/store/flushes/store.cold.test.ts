import { expect, test } from 'vitest';
import { batchOf, openStore, readField } from '../../../../test/support/store-script.ts';
import { World, type SimNode } from '../../../../test/sim/world/world.ts';
import { DbError } from '../../../base/errors.ts';
import type { Disk } from '../../../env/disk.ts';
import type { Log } from '../../../env/log.ts';
import type { Store } from '../store.ts';
import { pauseMostMs } from './flush-pauses.ts';

const place = (shardId: number) => ({ shardId, database: 'db', retentionPolicy: 'autogen' });
const ids = Array.from({ length: 40 }, (_, i) => i + 1);
const coldMs = 5_000;

async function inWorld(work: (node: SimNode) => Promise<void>): Promise<void> {
  const world = new World(1);
  await world.complete(work(world.addNode('a')), 600_000);
}

/** `onWrite` is called with the shard whose file of points is begun, `onListed` once its manifest has been written. */
function watched(
  disk: Disk,
  onWrite: (shardId: number) => void,
  onListed: (shardId: number) => void,
): Disk {
  return new Proxy(disk, {
    get(of, name: keyof Disk) {
      if (name === 'open')
        return async (...[path, mode]: Parameters<Disk['open']>) => {
          const [, digits] = /\/(\d+)\/[^/]*\.tsm\.tmp$/.exec(path) ?? [];
          if (digits !== undefined && mode !== 'read') onWrite(Number(digits));
          return of.open(path, mode);
        };
      if (name !== 'replaceFile') return of[name].bind(of);
      return async (...[path, bytes]: Parameters<Disk['replaceFile']>) => {
        await of.replaceFile(path, bytes);
        const [, digits] = /\/(\d+)\/shard\.json$/.exec(path) ?? [];
        if (digits !== undefined) onListed(Number(digits));
      };
    },
  });
}

async function fill(store: Store): Promise<void> {
  for (const id of ids) await store.write(place(id), batchOf(`m v=${id}i 5`));
}

async function hotOf(store: Store): Promise<readonly number[]> {
  return (await store.facts.states()).filter(({ isHot }) => isHot).map(({ shardId }) => shardId);
}

test('flusher: many shards that are cold at once go to files a few at a time', async () => {
  await inWorld(async ({ env }) => {
    const underWay = new Set<number>();
    let most = 0;
    const disk = watched(
      env.disk,
      (id) => {
        underWay.add(id);
        most = Math.max(most, underWay.size);
      },
      (id) => underWay.delete(id),
    );
    const store = await openStore(disk, env.clock, { snapshotColdMs: coldMs });
    await fill(store);
    const bytes = store.facts.numbers.map(({ memtableBytes }) => memtableBytes);
    const flushedBytes = () => store.facts.numbers.map(({ cache }) => cache['cachedBytes']);
    expect(flushedBytes()).toEqual(ids.map(() => 0));
    while ((await hotOf(store)).length > 0) await env.clock.sleep(500);
    expect(flushedBytes()).toEqual(bytes);
    expect(most).toBe(4);
    expect(ids.map((id) => readField(store, 'm', 'v', id)[0]?.value)).toEqual(ids.map(String));
    await store.close();
  });
});

test('flusher: cold shards that fail are tried less and less, and once the disk has room all are flushed', async () => {
  await inWorld(async ({ env }) => {
    let isFull = true;
    let attempts = 0;
    const disk = watched(
      env.disk,
      () => {
        attempts++;
        if (isFull) throw new DbError('disk_full', 'no space left on device');
      },
      () => undefined,
    );
    const lines: string[] = [];
    const log = { info: () => undefined, warn: () => undefined, error: (text: string) => void lines.push(text) } as unknown as Log; // prettier-ignore
    const store = await openStore(disk, env.clock, { snapshotColdMs: coldMs, log });
    await fill(store);
    await env.clock.sleep(coldMs + 300_000);
    // Each of the 40 each second would be 12,000.
    expect(attempts).toBeGreaterThan(8);
    expect(attempts).toBeLessThan(200);
    expect(lines.length).toBeLessThan(40);
    expect(await hotOf(store)).toHaveLength(ids.length);
    isFull = false;
    await env.clock.sleep(pauseMostMs * 2 + 2_000);
    expect(await hotOf(store)).toEqual([]);
    await store.close();
  });
});

test('flusher: a cold shard that always fails keeps no other from its file', async () => {
  await inWorld(async ({ env }) => {
    const disk = watched(
      env.disk,
      (id) => {
        if (id === 20) throw new DbError('io_error', 'input/output error');
      },
      () => undefined,
    );
    const store = await openStore(disk, env.clock, { snapshotColdMs: coldMs });
    await fill(store);
    await env.clock.sleep(coldMs + 10_000);
    expect(await hotOf(store)).toEqual([20]);
    await store.close();
  });
});

test('flusher: a store that is closed begins no flush of a cold shard any more', async () => {
  await inWorld(async ({ env }) => {
    let begun = 0;
    let reached = (): void => undefined;
    const first = new Promise<void>((resolve) => (reached = resolve));
    const onWrite = (): void => {
      begun++;
      reached();
    };
    const disk = watched(env.disk, onWrite, () => undefined);
    const store = await openStore(disk, env.clock, { snapshotColdMs: coldMs });
    await fill(store);
    await first;
    await store.close();
    expect(begun).toBeLessThan(10);
  });
});
