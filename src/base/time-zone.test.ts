import { expect, test } from 'vitest';
import { TimeZone } from './time-zone.ts';
import { secondNs } from './units.ts';

const at = (text: string) => BigInt(Date.parse(text) / 1000) * secondNs;

test('time zone: offsets follow daylight saving, also before 1970', () => {
  const berlin = new TimeZone('Europe/Berlin');
  expect(berlin.offsetSeconds(at('2000-01-01T00:00:00Z'))).toBe(3600);
  expect(berlin.offsetSeconds(at('2000-03-26T00:59:59Z'))).toBe(3600);
  expect(berlin.offsetSeconds(at('2000-03-26T01:00:00Z'))).toBe(7200);
  expect(berlin.offsetSeconds(at('1969-07-01T00:00:00Z'))).toBe(3600);
  expect(new TimeZone('Asia/Kolkata').offsetNs(0n)).toBe(19_800n * secondNs);
  const stJohns = new TimeZone('America/St_Johns');
  expect(stJohns.offsetSeconds(at('2000-10-29T02:30:59Z'))).toBe(-9_000);
  expect(stJohns.offsetSeconds(at('2000-10-29T02:31:00Z'))).toBe(-12_600);
  expect(new TimeZone('UTC').offsetNs(-1n)).toBe(0n);
});
