import { expect, test } from 'vitest';
import { laxFile, wrapped } from '../../test/sim/world/lax-disk.ts';
import { World } from '../../test/sim/world/world.ts';
import { drain, hintOf, openQueue, type OpenedQueue } from '../../test/support/hint-script.ts';
import { DbError, errorText } from '../base/errors.ts';
import type { Disk } from '../env/disk.ts';
import { HintQuarantine } from './hint-quarantine.ts';

/** A disk of which segments of hints cannot be read from `start` up to `end`. */
function withBadSector(disk: Disk, { start, end }: { readonly start: number; readonly end: number }): Disk {
  return wrapped(disk, {
    open: async (path, mode) => {
      const file = await disk.open(path, mode);
      if (!path.endsWith('.hint')) return file;
      const readAt = (offset: number, into: Uint8Array): Promise<number> =>
        offset < end && offset + into.length > start
          ? Promise.reject(new DbError('io_error', 'a bad sector'))
          : file.readAt(offset, into);
      return { ...laxFile(file), lengthBytes: file.lengthBytes, readAt };
    },
  });
} // prettier-ignore

/** Ten records of 2,024 bytes in one segment, of which a sector holds parts of three. */
async function queued(
  isDiskWell: () => Promise<boolean>,
): Promise<OpenedQueue & { readonly drained: () => Promise<unknown> }> {
  const world = new World(1);
  const { disk, clock } = world.addNode('a').env;
  const bad = withBadSector(disk, { start: 8_192, end: 12_288 });
  const options = { segmentBytesMax: 100_000 };
  const first = await world.complete(openQueue({ disk, clock }, options));
  for (let number = 1; number <= 10; number++)
    await world.complete(first.queue.append([hintOf(number, 2_000)]));
  await world.complete(first.queue.rest());
  const opened = await world.complete(openQueue({ disk: bad, clock }, options, isDiskWell));
  const drained = () => world.complete(drain(opened.queue, 100_000).catch(errorText));
  return { ...opened, drained };
}

test('hint queue: a sector that cannot be read costs what is in it, once it has failed some times', async () => {
  const { drained, damages, queue } = await queued(() => Promise.resolve(true));
  for (let time = 0; time < 4; time++) expect(await drained()).toBe('a bad sector');
  expect(await drained()).toEqual([1, 2, 3, 4, 8, 9, 10]);
  expect(queue.isEmpty).toBe(true);
  const bytes = damages.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0);
  expect({ bytes, isUnreadable: damages.every((one) => one.isUnreadable) }).toEqual({ bytes: 3 * 2_024, isUnreadable: true }); // prettier-ignore
});

test('hint queue: of a disk that takes no files nothing is given up, and all is there once it is back', async () => {
  let isWell = false;
  const { drained, damages } = await queued(() => Promise.resolve(isWell));
  for (let time = 0; time < 20; time++) expect(await drained()).toBe('a bad sector');
  expect(damages).toEqual([]);
  isWell = true;
  expect(await drained()).toHaveLength(7);
});

test('hint quarantine: a disk takes files, or it does not; what it cannot read is lost, at the end of a segment too', async () => {
  const world = new World(1);
  const { drive, env } = world.addNode('a');
  const quarantine = new HintQuarantine(env, 'hh');
  expect(await world.complete(quarantine.takesFiles())).toBe(true);
  expect(await world.complete(env.disk.list('hh/damaged'))).toEqual([]);
  const zeros = new Uint8Array(4_096);
  const damage = { offset: 8_192, lengthBytes: zeros.length, isTail: true };
  const take = (isUnreadable: boolean) => world.complete(quarantine.take('hh/5/7/0000000001.hint', { ...damage, isUnreadable }, zeros)); // prettier-ignore
  expect([await take(false), await take(true)]).toEqual([false, true]);
  drive.ioErrorRate = 1;
  expect(await world.complete(quarantine.takesFiles())).toBe(false);
});
