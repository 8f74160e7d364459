/** Bodies of any kind: what JSON.parse and the reference's rules take is taken, all else is a fault, and lines can be read again. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { pointsOf } from '../../../../test/support/golden-points.ts';
import { parseLines } from '../../../models/line-protocol.ts';
import { JsonFault } from './json-scan.ts';
import { PutBody } from './put-body.ts';

interface Read {
  readonly lines: Uint8Array;
  readonly droppedCount: number;
  readonly pointCount: number;
}

function read(text: string | Uint8Array): Read | 'fault' {
  let droppedCount = 0;
  let elementCount = 0;
  const body = new PutBody(Buffer.from(text), () => droppedCount++);
  try {
    while (body.readNext()) elementCount++;
  } catch (error) {
    if (error instanceof JsonFault) return 'fault';
    throw error;
  }
  const lines = body.lines.view();
  return { lines, droppedCount, pointCount: elementCount - droppedCount };
}

const name = fc.oneof(fc.constantFrom('m', 'a b', 'a,b=c', 'é😀', '#', 'x\\', 'x\ny', ''), fc.string({ maxLength: 8 })); // prettier-ignore
const point = fc.record(
  {
    metric: name,
    timestamp: fc.oneof(fc.integer({ min: 0, max: 2_000_000_000 }), fc.constantFrom(1_700_000_000_123, -5)), // prettier-ignore
    value: fc.double({ noNaN: true, noDefaultInfinity: true }),
    tags: fc.dictionary(name, name, { maxKeys: 3 }),
    more: fc.jsonValue(),
  },
  { requiredKeys: ['metric', 'timestamp', 'value'] },
);

test('opentsdb: a list of points is read as JSON.parse reads it, whatever else is in it', () => {
  const seen = { points: 0, dropped: 0 };
  fc.assert(
    fc.property(fc.array(point, { maxLength: 6 }), fc.constantFrom(0, 1, 3), (list, indent) => {
      const got = read(JSON.stringify(list, undefined, indent));
      if (got === 'fault') throw new Error('a fault');
      expect(got.pointCount + got.droppedCount).toBe(list.length);
      const { points, errors } = parseLines(got.lines, { stepNs: 1n, defaultTimeNs: 0n });
      expect(errors.text()).toBe('');
      const isHeld = (text: string): boolean => !text.includes('\n') && !text.endsWith('\\');
      const wanted = list.filter(({ metric, tags = {} }) => {
        const set = Object.entries(tags).filter(([, value]) => value !== '');
        return /^[^#\t\0]/.test(metric) && isHeld(metric) && set.every(([key, value]) => key !== '' && isHeld(key) && isHeld(value)); // prettier-ignore
      });
      expect(points).toHaveLength(wanted.length);
      for (const [i, { fields }] of points.entries())
        expect(fields.get('value')).toEqual({ type: 'float', value: wanted[i]?.value });
      seen.points += points.length;
      seen.dropped += got.droppedCount;
    }),
    { seed: 114, numRuns: 500 },
  );
  expect(Math.min(seen.points, seen.dropped)).toBeGreaterThan(100);
});

test('opentsdb: a text that is changed anywhere is taken only where JSON.parse takes it, and never lost in', () => {
  const seen = { taken: 0, faults: 0 };
  const change = fc.tuple(fc.nat(), fc.constantFrom(...Array.from('{}[]",:\\0-.eEn\u0001 x')));
  fc.assert(
    fc.property(fc.array(point, { minLength: 1, maxLength: 3 }), fc.array(change, { maxLength: 3 }), (list, changes) => {
      const text = Array.from(JSON.stringify(list));
      for (const [at, character] of changes) text[at % text.length] = character;
      if (text[0] !== '[' && text[0] !== '{') return;
      const changed = text.join('');
      const got = read(changed);
      seen[got === 'fault' ? 'faults' : 'taken']++;
      // What follows the first value is nobody's.
      if (got !== 'fault' && isWholeJson(changed)) expect(Array.isArray(JSON.parse(changed))).toBe(true);
      if (got !== 'fault') expect(() => pointsOf(Buffer.from(got.lines).toString('latin1'))).not.toThrow(); // prettier-ignore
      if (got !== 'fault' && !isWholeJson(changed)) expect(prefixes(changed).some(isWholeJson)).toBe(true); // prettier-ignore
    }), // prettier-ignore
    { seed: 115, numRuns: 500 },
  );
  expect(Math.min(seen.taken, seen.faults)).toBeGreaterThan(20);
});

function isWholeJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function prefixes(text: string): readonly string[] {
  return Array.from(text, (_character, i) => text.slice(0, i + 1));
}

test('opentsdb: bodies that are deep or long without an end take as many steps as they have bytes', () => {
  const deep = `{"x":${'['.repeat(2_000_000)}`;
  expect(read(deep)).toBe('fault');
  expect(read(`{"x":${'['.repeat(9_990)}${']'.repeat(9_990)}}`)).not.toBe('fault');
  expect(read(`{"timestamp":${'9'.repeat(2_000_000)}}`)).toBe('fault');
  expect(read(`{"metric":"${'\\"'.repeat(1_000_000)}`)).toBe('fault');
  expect(read(`[${'{},'.repeat(300_000)}`)).toBe('fault');
  expect(read(`{"x":[${'1,'.repeat(1_000_000)}1]}`)).toBe('fault');
});
