import { expect, test } from 'vitest';
import { BodyBudget } from './body-budget.ts';

async function isPending(wait: Promise<void> | undefined): Promise<boolean> {
  if (wait === undefined) return false;
  let isDone = false;
  void wait.then(() => (isDone = true));
  await Promise.resolve()
    .then(() => Promise.resolve())
    .then(() => Promise.resolve());
  return !isDone;
}

test('body budget: bytes count as they come, and are given back once', () => {
  const budget = new BodyBudget(100);
  const place = budget.open();
  expect(place.take(60)).toBeUndefined();
  expect(place.take(40)).toBeUndefined();
  expect(budget.takenBytes).toBe(100);
  place.close();
  place.close();
  expect([budget.takenBytes, budget.openCount]).toEqual([0, 0]);
});

test('body budget: who sends nothing takes nothing, whatever it has announced', () => {
  const budget = new BodyBudget(100);
  for (let i = 0; i < 1_000; i++) budget.open();
  expect(budget.open().take(100)).toBeUndefined();
});

test('body budget: when all is taken the oldest goes on, others wait for it in order', async () => {
  const budget = new BodyBudget(100);
  const [oldest, second, third] = [budget.open(), budget.open(), budget.open()];
  expect(oldest.take(50)).toBeUndefined();
  expect(second.take(50)).toBeUndefined();
  const ofThird = third.take(10);
  const ofSecond = second.take(30);
  expect(await isPending(ofThird)).toBe(true);
  // A body that waited behind the others would never end, and neither would they.
  expect(await isPending(oldest.take(1_000))).toBe(false);
  oldest.close();
  expect([await isPending(ofThird), await isPending(ofSecond)]).toEqual([false, false]);
  expect(budget.takenBytes).toBe(90);
});

test('body budget: who leaves while waiting has taken nothing', async () => {
  const budget = new BodyBudget(100);
  const [oldest, second] = [budget.open(), budget.open()];
  expect(oldest.take(100)).toBeUndefined();
  const wait = second.take(10);
  second.close();
  expect(await isPending(wait)).toBe(false);
  oldest.close();
  expect([budget.takenBytes, budget.openCount]).toEqual([0, 0]);
});

test('body budget: after any mix of takes and ends all is given back', async () => {
  const budget = new BodyBudget(1_000);
  let state = 7;
  const below = (end: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) % end;
  };
  const places = Array.from({ length: 40 }, () => budget.open());
  const waits: (Promise<void> | undefined)[] = [];
  for (let round = 0; round < 500; round++) {
    const place = places[below(places.length)];
    if (below(8) === 0) place?.close();
    else waits.push(place?.take(below(200)));
  }
  for (const place of places) place.close();
  for (const wait of waits) await wait;
  expect([budget.takenBytes, budget.openCount]).toEqual([0, 0]);
});
