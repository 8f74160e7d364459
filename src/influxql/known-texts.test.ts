import { expect, test } from 'vitest';
import { KnownTexts } from './known-texts.ts';

test('known texts: a SELECT or SHOW asked again is the same object, another text is another one', () => {
  const texts = new KnownTexts();
  const first = texts.parse('SELECT v FROM m; SHOW DATABASES');
  expect(texts.parse('SELECT v FROM m; SHOW DATABASES')).toBe(first);
  expect(texts.parse('SELECT v FROM m;SHOW DATABASES')).not.toBe(first);
  expect(texts.parse('SELECT v FROM m;SHOW DATABASES')).toEqual(first);
});

test.each([
  `CREATE USER u WITH PASSWORD 'secret'`,
  `SELECT v FROM m; SET PASSWORD FOR u = 'secret'`,
  `SELECT ${'v, '.repeat(800)} v FROM m`,
])('known texts: what may hold a password, or is long, is not kept: %s', (text) => {
  const texts = new KnownTexts();
  expect(texts.parse(text)).not.toBe(texts.parse(text));
});

test('known texts: of more than 2,048 the one asked for longest ago is forgotten', () => {
  const texts = new KnownTexts();
  const text = (i: number) => `SELECT v FROM m${i}`;
  const first = texts.parse(text(0));
  const second = texts.parse(text(1));
  for (let i = 2; i < 2_048; i++) texts.parse(text(i));
  expect(texts.parse(text(0))).toBe(first);
  texts.parse(text(2_048));
  expect(texts.parse(text(0))).toBe(first);
  expect(texts.parse(text(1))).not.toBe(second);
});

test('known texts: of long ones fewer are kept, a mebibyte of text', () => {
  const texts = new KnownTexts();
  const text = (i: number) => `SELECT v FROM ${'m'.repeat(2_000)}${i}`;
  const [first, second] = [texts.parse(text(0)), texts.parse(text(1))];
  for (let i = 2; i < 500; i++) texts.parse(text(i));
  expect([texts.parse(text(0)), texts.parse(text(1))].map((one, i) => one === [first, second][i])).toEqual([true, true]); // prettier-ignore
  for (let i = 500; i < 1_100; i++) texts.parse(text(i));
  expect(texts.parse(text(0))).not.toBe(first);
});

test('known texts: a text that is wrong is refused each time', () => {
  const texts = new KnownTexts();
  for (let i = 0; i < 2; i++) expect(() => texts.parse('SELECT')).toThrow('found EOF, expected');
});
