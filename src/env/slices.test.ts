import { expect, test } from 'vitest';
import { Slices } from './slices.ts';

/** Work of half a millisecond a piece, in a thread where each turn and each rest takes so much longer than it has to. */
class Thread {
  nowMs = 0;
  turnMs = 0;
  lateMs = 0;
  restCount = 0;
  readonly slices = new Slices({
    clock: {
      monotonicMs: () => this.nowMs,
      sleep: (durationMs) => {
        this.restCount++;
        this.nowMs += durationMs + this.lateMs;
        return Promise.resolve();
      },
    },
    turn: () => {
      this.nowMs += this.turnMs;
      return Promise.resolve();
    },
  });

  /** The lengths of so many slices. */
  async lengthsMs(count: number): Promise<readonly number[]> {
    const lengths: number[] = [];
    while (lengths.length < count) {
      let workMs = 0;
      do {
        workMs += 0.5;
        this.nowMs += 0.5;
      } while (!(await this.slices.next()));
      lengths.push(workMs);
    }
    return lengths;
  }
}

test('slices: while nobody is there they are long, and few turns are rests', async () => {
  const thread = new Thread();
  const [, ...lengths] = await thread.lengthsMs(40);
  expect(new Set(lengths)).toEqual(new Set([5]));
  expect(thread.restCount).toBe(6);
});

test('slices: somebody in this thread makes them short, with some rests after each, until nobody is', async () => {
  const thread = new Thread();
  await thread.lengthsMs(2);
  thread.turnMs = 8;
  thread.lateMs = 8;
  await thread.lengthsMs(1);
  const restsBefore = thread.restCount;
  expect(await thread.lengthsMs(3)).toEqual([1, 1, 1]);
  expect(thread.restCount - restsBefore).toBe(24);
  thread.turnMs = 0;
  thread.lateMs = 0;
  await thread.lengthsMs(1);
  expect(await thread.lengthsMs(2)).toEqual([5, 5]);
});

test('slices: somebody who has little to do makes them short for some time, and costs no rests', async () => {
  const thread = new Thread();
  await thread.lengthsMs(2);
  thread.turnMs = 0.2;
  await thread.lengthsMs(1);
  thread.turnMs = 0;
  const restsBefore = thread.restCount;
  const lengths = await thread.lengthsMs(50);
  expect(new Set(lengths.slice(0, 30))).toEqual(new Set([1]));
  expect(lengths.slice(-3)).toEqual([5, 5, 5]);
  expect(thread.restCount - restsBefore).toBeLessThan(10);
});

test('slices: threads that wait for the processor are found by the rest that is made now and then', async () => {
  const thread = new Thread();
  thread.lateMs = 3;
  const lengths = await thread.lengthsMs(9);
  expect(lengths.slice(-3)).toEqual([1, 1, 1]);
});
