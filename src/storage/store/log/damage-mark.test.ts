import { expect, test } from 'vitest';
import { FailingDisk } from '../../../../test/support/failing-disk.ts';
import { World } from '../../../../test/sim/world/world.ts';
import type { DbErrorCode } from '../../../base/errors.ts';
import { readMark, writeMark } from './damage-mark.ts';

async function markOf(isMarked: boolean, code?: DbErrorCode): Promise<string | undefined> {
  const world = new World(1);
  const { disk } = world.addNode('d1').env;
  await world.complete(disk.makeDir('shard'));
  if (isMarked) await world.complete(writeMark(disk, 'shard', 'records may be lost'));
  const read = code === undefined ? disk : new FailingDisk(disk, { failAt: 1, code });
  return world.complete(readMark(read, 'shard'));
}

test('damage mark: it says why, and one that cannot be read is one all the same', async () => {
  expect(await markOf(false)).toBeUndefined();
  expect(await markOf(true)).toBe('records may be lost');
  expect(await markOf(true, 'io_error')).toBe('the shard was marked as damaged');
});

test('damage mark: a process that may open no more files for the moment has seen no damage', async () => {
  await expect(markOf(false, 'unavailable')).rejects.toThrow();
});
