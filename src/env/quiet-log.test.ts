import { expect, test } from 'vitest';
import { QuietLog } from './quiet-log.ts';

test('quiet log: of one kind a line in so much time, which says how many were left out, and kinds do not hide each other', () => {
  let nowMs = 0;
  const quiet = new QuietLog({ monotonicMs: () => nowMs }, 100);
  const lines: unknown[] = [];
  const say = (kind: string, atMs: number): void => {
    nowMs = atMs;
    quiet.say(kind, (others) => lines.push([kind, atMs, others]));
  };
  for (const atMs of [0, 50, 99]) say('a', atMs);
  say('b', 99);
  say('a', 100);
  say('a', 150);
  say('a', 500);
  say('a', 600);
  expect(lines).toEqual([
    ['a', 0, {}],
    ['b', 99, {}],
    ['a', 100, { leftOut: 2 }],
    ['a', 500, { leftOut: 1 }],
    ['a', 600, {}],
  ]);
});
