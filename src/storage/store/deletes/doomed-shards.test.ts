import { expect, test } from 'vitest';
import { DbError, type DbErrorCode } from '../../../base/errors.ts';
import type { Disk } from '../../../env/disk.ts';
import { DoomedShards } from './doomed-shards.ts';

const place = { shardId: 7, database: 'd', retentionPolicy: 'p' };
const folder = 'data/d/p/7';

/** What is asked of the disk and the roster, in order; the calls named in `failing` fail so, once each. */
function doomedOn(failing: Partial<Record<string, DbErrorCode>> = {}) {
  const calls: string[] = [];
  const call = (name: string, what = name): Promise<void> => {
    calls.push(what);
    const code = failing[name];
    failing[name] = undefined;
    return code === undefined ? Promise.resolve() : Promise.reject(new DbError(code, name));
  };
  const disk = {
    rename: (from: string, to: string) => call('rename', `rename ${from} to ${to}`),
    syncDir: (path: string) => call('sync', `sync ${path}`),
    removeTree: (path: string) => call('remove', `remove ${path}`),
  } as unknown as Disk;
  const doomed = new DoomedShards(disk, (shardId) => call('forget', `forget ${shardId}`));
  return { doomed, calls };
}

const gone = [
  `rename ${folder} to ${folder}.deleted`,
  'sync data/d/p',
  'forget 7',
  `remove ${folder}.deleted`,
  'forget 7',
];

test('doomed shards: a folder loses its name, durably, before the roster forgets it and anything in it goes', async () => {
  const { doomed, calls } = doomedOn();
  await doomed.remove(7);
  expect(calls).toEqual([]);
  doomed.add(7, { place, folder, open: undefined });
  expect([doomed.has(7), doomed.places]).toEqual([true, [place]]);
  await doomed.remove(7);
  expect(calls).toEqual(gone);
  expect([doomed.has(7), doomed.places]).toEqual([false, []]);
});

test('doomed shards: one that is set aside stays under its other name, and the roster knows of it', async () => {
  const { doomed, calls } = doomedOn();
  doomed.add(7, { place, folder, open: undefined, asideTo: `${folder}.aside-1` });
  expect(doomed.asideOf(7)).toBe(`${folder}.aside-1`);
  await doomed.remove(7);
  expect(calls).toEqual([`rename ${folder} to ${folder}.aside-1`, 'sync data/d/p']);
});

test.each(['rename', 'sync', 'forget', 'remove'])(
  'doomed shards: where the disk fails (%s) it is there until it is asked for again',
  async (name) => {
    const { doomed, calls } = doomedOn({ [name]: 'io_error' });
    doomed.add(7, { place, folder, open: undefined });
    await expect(doomed.remove(7)).rejects.toMatchObject({ code: 'io_error', message: name });
    // Nothing behind it was begun.
    expect(calls).toEqual(gone.slice(0, calls.length));
    expect(calls.at(-1)).toContain(name);
    expect(doomed.has(7)).toBe(true);
    calls.length = 0;
    await doomed.remove(7);
    expect([calls, doomed.has(7)]).toEqual([gone, false]);
  },
);

test('doomed shards: what is gone already is no failure, and a full disk has the roster forget it later', async () => {
  for (const failing of [{ rename: 'not_found' }, { sync: 'not_found' }, { forget: 'disk_full' }] as const) {
    const { doomed, calls } = doomedOn({ ...failing });
    doomed.add(7, { place, folder, open: undefined });
    await doomed.remove(7);
    expect(calls).toEqual(gone);
  }
}); // prettier-ignore

test.each(['flushing', 'compacting', 'deleting'])(
  'doomed shards: what is under way (%s) ends before, and whoever asks meanwhile waits for the same',
  async (name) => {
    const { doomed, calls } = doomedOn();
    const ended: string[] = [];
    const fail = async (): Promise<void> => {
      for (let i = 0; i < 50; i++) await Promise.resolve();
      ended.push(`${name} before ${calls.length} calls`);
      throw new Error('it failed');
    };
    const shard = { retire: () => ended.push('retired') };
    const idle = { flushing: undefined, compacting: undefined, deleting: Promise.resolve() };
    doomed.add(7, { place, folder, open: { shard, ...idle, [name]: fail() } as never });
    await Promise.all([doomed.remove(7), doomed.remove(7)]);
    expect(calls).toEqual(gone);
    expect(ended).toEqual([`${name} before 0 calls`, 'retired']);
  },
);
