import { expect, test } from 'vitest';
import { againWrites, largeDeletes, laterWrites } from './large-data.ts';
import { jitter, texts, wide } from './large-shapes.ts';

const linesOf = (seed: number): string[] =>
  [...laterWrites(seed)].flatMap(({ policy = '', body }) => body.split('\n').map((line) => `${policy} ${line}`)); // prettier-ignore

/** Policy, measurement, tags and time. */
const pointOf = (line: string): string => {
  const [policy, series, ...rest] = line.split(/(?<!\\) /);
  return [policy, series, rest.at(-1)].join(' ');
};

const sevenLines = linesOf(7);

test('large data: the same seed gives the same, and no point comes twice in a phase', () => {
  const lines = sevenLines;
  expect(lines.length).toBeGreaterThan(50_000);
  expect(new Set(lines.map(pointOf)).size).toBe(lines.length);
  expect(linesOf(7)).toEqual(lines);
  expect(largeDeletes(7)).toEqual(largeDeletes(7));
  expect([...againWrites(7, 'a')]).not.toEqual([...againWrites(7, 'b')]);
});

test('large data: where ties are told apart no two series have a row of one time', () => {
  for (const { name } of [jitter, texts, wide]) {
    const times = sevenLines
      .filter((line) => line.startsWith(` ${name},`))
      .map((line) => line.slice(line.lastIndexOf(' ')));
    expect(times.length).toBeGreaterThan(3_000);
    expect(new Set(times).size).toBe(times.length);
  }
});
