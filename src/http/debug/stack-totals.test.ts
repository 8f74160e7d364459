import { expect, test } from 'vitest';
import { StackTotals } from './stack-totals.ts';

const sampleOf = (names: readonly string[], values: readonly number[], thread = 'main') => {
  const frames = names.map((functionName) => ({ functionName, url: 'file.ts', lineNumber: 1 }));
  return { frames, values, thread };
};

test('stack totals: values of a stack are added up, threads apart', () => {
  const totals = new StackTotals();
  expect(totals.list()).toEqual([]);
  totals.add([sampleOf(['inner', 'outer'], [1, 10]), sampleOf(['outer'], [1, 5])]);
  totals.add([sampleOf(['inner', 'outer'], [2, 20]), sampleOf(['outer'], [4, 7], 'worker 1')]);
  expect(totals.list()).toEqual([
    sampleOf(['inner', 'outer'], [3, 30]),
    sampleOf(['outer'], [1, 5]),
    sampleOf(['outer'], [4, 7], 'worker 1'),
  ]);
});

test('stack totals: beyond the limit all stacks are one', () => {
  const totals = new StackTotals();
  for (let i = 0; i < 50_003; i++) totals.add([sampleOf([`f${i}`], [1, 10])]);
  totals.add([sampleOf(['f0'], [1, 10])]);
  const all = totals.list();
  expect(all).toHaveLength(50_001);
  expect(all[0]?.values).toEqual([2, 20]);
  expect(all.at(-1)).toMatchObject({ frames: [{ functionName: '(other places)' }], values: [3, 30] }); // prettier-ignore
});
