import { expect, test } from 'vitest';
import type { Clock } from '../../../env/clock.ts';
import { IdleWatch } from './idle-watch.ts';

function handClock() {
  const turns = new Set<() => void>();
  const every = (_periodMs: number, run: () => void) => {
    turns.add(run);
    return { cancel: () => turns.delete(run) };
  };
  return { clock: { every } as unknown as Clock, turns, turn: () => [...turns].forEach((run) => run()) }; // prettier-ignore
}

test('idle watch: what grows is left alone, what does not is told of each time', () => {
  const { clock, turn } = handClock();
  const watch = new IdleWatch(clock, 10);
  let grown = 0;
  const told: string[] = [];
  watch.add(() => grown, () => told.push('grows')); // prettier-ignore
  watch.add(() => 5, () => told.push('stands')); // prettier-ignore
  for (let i = 0; i < 3; i++) {
    grown++;
    turn();
  }
  expect(told).toEqual(['stands', 'stands']);
});

test('idle watch: what begins just before a look has its whole time', () => {
  const { clock, turn } = handClock();
  const watch = new IdleWatch(clock, 10);
  watch.add(() => 0, () => expect.fail('too early')).cancel(); // prettier-ignore
  let toldCount = 0;
  watch.add(() => 0, () => toldCount++); // prettier-ignore
  turn();
  expect(toldCount).toBe(0);
  turn();
  expect(toldCount).toBe(1);
});

test('idle watch: one timer serves all, and ends when nothing is left', () => {
  const { clock, turns, turn } = handClock();
  const watch = new IdleWatch(clock, 10);
  const timers = [1, 2, 3].map(() => watch.add(() => 0, () => undefined)); // prettier-ignore
  expect(turns.size).toBe(1);
  for (const timer of timers) timer.cancel();
  turn();
  expect(turns.size).toBe(0);
  watch.add(() => 0, () => undefined); // prettier-ignore
  expect(turns.size).toBe(1);
});
