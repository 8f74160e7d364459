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

test('known texts: of more than 512 the one asked for longest ago is forgotten', () => {
  const texts = new KnownTexts();
  const text = (i: number) => `SELECT v FROM m${i}`;
  const first = texts.parse(text(0));
  const second = texts.parse(text(1));
  for (let i = 2; i < 512; i++) texts.parse(text(i));
  expect(texts.parse(text(0))).toBe(first);
  texts.parse(text(512));
  expect(texts.parse(text(0))).toBe(first);
  expect(texts.parse(text(1))).not.toBe(second);
});

test('known texts: a text that is wrong is refused each time', () => {
  const texts = new KnownTexts();
  for (let i = 0; i < 2; i++) expect(() => texts.parse('SELECT')).toThrow('found EOF, expected');
});
