import { expect, test } from 'vitest';
import type { Predicate } from '../../query/predicate.ts';
import { deleteFilters, filterOf, measurementsOf } from './delete-filters.ts';

const isA: Predicate = {
  kind: 'compare',
  operator: '=',
  left: { kind: 'tag', name: 'h' },
  right: { kind: 'constant', value: 'a b' },
};
const isLike: Predicate = { kind: 'match', operand: { kind: 'tag', name: 'h' }, pattern: '^x', negated: true }; // prettier-ignore
const measurements = [{ name: 'm, ü.' }, { name: '' }, { name: 'n', predicate: isA }, { name: 'o', predicate: isLike }]; // prettier-ignore

test('filters of deletes: measurements and conditions come back as they were, in ASCII', () => {
  expect(measurementsOf(filterOf(measurements))).toEqual(measurements);
  expect(filterOf(measurements)).toMatch(/^[\x20-\x7e]*$/);
  expect(measurementsOf(filterOf([]))).toEqual([]);
});

test('filters of deletes: a series passes by its measurement and its tags', () => {
  const test = deleteFilters(() => Promise.resolve()).test(filterOf(measurements));
  const passes = (key: string, measurement: string): boolean => test(Buffer.from(key), measurement);
  expect(passes('m\\,\\ ü.,h=z', 'm, ü.')).toBe(true);
  expect(passes('n,h=a\\ b', 'n')).toBe(true);
  expect(passes('n,h=a', 'n')).toBe(false);
  expect(passes('n', 'n')).toBe(false);
  expect(passes('o,g=1', 'o')).toBe(true);
  expect(passes('o,h=xy', 'o')).toBe(false);
  expect(passes('p', 'p')).toBe(false);
});
