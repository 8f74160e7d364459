import { expect, test } from 'vitest';
import { FailingDisk } from '../../../../test/support/failing-disk.ts';
import { batchOf, deleteOf, kept, openStore, readField } from '../../../../test/support/store-script.ts'; // prettier-ignore
import { World } from '../../../../test/sim/world/world.ts';
import { isDbError } from '../../../base/errors.ts';
import type { Env } from '../../../env/env.ts';
import { stampBatch, stampOf } from '../../../models/stamp.ts';
import { refusingDisk } from '../../../../test/support/refusing-disk.ts';
import { finished } from '../../../../test/support/finished.ts';
import type { Store } from '../store.ts';
import type { PointDelete } from './point-deletes.ts';

const folder = 'data/db/autogen/7';
const range = { minTimeNs: 0n, maxTimeNs: 100n };
const stamped = deleteOf('m,h=a', range, stampOf(1_000n, 1n));
const { said: _, ...plain } = stamped;
const deletes: Readonly<Record<string, PointDelete>> = {
  'without a stamp': { ...plain, filter: 'm,h=a' },
  'with a stamp': stamped,
};

/** Of the series that are meant, and of the others. */
function timesOf(store: Store): { readonly meant: string; readonly others: string } {
  const times = readField(store, 'm', 'v').map(({ time }) => time);
  const text = (wanted: (time: number) => boolean): string =>
    times.filter(wanted).toSorted((a, b) => a - b).join(); // prettier-ignore
  return {
    meant: text((time) => time <= 100 && time % 10 < 5),
    others: text((time) => time > 100 || time % 10 >= 5),
  };
}

function later(time: number): Uint8Array {
  const batch = batchOf(`m,h=a v=1 ${time}`);
  stampBatch(batch, stampOf(2_000n + BigInt(time), 1n));
  return batch;
}

async function filesIn({ disk }: Env): Promise<number> {
  return (await disk.list(folder)).filter(({ name }) => name.endsWith('.tsm')).length;
}

interface Failure {
  readonly callCount: number;
  readonly code: 'disk_full' | 'io_error';
  /** A file is replaced all the same. */
  readonly replaces: boolean;
}

const failures = [
  { code: 'disk_full', replaces: false },
  { code: 'io_error', replaces: true },
] as const;

/** Three files and points in memory; a delete that fails at one call. Answers whether it did. */
async function failed(env: Env, asked: PointDelete, failure: Failure): Promise<boolean> {
  const disk = new FailingDisk(env.disk, { ...failure, failAt: Number.MAX_SAFE_INTEGER });
  const store = await openStore(disk, env.clock);
  for (const time of [1, 2, 3]) {
    await store.write(kept, batchOf(`m,h=a v=1 ${time}\nm,h=b v=1 ${time + 5}`));
    await store.flush(kept.shardId);
  }
  await store.write(kept, batchOf('m,h=a v=1 4\nm,h=b v=1 9'));
  const all = { meant: '1,2,3,4', others: '6,7,8,9' };
  disk.failIn(failure.callCount);
  const isDone = await store.deletePoints(kept.shardId, asked).then(
    () => true,
    (error: unknown) => {
      expect(isDbError(error, failure.code), String(error)).toBe(true);
      return false;
    },
  );
  const hasFailed = disk.hasFailed;
  disk.failIn(Number.MAX_SAFE_INTEGER);
  // All of it, or nothing.
  const shown = timesOf(store);
  if (isDone || shown.meant === '') expect(shown).toEqual({ ...all, meant: '' });
  else expect(shown).toEqual(all);

  // What comes behind it is compacted.
  for (const time of [111, 112, 113]) {
    await store.write(kept, later(time));
    await store.flush(kept.shardId);
  }
  const before = await filesIn(env);
  await store.compact(kept.shardId);
  expect(await filesIn(env)).toBeLessThan(before);
  const others = `${all.others},111,112,113`;
  expect(timesOf(store)).toEqual({ meant: shown.meant, others });

  // One that it has not begun is as if nobody had asked.
  await store.endDelete(kept.shardId);
  const ended = timesOf(store);
  expect([shown, { meant: '', others }].map(({ meant }) => meant)).toContain(ended.meant);
  await store.deletePoints(kept.shardId, asked);
  expect(timesOf(store)).toEqual({ meant: '', others });
  await store.compact(kept.shardId);
  expect(await filesIn(env)).toBe(1);
  expect((await env.disk.list(folder)).filter(({ name }) => name.endsWith('.tombstone'))).toEqual([]); // prettier-ignore
  await store.close();
  const again = await openStore(env.disk, env.clock);
  expect(timesOf(again)).toEqual({ meant: '', others });
  await again.close();
  return hasFailed;
}

test.each(Object.entries(deletes))(
  'store: whatever call of the disk fails, a delete %s shows all of what it struck or nothing, compactions go on, and it is ended',
  async (_name, asked) => {
    for (const failure of failures)
      for (let callCount = 1; ; callCount++) {
        const world = new World(callCount);
        const { env } = world.addNode('a');
        const running = failed(env, asked, { callCount, ...failure });
        const isNext = await world.complete(running).catch((error: unknown) => {
          throw new Error(`call ${callCount}, ${failure.code}`, { cause: error });
        });
        if (!isNext) break;
        expect(callCount).toBeLessThan(1_000);
      }
  },
);

test('store: of a delete that fails at the last of several measurements nothing shows, and readers remember nothing of before once it is ended', async () => {
  const world = new World(1);
  const { env } = world.addNode('a');
  const run = async (): Promise<void> => {
    let isFull = false;
    let count = 0;
    const calls = { name: 'replaceFile', path: /tombstone$/, code: 'disk_full' } as const;
    const disk = refusingDisk(env.disk, calls, () => isFull && ++count > 1);
    const store = await openStore(disk, env.clock);
    for (const time of [1, 2]) {
      await store.write(kept, batchOf(`m,h=a v=1 ${time}\no,h=b v=2 ${time}`));
      await store.flush(kept.shardId);
    }
    const both: PointDelete = {
      range,
      filter: 'm',
      async *select(view) {
        for (const measurement of ['m', 'o'])
          yield await Promise.resolve({ measurement, seriesIds: finished(view.seriesIds(measurement)) }); // prettier-ignore
      },
    };
    isFull = true;
    await expect(store.deletePoints(kept.shardId, both)).rejects.toThrow('no room');
    const shown = (): readonly number[] => ['m', 'o'].map((name) => readField(store, name, 'v').length); // prettier-ignore
    expect(shown()).toEqual([2, 2]);
    await expect(store.endDelete(kept.shardId)).rejects.toThrow('no room');
    expect(shown()).toEqual([2, 2]);
    isFull = false;
    const before = store.schemaVersion;
    await store.deletePoints(kept.shardId, both);
    expect(shown()).toEqual([0, 0]);
    expect(store.view(kept.shardId)?.measurements()).toEqual([]);
    expect(store.schemaVersion).toBeGreaterThan(before);
    await store.close();
  };
  await world.complete(run());
});
