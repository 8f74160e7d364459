import { expect, test } from 'vitest';
import type { Disk } from './disk.ts';
import { makeDurableDir, parentsOf } from './make-durable-dir.ts';

test('durable folders: it is made, and then all above it are synced, the nearest first', async () => {
  const calls: string[] = [];
  const say = (name: string) => async (path: string) => {
    await Promise.resolve();
    calls.push(`${name} ${path}`);
  };
  const disk = { makeDir: say('make'), syncDir: say('sync') } as unknown as Disk;
  await makeDurableDir(disk, '/var/lib/x');
  expect(calls).toEqual(['make /var/lib/x', 'sync /var/lib', 'sync /var', 'sync /']);
  expect(parentsOf('data/db')).toEqual(['data', '.']);
  expect(parentsOf('data')).toEqual(['.']);
});
