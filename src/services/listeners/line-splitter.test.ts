import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LineSplitter } from './line-splitter.ts';

function split(parts: readonly Uint8Array[], lineBytesMax = 1_000) {
  const lines: string[] = [];
  const long: string[] = [];
  const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');
  const splitter = new LineSplitter(
    {
      line: (bytes, start, end) => lines.push(text(bytes.subarray(start, end))),
      tooLong: (bytes) => long.push(text(bytes)),
    },
    { lineBytesMax },
  );
  for (const part of parts) splitter.push(part);
  return { lines, long, heldBytes: splitter.heldBytes };
}

const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1');

test('line splitter: whole lines, half ones, empty ones; the last waits for its end', () => {
  expect(split([])).toEqual({ lines: [], long: [], heldBytes: 0 });
  const parts = ['a\nb', 'c', '\n\nd\r\n', 'e'].map(bytes);
  expect(split(parts)).toEqual({ lines: ['a', 'bc', '', 'd\r'], long: [], heldBytes: 1 });
});

test('line splitter: a line that is too long is told once, and what follows it is read', () => {
  const parts = ['ok\n', 'x'.repeat(11), 'y'.repeat(40), 'z\nnext\n', `${'w'.repeat(11)}\nlast\n`];
  expect(split(parts.map(bytes), 10)).toEqual({
    lines: ['ok', 'next', 'last'],
    long: ['x'.repeat(10), 'w'.repeat(10)],
    heldBytes: 0,
  });
});

test('line splitter: a hundred megabytes without an end hold no more than a line may have', () => {
  const part = new Uint8Array(1e6).fill(120);
  const { lines, long, heldBytes } = split(
    Array.from({ length: 100 }, () => part),
    65_536,
  );
  expect([lines.length, long.length, heldBytes]).toEqual([0, 1, 0]);
});

test('line splitter: however the bytes come in pieces, the lines are the same', () => {
  const piece = fc
    .uint8Array({ maxLength: 9 })
    .map((all) => all.map((one) => (one % 3 === 0 ? 10 : one)));
  fc.assert(
    fc.property(
      fc.array(piece, { maxLength: 12 }),
      fc.integer({ min: 1, max: 8 }),
      (parts, max) => {
        const whole = Buffer.concat(parts);
        const found = split(parts, max);
        const expected = whole.toString('latin1').split('\n');
        const last = expected.pop() ?? '';
        expect(found.lines).toEqual(expected.filter((line) => line.length <= max));
        const long = [...expected, last].filter((line) => line.length > max);
        expect(found.long).toEqual(long.map((line) => line.slice(0, max)));
        expect(found.heldBytes).toBe(last.length > max ? 0 : last.length);
      },
    ),
    { seed: 127, numRuns: 2_000 },
  );
});
