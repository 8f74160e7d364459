import { once } from 'node:events';
import { MessageChannel } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { Turns } from './turns.ts';

/** Slices of `jobCount` long jobs that run while a message is under way and answered. */
async function slicesPerMessage(turn: () => Promise<void>, jobCount: number): Promise<number> {
  const { port1, port2 } = new MessageChannel();
  port2.on('message', () => {
    port2.postMessage('answer');
  });
  const work = { sliceCount: 0, isOver: false };
  const job = async (): Promise<void> => {
    while (!work.isOver) {
      await turn();
      work.sliceCount++;
    }
  };
  const jobs = Promise.all(Array.from({ length: jobCount }, job));
  await turn();
  const before = work.sliceCount;
  port1.postMessage('question');
  await once(port1, 'message');
  const passed = work.sliceCount - before;
  work.isOver = true;
  await jobs;
  port1.close();
  return passed;
}

test('turns: whoever is asked beside long jobs waits for a slice at a step, not for one of each job', async () => {
  const { turn } = new Turns();
  expect(await slicesPerMessage(turn, 200)).toBeLessThan(100);
});

test('turns: each waits its turn, in the order in which they came', async () => {
  const { turn } = new Turns();
  const order: string[] = [];
  const job = async (name: string): Promise<void> => {
    for (let i = 0; i < 3; i++) {
      await turn();
      order.push(`${name}${i}`);
    }
  };
  await Promise.all([job('a'), job('b'), job('c')]);
  expect(order.join(' ')).toBe('a0 b0 c0 a1 b1 c1 a2 b2 c2');
  await turn();
});
