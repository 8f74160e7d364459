import { expect, test } from 'vitest';
import { hasFailed, marksText, readMarks, withFailed, withFlush, type FailedRecords } from './log-marks.ts'; // prettier-ignore

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
