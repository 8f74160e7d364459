import { expect, test } from 'vitest';
import { Loop, type Life } from './loop.ts';

const life = (node: string): Life => ({ node, generation: 1, alive: true });

test('loop: events run in order of time, then of scheduling, with promises drained between', async () => {
  const loop = new Loop(1);
  const seen: string[] = [];
  const node = life('a');
  const chain = async (name: string, delayMs: number): Promise<void> => {
    await loop.later(node, delayMs, () => seen.push(name));
    await Promise.resolve();
    seen.push(`${name} after`);
  };
  void chain('late', 20);
  void chain('first', 10);
  void chain('second', 10);
  await loop.run(100);
  expect(seen).toEqual(['first', 'first after', 'second', 'second after', 'late', 'late after']);
  expect(loop.nowMs).toBe(100);
});

test('loop: a crash is a promise that never settles, so no finally runs', async () => {
  const loop = new Loop(1);
  const node = life('a');
  let ended = false;
  const work = async (): Promise<void> => {
    try {
      await loop.later(node, 10, () => undefined);
    } finally {
      ended = true;
    }
  };
  void work();
  loop.schedule(5, () => {
    node.alive = false;
  });
  await loop.run(100);
  expect(ended).toBe(false);
});

test('loop: work that does not settle in its time is an error that names the seed', async () => {
  const loop = new Loop(77);
  const never = new Promise<void>(() => undefined);
  await expect(loop.complete(never, 1_000)).rejects.toThrow('seed 77');
});
