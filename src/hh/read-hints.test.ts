import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { World } from '../../test/sim/world/world.ts';
import { drain, hintFolder, hintOf, openQueue } from '../../test/support/hint-script.ts';
import { SharedBuffers } from '../base/shared-buffers.ts';
import type { Env } from '../env/env.ts';
import { HintClock } from './hint-clock.ts';
import { HintQueue } from './hint-queue.ts';
import { hintHeaderBytes } from './hint-record.ts';

/** Runs `work` on a simulated machine. */
async function on(work: (env: Env) => Promise<void>): Promise<void> {
  const world = new World(1);
  const node = world.addNode('a');
  await world.complete(work(node.env));
}

test('hints: records of any length come out as they were queued, each where columns may be read', async () => {
  const lengths = fc.array(fc.oneof(fc.nat(300), fc.nat(200_000)), { minLength: 1, maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(lengths, fc.integer({ min: 1, max: 150_000 }), async (all, bytesMax) => {
      await on(async (env) => {
        const { queue } = await openQueue(env, { segmentBytesMax: 300_000 });
        const payloads = all.map((lengthBytes, i) => hintOf(i + 1, 4 + lengthBytes));
        for (const payload of payloads) await queue.append([payload]);
        const seen: Uint8Array[] = [];
        while (queue.hasUnread)
          await queue.consume(bytesMax, ({ records }) => {
            for (const { payload } of records) {
              expect(payload.byteOffset % 8).toBe(0);
              seen.push(Uint8Array.from(payload));
            }
            return records.length;
          });
        expect(seen.length).toBe(payloads.length);
        for (const [i, payload] of payloads.entries())
          expect(Buffer.compare(seen[i] ?? new Uint8Array(), payload)).toBe(0);
      });
    }),
    { seed: 1, numRuns: 40 },
  );
});

test('hints: a long queue is brought in memory of a block or two, and not in new memory for each', () =>
  on(async (env) => {
    const { queue } = await openQueue(env, { segmentBytesMax: 1_000_000 });
    for (let number = 1; number <= 40; number++) await queue.append([hintOf(number, 100_000)]);
    const memories = new Set<ArrayBufferLike>();
    while (queue.hasUnread)
      await queue.consume(100_000, ({ records }) => {
        for (const { payload } of records) memories.add(payload.buffer);
        return records.length;
      });
    expect(memories.size).toBeLessThanOrEqual(2);
  }));

test('hints: what was not consumed is there again, whatever was read over it meanwhile', () =>
  on(async (env) => {
    const { queue } = await openQueue(env, { segmentBytesMax: 10_000 });
    for (let number = 1; number <= 6; number++) await queue.append([hintOf(number, 100)]);
    await queue.consume(1_000, () => 2);
    await queue
      .consume(1_000, () => {
        throw new Error('the owner has died');
      })
      .catch(() => undefined);
    expect(await drain(queue)).toEqual([3, 4, 5, 6]);
  }));

test('hints: single lines are brought some at a time, so that no fresh write waits for thousands of them', () =>
  on(async (env) => {
    const { queue } = await openQueue(env, { segmentBytesMax: 1_000_000 });
    await queue.append(Array.from({ length: 1_000 }, (_, i) => hintOf(i + 1, 200)));
    const counts: number[] = [];
    while (queue.hasUnread)
      await queue.consume(512_000, ({ records }) => {
        counts.push(records.length);
        return records.length;
      });
    expect(counts).toEqual([...Array<number>(7).fill(128), 104]);
  }));

test('hints: with a batch size of nothing they are brought one by one', () =>
  on(async (env) => {
    const { queue } = await openQueue(env);
    for (let number = 1; number <= 3; number++) await queue.append([hintOf(number)]);
    expect(await drain(queue, 0)).toEqual([1, 2, 3]);
  }));

/** Tells how much of it is lent. */
class CountedBuffers extends SharedBuffers {
  lentBytes = 0;
  lentBytesMax = 0;

  override lend(lengthBytes: number): Uint8Array<SharedArrayBuffer> {
    const lent = super.lend(lengthBytes);
    this.lentBytes += lent.length;
    this.lentBytesMax = Math.max(this.lentBytesMax, this.lentBytes);
    return lent;
  }

  override giveBack(bytes: Uint8Array): void {
    this.lentBytes -= bytes.buffer.byteLength;
    super.giveBack(bytes);
  }
}

test('hints: of a long queue that the disk has spoilt no more is in memory than of another', () =>
  on(async ({ disk, clock }) => {
    const { queue } = await openQueue({ disk, clock }, { segmentBytesMax: 1_000_000 });
    for (let number = 1; number <= 41; number++) await queue.append([hintOf(number, 100_000)]);
    await queue.rest();
    for (const { name } of await disk.list(hintFolder)) {
      const bytes = await disk.readFile(`${hintFolder}/${name}`);
      for (let at = 1_000; at < bytes.length - 100_000; at += 100_000 + hintHeaderBytes)
        bytes[at] = (bytes[at] ?? 0) ^ 1;
      await disk.replaceFile(`${hintFolder}/${name}`, bytes);
    }
    const buffers = new CountedBuffers(1 << 20);
    const onDamage = () => Promise.resolve();
    const isDiskWell = () => Promise.resolve(true);
    const spoilt = new HintQueue({ disk, clock: new HintClock(clock), onDamage, isDiskWell, buffers }, { folder: hintFolder, segmentBytesMax: 150 }); // prettier-ignore
    await spoilt.load();
    const numbers = await drain(spoilt, 100_000);
    expect(numbers.at(-1)).toBe(41);
    expect(numbers.length).toBeLessThan(10);
    expect(buffers.lentBytes).toBe(0);
    expect(buffers.lentBytesMax).toBeLessThan(1_000_000);
  }));
