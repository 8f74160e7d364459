import { expect, test } from 'vitest';
import { AloneAnswers } from './alone-answers.ts';

const hourNs = 3_600_000_000_000n;

function asked(text: string, spanNs?: bigint, isKept = true) {
  const range = { minNs: 5n, maxNs: 5n + (spanNs ?? 0n) };
  const times = spanNs === undefined ? undefined : { own: range, shards: range };
  return { text, nowNs: 0n, isKept, times };
}

test('alone answers: help is looked for again once in a while', () => {
  const alone = new AloneAnswers();
  expect(alone.mayBeHelped(asked('a'))).toBe(true);
  alone.note(asked('a'));
  const looked = Array.from({ length: 64 }, () => alone.mayBeHelped(asked('a')));
  expect(looked.filter(Boolean)).toHaveLength(1);
  expect(looked.at(-1)).toBe(true);
  expect(alone.mayBeHelped(asked('b'))).toBe(true);
});

test('alone answers: a text that asks for more time is another question', () => {
  const alone = new AloneAnswers();
  alone.note(asked('a', hourNs));
  expect(alone.mayBeHelped(asked('a', hourNs))).toBe(false);
  expect(alone.mayBeHelped(asked('a', 24n * hourNs))).toBe(true);
});

test('alone answers: of a text that nobody keeps nothing is noted', () => {
  const alone = new AloneAnswers();
  alone.note(asked('a', undefined, false));
  expect(alone.mayBeHelped(asked('a', undefined, false))).toBe(true);
});
