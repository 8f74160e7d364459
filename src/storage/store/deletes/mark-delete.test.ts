import { expect, test } from 'vitest';
import { FailingDisk } from '../../../../test/support/failing-disk.ts';
import { batchOf, deleteOf, kept, openStore, readField } from '../../../../test/support/store-script.ts'; // prettier-ignore
import { World } from '../../../../test/sim/world/world.ts';
import { isDbError } from '../../../base/errors.ts';
import type { Disk } from '../../../env/disk.ts';
import type { Env } from '../../../env/env.ts';
import { stampBatch, stampOf } from '../../../models/stamp.ts';
import type { PointDelete } from './point-deletes.ts';
import { pendingOf, pendingText } from './pending-delete.ts';

const always = { minTimeNs: -(1n << 63n), maxTimeNs: (1n << 63n) - 1n };
const stamped = deleteOf('m,h=a', always, stampOf(1_000n, 1n));
const { said: _, ...plain } = stamped;
const deletes: Readonly<Record<string, PointDelete>> = {
  'without a stamp': { ...plain, filter: 'm,h=a' },
  'with a stamp': stamped,
};

/** Points of two series in three files and in memory, a delete of one series, and a point of it afterwards. */
async function script(disk: Disk, env: Env, asked: PointDelete, done: Set<string>): Promise<void> {
  const store = await openStore(disk, env.clock);
  for (const time of [1, 2, 3]) {
    await store.write(kept, batchOf(`m,h=a v=${time} ${time}\nm,h=b v=${time} ${time + 10}`));
    await store.flush(kept.shardId);
  }
  await store.write(kept, batchOf('m,h=a v=4 4\nm,h=b v=4 14'));
  done.add('written');
  await store.deletePoints(kept.shardId, asked);
  done.add('deleted');
  const after = batchOf('m,h=a v=5 5');
  if (asked.said !== undefined) stampBatch(after, asked.said.stamp + 1n);
  await store.write(kept, after);
  done.add('after');
  await store.close();
}

/** All that the delete meant is there, or nothing; what it did not mean is there. */
async function checkAfter({ disk, clock }: Env, done: ReadonlySet<string>): Promise<void> {
  const store = await openStore(disk, clock);
  const times = readField(store, 'm', 'v').map(({ time }) => time);
  const struck = times.filter((time) => time < 5);
  if (done.has('written')) {
    expect(times.filter((time) => time > 10)).toEqual([11, 12, 13, 14]);
    expect(struck.length === 0 || struck.length === 4, `left ${struck.join()}`).toBe(true);
  }
  if (done.has('deleted')) expect(struck).toEqual([]);
  if (done.has('after')) expect(times).toContain(5);
  await store.compact(kept.shardId);
  expect(readField(store, 'm', 'v').map(({ time }) => time)).toEqual(times);
  await store.close();
}

test.each(Object.entries(deletes))(
  'store: power lost after any call of the disk, a delete %s has struck all or nothing',
  async (_name, asked) => {
    for (let n = 1; ; n++) {
      const world = new World(n);
      const node = world.addNode('a', { zeroTailRate: 0.3 });
      const done = new Set<string>();
      const run = { isOver: false };
      node.drive.afterCalls(n, () => {
        node.crash();
      });
      world.spawn(node, async (env: Env) => {
        await script(env.disk, env, asked, done);
        run.isOver = true;
      });
      await world.run(world.nowMs + 5_000);
      if (node.isAlive) node.crash();
      node.restart();
      await world.complete(checkAfter(node.env, done)).catch((error: unknown) => {
        throw new Error(`call ${n}`, { cause: error });
      });
      if (run.isOver) return;
      expect(n).toBeLessThan(1_000);
    }
  },
);

test.each(Object.entries(deletes))(
  'store: whatever call of the disk fails, a delete %s is made good at the next start',
  async (_name, asked) => {
    for (let n = 1; ; n++) {
      const world = new World(n);
      const node = world.addNode('a');
      const done = new Set<string>();
      const disk = new FailingDisk(node.env.disk, { failAt: n, code: 'disk_full', stays: false });
      const run = script(disk, node.env, asked, done).catch((error: unknown) => {
        expect(isDbError(error, 'disk_full'), String(error)).toBe(true);
      });
      await world.complete(run);
      node.crash();
      node.restart();
      await world.complete(checkAfter(node.env, done)).catch((error: unknown) => {
        throw new Error(`call ${n}`, { cause: error });
      });
      if (!disk.hasFailed) return;
      expect(n).toBeLessThan(1_000);
    }
  },
);

/** A batch that was said just before the delete comes with it, a little later each time, and a flush with both. */
async function scriptOfOlder(env: Env, waitMs: number, done: Set<string>): Promise<void> {
  const store = await openStore(env.disk, env.clock);
  for (const time of [1, 2]) {
    await store.write(kept, batchOf(`m,h=a v=${time} ${time}`));
    await store.flush(kept.shardId);
  }
  done.add('written');
  const older = batchOf('m,h=a v=3 3');
  stampBatch(older, stampOf(999n, 1n));
  const later = async (work: () => Promise<unknown>): Promise<void> => {
    await env.clock.sleep(waitMs);
    await work();
  };
  await Promise.all([
    later(() => store.write(kept, older)).then(() => done.add('older')),
    store.deletePoints(kept.shardId, stamped).then(() => done.add('deleted')),
    later(() => store.flush(kept.shardId)),
  ]);
  await store.close();
}

async function checkOlder({ disk, clock }: Env, done: ReadonlySet<string>): Promise<void> {
  const store = await openStore(disk, clock);
  const times = readField(store, 'm', 'v').map(({ time }) => time);
  const whole = done.has('older') ? ['1,2,3'] : ['1,2,3', '1,2'];
  const wanted = done.has('deleted') ? [''] : ['', ...whole];
  if (done.has('written')) expect(wanted).toContain(times.join());
  await store.close();
}

test('store: power lost after any call of the disk, a delete with a stamp has struck all or nothing of what comes with it', async () => {
  for (const waitMs of [1, 2]) {
    for (let n = 40; ; n++) {
      const world = new World(n);
      const node = world.addNode('a');
      const done = new Set<string>();
      const run = { isOver: false };
      node.drive.afterCalls(n, () => {
        node.crash();
      });
      world.spawn(node, async (env: Env) => {
        await scriptOfOlder(env, waitMs, done);
        run.isOver = true;
      });
      await world.run(world.nowMs + 5_000);
      if (node.isAlive) node.crash();
      node.restart();
      await world.complete(checkOlder(node.env, done)).catch((error: unknown) => {
        throw new Error(`call ${n}, ${waitMs} ms`, { cause: error });
      });
      if (run.isOver) break;
      expect(n).toBeLessThan(1_000);
    }
  }
});

test('pending delete: its text reads back, and nothing else is one', () => {
  const pending = { ...always, filter: 'bQ== bg==.AAE=', files: ['000000001-000000001.tsm'] };
  expect(pendingOf(JSON.parse(JSON.stringify(pendingText(pending))))).toEqual(pending);
  const none = { ...pending, files: [] };
  expect(pendingOf(pendingText(none))).toEqual(none);
  for (const text of ['', ['1', '2'], ['1', 'x', 'm'], [1, 2, 'm'], ['1', '2', 'm', 3], {}])
    expect(pendingOf(text)).toBeUndefined();
});
