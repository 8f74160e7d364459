import { expect, test } from 'vitest';
import { World, type SimNode } from '../../test/sim/world/world.ts';
import { drain, hintOf, openQueue } from '../../test/support/hint-script.ts';
import { isDbError } from '../base/errors.ts';
import type { DiskFile } from '../env/disk.ts';
import { hintHeaderBytes } from './hint-record.ts';
import type { HintQueue } from './hint-queue.ts';

const recordBytes = hintHeaderBytes + hintOf(1).length;
const requests = [[1], [2, 3], [4, 5, 6], [7], [8, 9, 10], [11]] as const;

/** Requests begin a segment, go on with one, and end one. */
const segmentBytesMax = 4 * recordBytes;

/** Asks the queue to keep each request; gives the numbers that it said it keeps. */
async function appendAll(queue: HintQueue, node: SimNode): Promise<readonly number[]> {
  const kept: number[] = [];
  for (const [i, numbers] of requests.entries()) {
    // Somebody makes room before the last one.
    if (i === requests.length - 1) node.drive.capacityBytes = Infinity;
    try {
      await queue.append(numbers.map((number) => hintOf(number)));
      kept.push(...numbers);
    } catch (error) {
      if (!isDbError(error, 'disk_full')) throw error;
    }
  }
  return kept;
}

async function withRoomFor(
  freeBytes: number,
  check: (world: World, node: SimNode, opened: HintQueue) => Promise<void>,
): Promise<void> {
  const world = new World(freeBytes + 1);
  const node = world.addNode('a', { zeroTailRate: 0.3 });
  const { queue } = await world.complete(openQueue(node.env, { segmentBytesMax }));
  node.drive.capacityBytes = freeBytes;
  try {
    await check(world, node, queue);
  } catch (error) {
    throw new Error(`a disk with room for ${freeBytes} bytes`, { cause: error });
  }
}

/** Each byte at which a disk can fill while the requests are written. */
const roomBytes = Array.from({ length: 10 * recordBytes }, (_, i) => i);

test('hint queue: of requests that a disk takes in part it hands out what it said it keeps, and nothing else', async () => {
  for (const freeBytes of roomBytes)
    await withRoomFor(freeBytes, async (world, node, queue) => {
      const kept = await world.complete(appendAll(queue, node));
      expect(kept).toContain(11);
      expect(kept.length).toBeLessThan(11);
      expect(await world.complete(drain(queue))).toEqual(kept);
      expect(queue).toMatchObject({ isEmpty: true, sizeBytes: 0 });
    });
});

test('hint queue: what it said it keeps on a disk that filled is there in order after power was lost', async () => {
  for (const freeBytes of roomBytes)
    await withRoomFor(freeBytes, async (world, node, queue) => {
      const kept = await world.complete(appendAll(queue, node));
      node.crash();
      node.restart();
      const again = await world.complete(openQueue(node.env));
      const numbers = await world.complete(drain(again.queue));
      expect(numbers.filter((number) => kept.includes(number))).toEqual(kept);
      // Of a request that failed whole records may have got to the disk.
      expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
      expect(again.queue.isEmpty).toBe(true);
    });
});

test('hint queue: a segment that goes as its first request fails, while it is being opened to be read, stays open for nobody', async () => {
  const world = new World(1);
  const node = world.addNode('a');
  const { disk } = node.env;
  const { queue } = await world.complete(openQueue(node.env));
  const [opens, removes] = [disk.open.bind(disk), disk.remove.bind(disk)];
  let reading: Promise<unknown> | undefined;
  let reader: DiskFile | undefined;
  let isOpen = false;
  disk.open = async (path, mode) => {
    const file = await opens(path, mode);
    if (mode !== 'read') return file;
    const close = file.close.bind(file);
    file.close = () => {
      isOpen = false;
      return close();
    };
    [reader, isOpen] = [file, true];
    await failing.catch(() => undefined);
    return file;
  };
  disk.remove = async (path) => {
    reading ??= queue.consume(1_000, ({ records }) => records.length);
    while (reader === undefined) await disk.size(path);
    await removes(path);
  };
  node.drive.capacityBytes = recordBytes / 2;
  const failing = queue.append([hintOf(1)]);
  await expect(world.complete(failing)).rejects.toMatchObject({ code: 'disk_full' });
  expect(reader).toBeDefined();
  await world.complete(Promise.resolve(reading));
  expect(isOpen).toBe(false);
  node.drive.capacityBytes = Infinity;
  await world.complete(queue.append([hintOf(2)]));
  expect(await world.complete(drain(queue))).toEqual([2]);
});
