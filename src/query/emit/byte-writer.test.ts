import { expect, test } from 'vitest';
import { ByteWriter } from './byte-writer.ts';

function written(write: (writer: ByteWriter) => void): string {
  const writer = new ByteWriter(1);
  write(writer);
  return writer.view().toString('utf8');
}

test('byte writer: integers print exactly at every length and edge', () => {
  const cases = [0n, 1n, 9n, 10n, 99n, 100n, 101n, 999n, 1000n, 12345n, 123456n, 1234567n];
  for (let power = 1n; power < 10n ** 19n; power *= 10n) cases.push(power - 1n, power, power + 1n);
  cases.push(9007199254740993n, -9223372036854775808n, 18446744073709551615n, -1n, -100n);
  for (const value of cases) expect(written((w) => w.integer(value))).toBe(String(value));
  for (const value of cases.flatMap((one) => [BigInt.asIntN(64, one), BigInt.asIntN(64, -one)])) {
    const [low = 0, high = 0] = new Uint32Array(BigInt64Array.of(value).buffer);
    expect(written((w) => w.int64(high, low))).toBe(String(value));
  }
});

test('byte writer: floats print as Go prints them in JSON', () => {
  for (const value of [0, 1.5, 1e-7, 1e21, 123456789012, 0.1 + 0.2, 5e-324, 1.7976931348623157e308])
    expect(written((w) => w.float(value))).toBe(String(value));
  expect(written((w) => w.float(-0))).toBe('-0');
});

test('byte writer: times are RFC3339 with no trailing zeros in the fraction', () => {
  const cases: [bigint, string][] = [
    [0n, '1970-01-01T00:00:00Z'],
    [1n, '1970-01-01T00:00:00.000000001Z'],
    [1465839830100400200n, '2016-06-13T17:43:50.1004002Z'],
    [-1n, '1969-12-31T23:59:59.999999999Z'],
    [-9223372036854775806n, '1677-09-21T00:12:43.145224194Z'],
    [9223372036854775806n, '2262-04-11T23:47:16.854775806Z'],
  ];
  for (const [timeNs, text] of cases) expect(written((w) => w.timestamp(timeNs))).toBe(text);
  expect(written((w) => cases.forEach(([timeNs]) => w.timestamp(timeNs)))).toBe(
    cases.map(([, text]) => text).join(''),
  );
});

test('byte writer: strings carry the escapes of the reference', () => {
  expect(written((w) => w.jsonString('a"b\\c<>&\n\r\t\b\f\u0001\u2028é'))).toBe(
    '"a\\"b\\\\c\\u003c\\u003e\\u0026\\n\\r\\t\\b\\f\\u0001\\u2028é"',
  );
});
