import { expect, test } from 'vitest';
import { notesOn } from './notes.ts';

test('notes: each kind is kept with its object, and nobody else sees it', () => {
  const names = notesOn<object, string>();
  const counts = notesOn<object, number>();
  const object = { a: 1 };
  expect(names.of(object)).toBeUndefined();
  names.keep(object, 'one');
  counts.keep(object, 1);
  expect([names.of(object), counts.of(object)]).toEqual(['one', 1]);
  expect(Reflect.ownKeys(object)).toEqual(['a']);
  const copy = { ...object };
  expect([names.of(copy), counts.of(copy)]).toEqual([undefined, undefined]);
  expect(object).toStrictEqual(copy);
});

test('notes: lists may have them, and go to other threads without', () => {
  const names = notesOn<readonly number[], string>();
  const list = [1, 2];
  names.keep(list, 'list');
  expect(names.of(list)).toBe('list');
  expect(structuredClone(list)).toEqual([1, 2]);
});
