import { expect, test } from 'vitest';
import { DbError } from '../base/errors.ts';
import type { Disk } from './disk.ts';
import { lockFolders } from './lock-folders.ts';

/** What is asked of a disk of which another process has folder `taken`. */
function diskWith(taken?: string) {
  const calls: string[] = [];
  const disk = {
    makeDir: (path: string) => Promise.resolve(void calls.push(`make ${path}`)),
    lock: (path: string) => {
      if (path === `${taken}/.lock`) return Promise.reject(new DbError('conflict', `${taken} is in use`)); // prettier-ignore
      calls.push(`lock ${path}`);
      return Promise.resolve({
        release: () => Promise.resolve(void calls.push(`release ${path}`)),
      });
    },
  } as unknown as Disk;
  return { disk, calls };
}

test('locks of folders: each is made and taken once, and all are given back', async () => {
  const { disk, calls } = diskWith();
  const lock = await lockFolders(disk, ['a', 'b', 'a']);
  expect(calls).toEqual(['make a', 'lock a/.lock', 'make b', 'lock b/.lock']);
  await lock.release();
  expect(calls.slice(4)).toEqual(['release a/.lock', 'release b/.lock']);
});

test('locks of folders: where another process has one none is kept', async () => {
  const { disk, calls } = diskWith('b');
  await expect(lockFolders(disk, ['a', 'b', 'c'])).rejects.toMatchObject({ code: 'conflict' });
  expect(calls).toEqual(['make a', 'lock a/.lock', 'make b', 'release a/.lock']);
});
