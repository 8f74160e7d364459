import { expect, test } from 'vitest';
import { GiveWay } from './give-way.ts';

/** A clock on which each rest ends `lateMs` after it should. */
function clockOf(): {
  readonly rests: number[];
  lateMs: number;
  nowMs: number;
} & ConstructorParameters<typeof GiveWay>[0]['clock'] {
  return {
    rests: [],
    lateMs: 0,
    nowMs: 10_000,
    monotonicMs(): number {
      return this.nowMs;
    },
    sleep(ms: number): Promise<void> {
      this.rests.push(ms);
      this.nowMs += ms + this.lateMs;
      return Promise.resolve();
    },
  };
}

async function restOften(way: GiveWay, count: number, before: () => void): Promise<void> {
  for (let i = 0; i < count; i++) {
    before();
    await way.rest();
  }
}

test('give way: there is no rest while nobody writes, and some a second after the last write', async () => {
  const clock = clockOf();
  let writeCount = 5;
  const way = new GiveWay({ clock, writeCount: () => writeCount });
  await restOften(way, 100, () => undefined);
  expect(clock.rests).toEqual([]);
  writeCount++;
  await way.rest();
  expect(clock.rests.length).toBe(1);
  clock.nowMs += 980;
  await way.rest();
  expect(clock.rests.length).toBe(2);
  clock.nowMs += 30;
  await restOften(way, 100, () => undefined);
  expect(clock.rests.length).toBe(2);
});

test('give way: rests grow while they end late, up to a longest, and shrink again', async () => {
  const clock = clockOf();
  let writeCount = 0;
  const way = new GiveWay({ clock, writeCount: () => writeCount });
  clock.lateMs = 5;
  await restOften(way, 8, () => writeCount++);
  expect(clock.rests).toEqual([10, 20, 40, 80, 100, 100, 100, 100]);
  clock.lateMs = 1;
  await restOften(way, 100, () => writeCount++);
  expect(clock.rests.slice(8, 11)).toEqual([100, 99, 98]);
  expect(clock.rests.at(-1)).toBe(10);
});

test('give way: several copies rest one after the other', async () => {
  const clock = clockOf();
  let [writeCount, resting, most] = [0, 0, 0];
  const sleep = async (ms: number): Promise<void> => {
    most = Math.max(most, ++resting);
    await Promise.resolve();
    clock.nowMs += ms;
    resting--;
  };
  const way = new GiveWay({
    clock: { monotonicMs: () => clock.nowMs, sleep },
    writeCount: () => ++writeCount,
  });
  await Promise.all(Array.from({ length: 8 }, () => way.rest()));
  expect([most, resting]).toEqual([1, 0]);
});
