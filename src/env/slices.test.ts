import { expect, test } from 'vitest';
import { Slices } from './slices.ts';

/** Work of an eighth of a millisecond a piece, in a thread where each turn and each rest takes so much longer than it has to. */
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
        workMs += 0.125;
        this.nowMs += 0.125;
      } while (!(await this.slices.next()));
      lengths.push(workMs);
    }
    return lengths;
  }
}

test('slices: whoever comes waits for half a millisecond, and few turns are rests', async () => {
  const thread = new Thread();
  expect(new Set(await thread.lengthsMs(600))).toEqual(new Set([0.5]));
  expect(thread.restCount).toBe(10);
});

test('slices: somebody in this thread gets some rests after each, until nobody is there', async () => {
  const thread = new Thread();
  await thread.lengthsMs(2);
  thread.turnMs = 2;
  thread.lateMs = 2;
  await thread.lengthsMs(1);
  const restsBefore = thread.restCount;
  expect(await thread.lengthsMs(3)).toEqual([1, 1, 1]);
  expect(thread.restCount - restsBefore).toBe(12);
  thread.turnMs = 0;
  thread.lateMs = 0;
  await thread.lengthsMs(1);
  const restsUndisturbed = thread.restCount;
  await thread.lengthsMs(2);
  expect(thread.restCount).toBe(restsUndisturbed);
});

test('slices: on a machine of which others have all processors long work goes on', async () => {
  const thread = new Thread();
  thread.lateMs = 30;
  await thread.lengthsMs(60);
  const startMs = thread.nowMs;
  await thread.lengthsMs(100);
  expect((thread.nowMs - startMs) / 100).toBeLessThan(34);
});

test('slices: somebody who has little to do costs no rests', async () => {
  const thread = new Thread();
  thread.turnMs = 0.2;
  await thread.lengthsMs(50);
  expect(thread.restCount).toBe(0);
});

test('slices: threads that wait for the processor are found by the rest that is made now and then', async () => {
  const thread = new Thread();
  thread.lateMs = 3;
  await thread.lengthsMs(60);
  const restsBefore = thread.restCount;
  await thread.lengthsMs(3);
  expect(thread.restCount - restsBefore).toBe(12);
});
