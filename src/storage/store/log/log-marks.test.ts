import { expect, test } from 'vitest';
import { noStamp } from '../../../models/stamp.ts';
import { hasFailed, latestUpTo, marksOf, marksText, readMarks, withFailed, withFlush, withoutFlushes, type FailedRecords, type LogMarks } from './log-marks.ts'; // prettier-ignore

const marks = { after: 3, flushes: [] };

test('log marks: of records that were not taken those are noted that are behind a flush, each once', () => {
  let failed: readonly FailedRecords[] = [];
  for (const sequence of [10, 11, 14]) failed = withFailed(failed, sequence);
  expect(failed).toEqual([[10, 11], [14, 14]]); // prettier-ignore
  const before = withFlush(marks, [10, 5n], failed);
  expect(before.failed).toEqual([]);
  const first = withFlush(before, [13, 6n], failed);
  expect(first.failed).toEqual([[10, 11]]);
  const second = withFlush(first, [20, 7n], withFailed(failed, 15));
  expect(second.failed).toEqual([[10, 11], [14, 15]]); // prettier-ignore
  expect([9, 10, 11, 12, 14, 15, 16].filter((one) => hasFailed(second, one))).toEqual([10, 11, 14, 15]); // prettier-ignore
  expect(readMarks(JSON.parse(JSON.stringify(marksText(second))))).toEqual(second);
});

test('log marks: of very many that were not taken the first are as one, and none is forgotten', () => {
  let failed: readonly FailedRecords[] = [];
  for (let sequence = 10; sequence < 1_000; sequence += 2) failed = withFailed(failed, sequence);
  expect(failed.length).toBe(64);
  const flushed = withFlush(marks, [2_000, 5n], failed);
  for (let sequence = 10; sequence < 1_000; sequence += 2) expect(hasFailed(flushed, sequence)).toBe(true); // prettier-ignore
  expect(hasFailed(flushed, 997)).toBe(false);
});

test('log marks: a record is no later than the first flush that has it, and of one behind all nobody can tell', () => {
  const flushed = [[10, 5n], [20, 7n], [20, 8n], [30, 9n]] as const; // prettier-ignore
  const after = flushed.reduce<LogMarks>((known, mark) => withFlush(known, mark, []), marks);
  expect(after.flushes).toEqual([[10, 5n], [20, 8n], [30, 9n]]); // prettier-ignore
  expect([1, 10, 11, 20, 30, 31].map((sequence) => latestUpTo(after, sequence))).toEqual([5n, 5n, 8n, 8n, 9n, undefined]); // prettier-ignore
  expect(latestUpTo(withoutFlushes(after), 1)).toBeUndefined();
  const many = Array.from({ length: 40 }, (_, i) => [i + 1, BigInt(i)] as const).reduce((known, mark) => withFlush(known, mark, []), after); // prettier-ignore
  expect(many.flushes).toHaveLength(32);
  expect(latestUpTo(many, 1)).toBe(8n);
});

test('log marks: a shard that has none is new, or of a release that wrote none', () => {
  const none = new Map();
  expect(marksOf({ flushedSequence: 0, files: none })).toEqual({
    after: 0,
    flushes: [[0, noStamp]],
  });
  expect(marksOf({ flushedSequence: 5, files: none })).toEqual({ after: 5, flushes: [] });
  expect(marksOf({ flushedSequence: 0, files: new Map([['1.tsm', 0]]) })).toEqual({ after: 0, flushes: [] }); // prettier-ignore
  expect(marksOf({ logMarks: marks, flushedSequence: 5, files: none })).toBe(marks);
});

test('log marks: nothing but what was written is read', () => {
  const text = { after: 3, flushes: [[10, '-5']], failed: [[4, 5]] };
  expect(readMarks(text)).toEqual({ after: 3, flushes: [[10, -5n]], failed: [[4, 5]] });
  const others = [null, 7, 'text', {}, { ...text, after: -1 }, { ...text, after: 0.5 }, { ...text, after: '3' }, { ...text, flushes: undefined }, { ...text, flushes: [7] }, { ...text, flushes: [[10]] }, { ...text, flushes: [[10, '5', 1]] }, { ...text, flushes: [['10', '5']] }, { ...text, flushes: [[10, 5]] }, { ...text, flushes: [[10, 'x']] }, { ...text, failed: {} }, { ...text, failed: [[4]] }, { ...text, failed: [[4, 'x']] }, { ...text, failed: [7] }]; // prettier-ignore
  for (const other of others) expect(readMarks(other)).toBeUndefined();
});
