import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LineErrors } from '../../../models/line-errors.ts';
import { endOfLine, readLineAt } from '../../../models/line-protocol.ts';
import { findPlainLine, type LineEnd } from './plain-line.ts';

function plain(text: string, stepNs = 1): LineEnd | undefined {
  const found = { end: -1, isTimed: false };
  const bytes = Buffer.from(`__${text}`, 'latin1');
  return findPlainLine(bytes, 2, stepNs, found) ? { ...found, end: found.end - 2 } : undefined;
}

test.each([
  ['m f=1', { end: 5, isTimed: false }],
  ['m f=1\nm f=2', { end: 5, isTimed: false }],
  [
    'cpu.load,a=b,b-c=d/e f=1.5,g=-2i,h="x y,=",i=t 1500000000000000000\n',
    { end: 66, isTimed: true },
  ],
  ['m,a=1,ab=2 f=-0.25 -1', { end: 21, isTimed: true }],
])('plain line: %j is one', (text, end) => {
  expect(plain(text)).toEqual(end);
});

test.each([
  '',
  '\n',
  '#m f=1',
  ' m f=1',
  'm',
  'm ',
  'm f',
  'm f=',
  'm f=1 ',
  'm  f=1',
  'm f=1  1',
  'm f=1 1 ',
  'm,a f=1',
  'm,a= f=1',
  'm,=b f=1',
  'm,b=1,a=1 f=1',
  'm,a=1,a=2 f=1',
  'm,ab=1,a=1 f=1',
  'm\\ n f=1',
  'm f=1e3',
  'm f=1.',
  'm f=.5',
  'm f=1u',
  'm f=true',
  'm f="x',
  'm f="\\"" 1',
  'm f="a\nb" 1',
  'm f=1,',
  'm f=1,g',
  'm\xe4 f=1',
  'm f=1 9300000000000000000',
  'm f=1 1x',
  'm f=1\r\n',
  'm f=1234567890123456789i',
  '1m f=1',
])('plain line: %j is left to who knows more', (text) => {
  // prettier-ignore
  expect(plain(text)).toBe(undefined);
});

test('plain line: a time beyond the range of its precision is not plain', () => {
  expect(plain('m f=1 1500000000', 1e9)).toEqual({ end: 16, isTimed: true });
  expect(plain('m f=1 9300000000', 1e9)).toBe(undefined);
});

test('plain line: what is plain is a point of the same end to who knows all, with a time where it has one', () => {
  const word = fc.constantFrom('m', 'f', 'a=1', 'b="x y"', 'c=-1.5', 'd=7i', 'e=t', ',', ',', ' ', ' ', '\n', '=', '1', '-1500000000000000000', '\\', '"', '#', 'tag=v', 'ab', 'A', '!', '~=2', '\t', '\xff'); // prettier-ignore
  const line = fc.array(word, { minLength: 1, maxLength: 9 }).map((words) => words.join(''));
  const usual = fc
    .tuple(
      fc.constantFrom('m', 'm,a=1', 'm,a=1,b=2', 'm,b=1,a=2'),
      fc.constantFrom(' f=1', ' f=1,g="x"', ' f=2i'),
      fc.constantFrom('', ' 1', ' 12\n', '\n'),
      line,
    ) // prettier-ignore
    .map((parts) => parts.join(''));
  let plainCount = 0;
  fc.assert(
    fc.property(fc.oneof(line, usual), (text) => {
      const found = plain(text);
      if (found === undefined) return;
      plainCount++;
      const bytes = Buffer.from(text, 'latin1');
      const errors = new LineErrors();
      const end = endOfLine(bytes, 0);
      const read = readLineAt(bytes.subarray(0, end), { stepNs: 1n, defaultTimeNs: 4n }, errors);
      expect([end, errors.count]).toEqual([found.end, 0]);
      const fieldsEnd = (read?.fieldBytes.byteOffset ?? 0) - bytes.byteOffset + (read?.fieldBytes.length ?? 0); // prettier-ignore
      expect(fieldsEnd < end).toBe(found.isTimed);
    }),
    { seed: 126, numRuns: 20_000 },
  );
  expect(plainCount).toBeGreaterThan(2_000);
});
