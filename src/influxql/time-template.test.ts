import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { SelectStatement } from './ast.ts';
import { KnownTexts } from './known-texts.ts';
import { parseQuery } from './parser.ts';
import { cutTimes, templateOf, TimeTemplate } from './time-template.ts';

/** What stands for a time in a text, and others of its kind. */
const times = fc.oneof(
  fc.bigInt({ min: 0n, max: 999_999_999_999_999_999n }).map(String),
  fc.tuple(fc.nat({ max: 100_000 }), fc.constantFrom('ns', 'u', 'µ', 'ms', 's', 'm', 'h', 'd', 'w')).map(([n, unit]) => `${n}${unit}`), // prettier-ignore
  fc.constant('1704067200000ms'),
  fc.nat({ max: 2_000_000_000 }).map((seconds) => `'${new Date(seconds * 1_000).toISOString()}'`),
  fc.constantFrom(`'2024-01-01'`, `''`, `'it is no time'`, `'-- /'`, '1h30m', '5 - 1h', '1.5', 'now()', 'now() - 5m', `'a\\'b'`, '99999999999999999999', '99999999999999999w', '-5', '$b', 'time'), // prettier-ignore
);
const plain = fc.constantFrom(
  'time > {}',
  'time <= {}',
  'time >= {} and time < {}',
  `h = 'a' AND time < {}`,
);
const odd = fc.constantFrom(
  'time > {}', 'TIME<={}', '(time={})', '"time" > {}', 'uptime > {}', 'x.time > {}', '{} < time',
  `h = 'time > 5'`, `"a \\" time > 5" = 'b'`, `h =~ /time > 5'/`, `h !~ /a\\/b"/`, 'v / 2 > 1', 'v > 1 -- time > 5\n', 'v > 1 /* time > 5 */',
  'time != {}', 'time::float > {}', '(time >= {} AND time < {})',
); // prettier-ignore
const parts = fc.oneof({ weight: 4, arbitrary: plain }, { weight: 1, arbitrary: odd });
const ends = fc.constantFrom('', ' GROUP BY time(1m)', ` GROUP BY time(1m, 5s), * fill(0) tz('UTC')`, ' ORDER BY time DESC LIMIT 3', '; SELECT v FROM k', ' -- end'); // prettier-ignore
const sources = fc.constantFrom(
  'm',
  '"d"."r"."m"',
  '/a|b/',
  '(SELECT v FROM m WHERE time > 5)',
  'm, k',
);
const forms = fc.tuple(fc.array(parts, { minLength: 1, maxLength: 4 }), fc.constantFrom(' AND ', ' or '), sources, ends); // prettier-ignore
type Form = typeof forms extends fc.Arbitrary<infer T> ? T : never;

function textOf([conditions, joiner, source, end]: Form, values: readonly string[]): string {
  let next = 0;
  const condition = conditions.join(joiner).replaceAll('{}', () => values[next++ % values.length] ?? '0'); // prettier-ignore
  return `SELECT max(v) FROM ${source} WHERE ${condition}${end}`;
}

function parsed(parse: () => unknown): unknown {
  try {
    return parse();
  } catch (error) {
    return String(error);
  }
}

test('time template: whatever was asked before, a text is what the parser makes of it', () => {
  let madeCount = 0;
  const values = fc.array(times, { minLength: 1, maxLength: 3 });
  fc.assert(
    fc.property(forms, fc.array(values, { minLength: 2, maxLength: 4 }), (form, all) => {
      const texts = new KnownTexts();
      for (const one of all) {
        const text = textOf(form, one);
        const got = parsed(() => texts.parse(text));
        expect(got).toEqual(parsed(() => parseQuery(text)));
        if (Array.isArray(got) && templateOf(got[0] as SelectStatement) !== undefined) madeCount++;
      }
    }),
    { numRuns: 3_000, seed: 68 },
  );
  // Otherwise it would say nothing.
  expect(madeCount).toBeGreaterThan(200);
});

const text = (from: string, to: string) =>
  `SELECT mean("v") FROM "m" WHERE ("h" =~ /^a'b$/) AND time >= ${from} and time <= ${to} GROUP BY time(1m) fill(null)`; // prettier-ignore

test('time template: what a dashboard asks of another time is one template', () => {
  const texts = new KnownTexts();
  const [base] = texts.parse(text('1704067200000ms', '1704067260000ms'));
  const [next] = texts.parse(text('1704067201000ms', '1704067261000ms'));
  expect(templateOf(next as SelectStatement)).toBe(base);
  expect(next).toEqual(parseQuery(text('1704067201000ms', '1704067261000ms'))[0]);
  // Of another kind, which might be refused elsewhere.
  const [other] = texts.parse(text(`'2024-01-01'`, '1704067261000ms'));
  expect(templateOf(other as SelectStatement)).toBeUndefined();
});

test('time template: a text that is asked again is kept by itself', () => {
  const texts = new KnownTexts();
  texts.parse(text('1s', '2s'));
  const again = text('3s', '4s');
  texts.parse(again);
  const kept = texts.parse(again);
  expect(templateOf(kept[0] as SelectStatement)).toBeUndefined();
  expect(texts.parse(again)).toBe(kept);
});

test.each([
  'SELECT v INTO k FROM m WHERE time > 5',
  'SELECT v FROM (SELECT v FROM m WHERE time > 5)',
  'SELECT v FROM m WHERE time > 5 - 1h',
  'DELETE FROM m WHERE time > 5',
  'SHOW SERIES WHERE time > 5',
])('time template: none of %s', (one) => {
  const cut = cutTimes(one);
  expect(cut && TimeTemplate.of(parseQuery(one), cut)).toBeUndefined();
});

test('time template: a text that looks like the key of another one has none', () => {
  const texts = new KnownTexts();
  texts.parse('SELECT v FROM m WHERE time > \0integer AND time < 5');
  const other = 'SELECT v FROM m WHERE time > 3 AND time < 5';
  expect(texts.parse(other)).toEqual(parseQuery(other));
});
