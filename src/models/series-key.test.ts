import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseSeriesKey, tagOfKey } from './parse-series-key.ts';
import { compareTags, seriesKey, seriesKeyHash } from './series-key.ts';

test('series key: tags are sorted by bytes, empty values left out, separators escaped', () => {
  expect(seriesKey('m', [])).toBe('m');
  expect(
    seriesKey('a b,c', [
      { key: 'z', value: '1' },
      { key: 'a=', value: 'x y' },
      { key: 'gone', value: '' },
    ]),
  ).toBe('a\\ b\\,c,a\\==x\\ y,z=1');
  expect(
    seriesKey('m', [
      { key: '\u{1F600}', value: '1' },
      { key: '\uFF5E', value: '2' },
    ]),
  ).toBe('m,\uFF5E=2,\u{1F600}=1');
});

test('series key: taken apart it says what it was made of, backslashes before separators included', () => {
  const tags = [
    { key: 'a\\,b', value: 'x\\\\,y=z' },
    { key: 'b =', value: '=v w' },
  ];
  expect(parseSeriesKey(seriesKey('m\\, n', tags))).toEqual({ measurement: 'm\\, n', tags });
});

test('series key hash: the published vectors of FNV-1a 64', () => {
  expect(seriesKeyHash('')).toBe(0xcbf29ce484222325n);
  expect(seriesKeyHash('a')).toBe(0xaf63dc4c8601ec8cn);
  expect(seriesKeyHash('foobar')).toBe(0x85944171f73967e8n);
});

test('series key: one tag of it is what all of them say', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', ',', '=', ' ', '\\', 'é'), minLength: 1, maxLength: 4 }); // prettier-ignore
  const tags = fc.uniqueArray(fc.record({ key: text, value: text }), { selector: ({ key }) => key, maxLength: 4 }); // prettier-ignore
  fc.assert(
    fc.property(text, tags, text, (measurement, some, asked) => {
      const key = seriesKey(measurement, [...some].sort(compareTags));
      const all = new Map(parseSeriesKey(key).tags.map((tag) => [tag.key, tag.value]));
      for (const name of [asked, ...all.keys()]) expect(tagOfKey(key, name)).toBe(all.get(name));
    }),
    { seed: 1 },
  );
});
