import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isDbError } from '../base/errors.ts';
import { decodeMessage, encodeMessage } from './message.ts';

const sample = encodeMessage({
  name: 'm,host=a',
  id: -(2n ** 63n),
  times: BigInt64Array.of(1n, -2n, 3n),
  values: Float64Array.of(0.5, -0),
  marks: Uint8Array.of(1, 2, 3),
  rows: [1, 2.5, null, true, { deep: [{ er: 'ü' }] }],
});

/** Anything but a DbError is a bug; a value may come out of bytes that still read as a message. */
function attempt(bytes: Uint8Array): void {
  try {
    decodeMessage(bytes);
  } catch (error) {
    expect(isDbError(error, 'corrupt'), String(error)).toBe(true);
  }
}

test('message: with any bit turned over it is corrupt or still a message', () => {
  for (let bit = 0; bit < sample.length * 8; bit++) {
    const bad = sample.slice();
    bad[bit >>> 3] = (bad[bit >>> 3] ?? 0) ^ (1 << (bit & 7));
    attempt(bad);
  }
});

/** A message of this text, with 64 bytes attached. */
function messageOf(text: string): Uint8Array {
  const json = new TextEncoder().encode(text);
  const start = (8 + json.length + 7) & ~7;
  const bytes = new Uint8Array(start + 64);
  bytes.set(sample.subarray(0, 4));
  new DataView(bytes.buffer).setUint32(4, json.length, true);
  bytes.set(json, 8);
  return bytes;
}

test.each([
  '{"$a":["i64",-8,8]}',
  '{"$a":["i64",0,-8]}',
  '{"$a":["i64",4,8]}',
  '{"$a":["f64",0,12]}',
  '{"$a":["u32",0.5,4]}',
  '{"$a":["u8","0","1"]}',
  '{"$a":["u8",0,1e300]}',
  '{"$a":["u8",null,1]}',
  '{"$a":["constructor",0,8]}',
  '{"$a":["__proto__",0,8]}',
  '{"$a":[]}',
  '{"$i":"x"}',
  '{"$i":1.5}',
  '{"$i":{}}',
  '[',
])('message: %s is corrupt', (text) => {
  expect(() => decodeMessage(messageOf(text))).toThrow(/^message: /);
});

test('message: a text nested without end is corrupt', () => {
  expect(() => decodeMessage(messageOf('['.repeat(100_000) + ']'.repeat(100_000)))).toThrow(/^message: /); // prettier-ignore
});

test('message: a length beyond 2^31 is corrupt', () => {
  const bytes = sample.slice();
  new DataView(bytes.buffer).setUint32(4, 0xffff_fffc, true);
  expect(() => decodeMessage(bytes)).toThrow('message: cut short');
});

test('message: random bytes behind a good head', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), fc.nat(64), (tail, at) => {
      const bytes = sample.slice();
      bytes.set(tail.subarray(0, bytes.length - 8 - at), 8 + at);
      attempt(bytes);
    }),
    { numRuns: 2_000, seed: 11 },
  );
});
