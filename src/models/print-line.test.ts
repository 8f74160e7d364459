import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parseLines } from './line-protocol.ts';
import { printLine } from './print-line.ts';

const encoder = new TextEncoder();

function pointsOf(body: Uint8Array, stepNs: bigint) {
  return parseLines(body, { stepNs, defaultTimeNs: 7_000_000n }).points;
}

test.each([
  'm f=1 1',
  'm f=-0,g=1e300,h=5e-324,i=-1.5E-7,j=1e21 -1',
  'm f=9223372036854775807i,g=-9223372036854775808i,h=t,i=F',
  'm f="a\\"b\\\\c\nd e,f=g" 5',
  'm\\ \\,\\=\\"x,t\\=\\ =\\,\\=v,u="" g\\"\\,\\=h=1 1',
  'm,b=2,a==1 f=1',
])('print line: %j gives the same point again', (line) => {
  for (const stepNs of [1n, 1_000n]) {
    const [point] = pointsOf(encoder.encode(line), stepNs);
    const printed = point && printLine(point, stepNs);
    expect(printed && pointsOf(printed, stepNs)).toEqual([point]);
  }
});

test('print line: bytes of texts that are no UTF-8 stay as they are', () => {
  const body = Buffer.from('m f="a\xff\xc3" 1', 'latin1');
  const [point] = pointsOf(body, 1n);
  const printed = point && printLine(point, 1n);
  expect(Buffer.from(printed ?? []).toString('latin1')).toBe('m f="a\xff\xc3" 1\n');
});

test('print line: points of the recorded odd bodies are the same again', () => {
  const folder = new URL('./testdata/odd-lines.jsonl', import.meta.url);
  const bodies = readFileSync(folder, 'utf8').trimEnd().split('\n');
  let count = 0;
  for (const text of bodies) {
    const { line } = JSON.parse(text) as { line: string };
    // Of two values of one name the later counts; that the types differ is told elsewhere.
    for (const point of pointsOf(encoder.encode(line), 1n)) {
      const printed = point.conflict === undefined ? printLine(point, 1n) : undefined;
      if (printed === undefined) continue;
      expect(pointsOf(printed, 1n)).toEqual([point]);
      count++;
    }
  }
  expect(count).toBeGreaterThan(200);
});

test('print line: names that no line of the kernel may have are left to the twin', () => {
  for (const line of ['m\\x f=1', 'm,t=a\\\nb f=1', 'm f\\g=1']) {
    const [point] = pointsOf(encoder.encode(line), 1n);
    expect(point).toBeDefined();
    expect(point && printLine(point, 1n)).toBeUndefined();
  }
});
