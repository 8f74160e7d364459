/** Whatever comes as a datagram: it is read to its end or has a fault, and what it makes are lines that can be read again. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encrypted, part, signed, textPart, numberPart, valuesPart } from '../../../../test/support/collectd-datagram.ts'; // prettier-ignore
import { GrowingBytes } from '../../../base/growing-bytes.ts';
import { parseLines } from '../../../models/line-protocol.ts';
import { CollectdPoints } from './collectd-points.ts';
import { readPacket, Trust } from './packet.ts';
import { readSecrets } from './packet-secrets.ts';
import { addTypes, type DataSource } from './types-db.ts';

const user = { name: 'alice', password: 'wonderland' };
const secrets = readSecrets('alice: wonderland\n');
const types = new Map<string, readonly DataSource[]>();
addTypes(types, 'gauge value:GAUGE:U:U\nload a:GAUGE:U:U, b,c:DERIVE:U:U, a:COUNTER:U:U\nnone\n');

function read(bytes: Uint8Array, multiValue: 'split' | 'join') {
  const lines = new GrowingBytes();
  let droppedCount = 0;
  let calls = 0;
  const points = new CollectdPoints({
    types,
    multiValue,
    lines,
    dropped: () => droppedCount++,
    unknown: () => undefined,
  });
  const fault = readPacket(bytes, {
    trustMin: Trust.none,
    secrets: { find: (name) => secrets.get(name) ?? 'no such user' },
    values: (head, at, count) => {
      calls++;
      points.values(head, at, count);
    },
  });
  return { fault, calls, lines: lines.view(), pointCount: points.pointCount, droppedCount };
}

const text = fc.oneof(fc.constantFrom('gauge', 'load', 'none', '', 'a\\', '#', 'x\ny', 'a b,c=d'), fc.string({ maxLength: 12 })); // prettier-ignore
const anyPart = fc.oneof(
  fc.tuple(fc.constantFrom(0, 2, 3, 4, 5), text).map(([kind, value]) => textPart(kind, value)),
  fc.tuple(fc.constantFrom(1, 8, 7, 9), fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n })).map(([kind, value]) => numberPart(kind, value)), // prettier-ignore
  fc.array(fc.double(), { maxLength: 4 }).map(valuesPart),
  fc.tuple(fc.integer({ min: 0, max: 0x220 }), fc.uint8Array({ maxLength: 40 })).map(([kind, body]) => part(kind, body)), // prettier-ignore
);
const usual = Buffer.concat([textPart(0, 'h'), numberPart(1, 1_600_000_000n), textPart(2, 'p'), textPart(4, 'gauge')]); // prettier-ignore
const plain = fc.array(anyPart, { maxLength: 12 }).map((parts) => Buffer.concat([usual, ...parts, valuesPart([1])])); // prettier-ignore
const sealed = fc.tuple(plain, fc.array(fc.boolean(), { maxLength: 6 })).map(([body, layers]) => layers.reduce<Buffer>((inner, isSigned) => (isSigned ? signed(inner, user) : encrypted(inner, user)), body)); // prettier-ignore
const damaged = fc.tuple(sealed, fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 4 }), fc.nat()).map(([bytes, changes, cut]) => {
  const copy = Uint8Array.from(bytes);
  for (const [at, byte] of changes) copy[at % copy.length] = byte;
  return cut % 3 === 0 ? copy.subarray(0, cut % copy.length) : copy;
}); // prettier-ignore

test('collectd: any bytes are read in so many steps as there are parts, and make lines that can be read', () => {
  const seen = { faults: 0, points: 0, dropped: 0 };
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), sealed, damaged), fc.constantFrom('split' as const, 'join' as const), (bytes, multiValue) => {
      const { fault, calls, lines, pointCount, droppedCount } = read(bytes, multiValue);
      expect(calls).toBeLessThanOrEqual(bytes.length / 4);
      if (fault !== undefined) seen.faults++;
      const { points, errors } = parseLines(lines, { stepNs: 1n, defaultTimeNs: 0n });
      expect(errors.text()).toBe('');
      expect(points).toHaveLength(pointCount);
      expect(points.every(({ tags }) => tags.every(({ key }) => ['host', 'instance', 'type', 'type_instance'].includes(key)))).toBe(true); // prettier-ignore
      seen.points += pointCount;
      seen.dropped += droppedCount;
    }), // prettier-ignore
    { seed: 114, numRuns: 1_500 },
  );
  // It saw all of them.
  expect(Math.min(seen.faults, seen.points, seen.dropped)).toBeGreaterThan(100);
});
