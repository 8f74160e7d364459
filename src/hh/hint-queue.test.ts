import { expect, test } from 'vitest';
import { World } from '../../test/sim/world/world.ts';
import { FailingDisk } from '../../test/support/failing-disk.ts';
import { drain, hintFolder, hintOf, numberOf, openQueue } from '../../test/support/hint-script.ts';
import type { Disk } from '../env/disk.ts';
import type { Env } from '../env/env.ts';
import { HintQuarantine } from './hint-quarantine.ts';
import type { HintQueue } from './hint-queue.ts';

/** Runs `work` on a simulated machine. */
async function on(work: (env: Env) => Promise<void>): Promise<void> {
  const world = new World(1);
  const node = world.addNode('a');
  await world.complete(work(node.env));
}

async function appendAll(queue: HintQueue, numbers: readonly number[]): Promise<void> {
  for (const number of numbers) await queue.append([hintOf(number)]);
}

async function namesIn(disk: Disk): Promise<readonly string[]> {
  return (await disk.list(hintFolder)).map(({ name }) => name);
}

test('hint queue: what was queued comes out in order, over segments and restarts, and leaves nothing', () =>
  on(async (env) => {
    const first = await openQueue(env);
    expect(first.queue.isEmpty).toBe(true);
    await appendAll(first.queue, [1, 2, 3, 4, 5]);
    await first.queue.append([6, 7].map((number) => hintOf(number)));
    expect(await namesIn(env.disk)).toEqual(['0000000001.hint', '0000000002.hint']);
    await first.queue.rest();
    const { queue, damages } = await openQueue(env);
    expect(queue).toMatchObject({ isEmpty: false, segmentCount: 2 });
    expect(queue.sizeBytes).toBe(7 * 64);
    await appendAll(queue, [8]);
    expect(await drain(queue)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(damages).toEqual([]);
    expect(queue).toMatchObject({ isEmpty: true, sizeBytes: 0, unreadBytes: 0 });
    expect(await namesIn(env.disk)).toEqual([]);
    await appendAll(queue, [9]);
    expect(await drain(queue)).toEqual([9]);
  }));

test('hint queue: what is not consumed stays at the head, and a block has at most so many bytes', () =>
  on(async (env) => {
    const { queue } = await openQueue(env, { segmentBytesMax: 10_000 });
    await appendAll(queue, [1, 2, 3]);
    await queue.append([hintOf(4, 500)]);
    const seen: number[][] = [];
    const consume = (count: number) =>
      queue.consume(80, ({ records }) => {
        seen.push(records.map(({ payload }) => numberOf(payload)));
        return Math.min(count, records.length);
      });
    await consume(0);
    await consume(1);
    await consume(2);
    await consume(1);
    expect(seen).toEqual([[1, 2], [1, 2], [2, 3], [4]]); // prettier-ignore
    expect(queue.isEmpty).toBe(true);
    expect(await consume(1)).toBe(false);
  }));

test('hint queue: it counts as not empty from the call of append on', () =>
  on(async (env) => {
    const { queue } = await openQueue(env);
    const appended = queue.append([hintOf(1)]);
    expect(queue).toMatchObject({ isEmpty: false, hasUnread: false });
    await appended;
    expect(queue.hasUnread).toBe(true);
  }));

test('hint queue: with any bit of a segment turned over one record is lost at most, and what is handed out was queued', () =>
  on(async (env) => {
    const { queue } = await openQueue(env, { segmentBytesMax: 10_000 });
    await appendAll(queue, [1, 2, 3, 4]);
    await queue.rest();
    const path = `${hintFolder}/0000000001.hint`;
    const whole = await env.disk.readFile(path);
    for (let bit = 0; bit < whole.length * 8; bit++) {
      const bad = whole.slice();
      bad[bit >>> 3] = (bad[bit >>> 3] ?? 0) ^ (1 << (bit & 7));
      await env.disk.replaceFile(path, bad);
      const opened = await openQueue(env, { segmentBytesMax: 10_000 });
      const numbers = await drain(opened.queue);
      const hit = 1 + Math.floor(bit / 8 / 64);
      expect(numbers, `bit ${bit}`).toEqual([1, 2, 3, 4].filter((number) => number !== hit));
      expect(opened.damages).toEqual([{ offset: (hit - 1) * 64, lengthBytes: 64, isTail: hit === 4 && bit % 512 < 192 }]); // prettier-ignore
    }
  }));

test('hint queue: a segment that is cut at any byte gives what is whole', () =>
  on(async (env) => {
    const { queue } = await openQueue(env, { segmentBytesMax: 10_000 });
    await appendAll(queue, [1, 2, 3]);
    await queue.rest();
    const path = `${hintFolder}/0000000001.hint`;
    const whole = await env.disk.readFile(path);
    for (let end = 0; end <= whole.length; end++) {
      await env.disk.replaceFile(path, whole.subarray(0, end));
      const opened = await openQueue(env, { segmentBytesMax: 10_000 });
      const wanted = [1, 2, 3].slice(0, Math.floor(end / 64));
      expect(await drain(opened.queue)).toEqual(wanted);
      expect(opened.queue.isEmpty).toBe(true);
    }
  }));

test('hint queue: a full disk leaves no file per refused write, and what came before and after is kept', () =>
  on(async (env) => {
    const { queue } = await openQueue(env);
    await appendAll(queue, [1]);
    await queue.rest();
    const full = new FailingDisk(env.disk, { failAt: 4, code: 'disk_full', stays: true });
    const broken = await openQueue({ ...env, disk: full });
    for (let attempt = 0; attempt < 5; attempt++)
      await expect(broken.queue.append([hintOf(2)])).rejects.toThrow('made to fail');
    expect(await namesIn(env.disk)).toEqual(['0000000001.hint']);
    expect(broken.queue.isEmpty).toBe(false);
    const { queue: again } = await openQueue(env);
    await appendAll(again, [3]);
    expect(await drain(again)).toEqual([1, 3]);
  }));

test('hint queue: a dropped one is gone from the disk and takes no more', () =>
  on(async (env) => {
    const { queue } = await openQueue(env);
    await appendAll(queue, [1, 2, 3]);
    await queue.drop();
    expect(queue.isEmpty).toBe(true);
    expect(await env.disk.list('hh/5')).toEqual([]);
    await expect(queue.append([hintOf(4)])).rejects.toMatchObject({ code: 'shard_not_found' });
  }));

test('hint quarantine: damage is kept under a name that tells where it was; a torn end is not', () =>
  on(async ({ disk, log }) => {
    const quarantine = new HintQuarantine({ disk, log }, 'hh');
    const bytes = hintOf(9, 64);
    const path = 'hh/5/7/0000000001.hint';
    await quarantine.take(path, { offset: 64, lengthBytes: 64, isTail: false }, bytes);
    await quarantine.take(
      path,
      { offset: 128, lengthBytes: 5, isTail: true },
      bytes.subarray(0, 5),
    );
    expect((await disk.list('hh/damaged')).map(({ name }) => name)).toEqual(['5-7-0000000001-64.bad']); // prettier-ignore
    expect(await disk.readFile('hh/damaged/5-7-0000000001-64.bad')).toEqual(bytes);
  }));
