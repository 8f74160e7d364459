import { expect, test } from 'vitest';
import { textsAlike } from './compare-texts.ts';

const alike = (ours: string, theirs: string): boolean => textsAlike(ours, theirs, { relative: 1e-9 }); // prettier-ignore

test('texts: floats may differ in their last digits, and in how many these are', () => {
  expect(alike('[[1,0.1],[2,3.5]]', '[[1,0.10000000000000002],[2,3.5]]')).toBe(true);
  expect(alike('[[1,0.30000000000000004]]', '[[1,0.3]]')).toBe(true);
  expect(alike('{"a":1e+21}', '{"a":1e21}')).toBe(true);
  expect(alike('m,,1,0.30000000000000004\n', 'm,,1,0.3\n')).toBe(true);
  expect(alike('[0.1]', '[0.2]')).toBe(false);
  expect(alike('[0.1', '[0.1]')).toBe(false);
  expect(alike('[-0.1]', '[0.1]')).toBe(false);
});

test('texts: whole numbers and what is in quotes are the same', () => {
  expect(alike('[9007199254740993]', '[9007199254740992]')).toBe(false);
  expect(alike('["a 0.1"]', '["a 0.10000000000000001"]')).toBe(false);
  expect(alike('[null]', '[nil]')).toBe(false);
  expect(alike('[0.1,2]', '[0.1]')).toBe(false);
  expect(alike('', '')).toBe(true);
});
