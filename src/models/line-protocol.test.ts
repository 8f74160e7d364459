import { expect, test } from 'vitest';
import { type LineOptions, parseLines, precisionNs } from './line-protocol.ts';
import { keyBytesMax } from './line-bytes.ts';
import { lineErrorsBytesMax } from './line-errors.ts';

function parse(text: string, options: Partial<LineOptions> = {}): ReturnType<typeof parseLines> {
  const body = new TextEncoder().encode(text);
  return parseLines(body, { stepNs: 1n, defaultTimeNs: 1_234_567_890_123_456_789n, ...options });
}

function timeOf(text: string, precision: string): bigint | string | undefined {
  const { points, errors } = parse(text, { stepNs: precisionNs.get(precision) ?? 0n });
  return points[0]?.timeNs ?? errors.text();
}

test('line protocol: a time counts steps of the precision, exactly', () => {
  expect(timeOf('m v=1 3', 'n')).toBe(3n);
  expect(timeOf('m v=1 3', 'u')).toBe(3_000n);
  expect(timeOf('m v=1 9007199254740993', 'u')).toBe(9_007_199_254_740_993_000n);
  expect(timeOf('m v=1 -3', 's')).toBe(-3_000_000_000n);
  expect(timeOf('m v=1 2562047', 'h')).toBe(9_223_369_200_000_000_000n);
  expect(timeOf('m v=1 2562048', 'h')).toContain(': time outside range -9223372036854775806 - ');
});

test('line protocol: a missing time is the default, cut to the precision', () => {
  expect(timeOf('m v=1', 'n')).toBe(1_234_567_890_123_456_789n);
  expect(timeOf('m v=1', 'ms')).toBe(1_234_567_890_123_000_000n);
  expect(timeOf('m v=1', 'h')).toBe(1_234_566_000_000_000_000n);
});

test('line protocol: a key longer than the storage takes names both lengths', () => {
  const errorOf = (line: string) => /'(: .*)/.exec(parse(line).errors.text().slice(-60))?.[1];
  const exceeded = (length: number) => `: max key length exceeded: ${length} > 65535`;
  const key = `m,t=${'x'.repeat(keyBytesMax - 4)}`;
  expect(errorOf(`${key}x v=1 1`)).toBe(exceeded(65_536));
  // With the separator of four bytes and the field's name.
  const fitting = key.slice(0, -6);
  expect(errorOf(`${fitting} vw=1 1`)).toBeUndefined();
  expect(errorOf(`${fitting} vwx=1 1`)).toBe(exceeded(65_536));
  expect(errorOf(`${key} v=1 1`)).toBe(exceeded(65_540));
  expect(errorOf(`k3 a=1,${'f'.repeat(70_000)}=1,${'g'.repeat(80_000)}=2 1`)).toBe(
    exceeded(70_006),
  );
  // What else is wrong with the fields is told first, what is wrong with the time after.
  expect(errorOf(`k3 ${'f'.repeat(70_000)}=1,g=x 1`)).toMatch(/: invalid boolean$/);
  expect(errorOf(`k3 ${'f'.repeat(70_000)}=1 x`)).toBe(exceeded(70_006));
});

test('line protocol: texts of bad lines are kept up to a bound, the first always, the rest counted', () => {
  const long = parse(`${'x'.repeat(lineErrorsBytesMax * 3)}\nshort\nv\n`).errors;
  expect(long.count).toBe(3);
  expect(long.text().length).toBeLessThan(lineErrorsBytesMax + 100);
  expect(long.text()).toMatch(/^unable to parse 'xxx+': missing fields\nand 2 more lines$/);
  const many = parse('m =\n'.repeat(100_000)).errors;
  expect(many.text()).toMatch(/^unable to parse 'm =': missing field key\nunable to parse 'm =': /);
  expect(many.text().length).toBeLessThan(lineErrorsBytesMax * 2);
  const named = many.text().match(/unable/g)?.length ?? 0;
  expect(many.text().endsWith(`\nand ${100_000 - named} more lines`)).toBe(true);
});

test('line protocol: any bytes give points or errors, and good lines around them count', () => {
  let state = 42;
  const alphabet = 'm,= \\"\n#ti1-.e\u0000é';
  for (let round = 0; round < 3_000; round++) {
    let text = '';
    for (let i = 0; i < 20; i++) {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      text += alphabet.charAt((state >>> 16) % alphabet.length);
    }
    const { points } = parse(`good v=1 7\n${text}`);
    expect(points[0]).toMatchObject({ measurement: 'good', timeNs: 7n });
  }
});
