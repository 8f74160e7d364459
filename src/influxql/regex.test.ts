import fc from 'fast-check';
import { RE2JS } from 're2js';
import { expect, test } from 'vitest';
import { parseQuery } from './parser.ts';
import { compileRegex, isAutomaton } from './regex.ts';

const part = fc.constantFrom('a', 'b', 'ab', '', '\\.', '\\|', '-', '.', 'c d', '\\$', '/', '\\\\');
const list = fc.array(part, { maxLength: 4 }).map((parts) => parts.join('|'));
const pattern = fc.oneof(
  fc
    .tuple(fc.constantFrom('', '^'), part, part, fc.constantFrom('', '$'))
    .map((parts) => parts.join('')),
  list.map((texts) => `^(${texts})$`),
  list.map((texts) => `(${texts})`),
);
const text = fc.array(fc.constantFrom('a', 'b', '.', '|', '-', 'c d', '$', '/', '\\'), { maxLength: 5 }).map((parts) => parts.join('')); // prettier-ignore

test('regex: patterns without an automaton match what the automaton of them matches', () => {
  let plainCount = 0;
  fc.assert(
    fc.property(pattern, fc.array(text, { maxLength: 8 }), (source, texts) => {
      if (!isAutomaton(source)) plainCount++;
      const matches = compileRegex(source);
      const automaton = RE2JS.compile(source);
      for (const one of texts) expect([one, matches(one)]).toEqual([one, automaton.matcher(one).find()]); // prettier-ignore
    }),
    { numRuns: 5_000, seed: 7 },
  );
  expect(plainCount).toBeGreaterThan(1_000);
});

test('regex: the lists that dashboards make take no automaton', () => {
  expect(isAutomaton('^(web-1\\.example\\.com|web-2\\.example\\.com)$')).toBe(false);
  expect(compileRegex('^(web-1\\.example\\.com|b)$')('web-1.example.com')).toBe(true);
  expect(isAutomaton('^web.*')).toBe(true);
});

test('regex: a request has no more automata than a node can hold', () => {
  const asked = (count: number) => `SELECT v FROM m WHERE ${Array.from({ length: count }, (_, i) => `h =~ /x${i}.*/`).join(' OR ')}`; // prettier-ignore
  expect(() => parseQuery(asked(5_000))).toThrow('more than 4096 regular expressions in a request');
  expect(parseQuery(asked(1_000))).toHaveLength(1);
  const long = Array.from({ length: 20_000 }, (_, i) => `h${i}`).join('|');
  expect(() => parseQuery(`SELECT v FROM m WHERE h =~ /${long}/`)).toThrow('of more than 65536 characters in a request'); // prettier-ignore
  expect(parseQuery(`SELECT v FROM m WHERE h =~ /^(${long})$/`)).toHaveLength(1);
  // A megabyte of a list, or of one text, is as much as is looked at.
  for (const huge of [`^(${long.repeat(80)})$`, 'x'.repeat(9_000_000)])
    expect(() => parseQuery(`SELECT v FROM m WHERE h =~ /${huge}/`)).toThrow('of more than 65536 characters in a request'); // prettier-ignore
});

/** As Go's, whose strings are bytes: base/exact-text.ts has a lone surrogate for each that is no UTF-8. */
test.each([
  ['^caf.$', true],
  ['^caf..$', false],
  ['^caf[^a-z]$', true],
  ['f\ufffd$', true],
  [String.raw`\x{fffd}`, true],
  ['é', false],
  ['^caf', true],
])('regex: a byte that is no UTF-8 is one character, U+FFFD: %s', (source, matches) => {
  expect(compileRegex(source)('caf\udce9')).toBe(matches);
});
