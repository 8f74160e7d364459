import { expect, test } from 'vitest';
import { rfc3339Fault } from './rfc3339-fault.ts';

/** As a 1.12.4 tells it of the bounds of a DELETE. */
test.each([
  ["2000-01-01T00:00:00", "parsing time \"2000-01-01T00:00:00\" as \"2006-01-02T15:04:05.999999999Z07:00\": cannot parse \"\" as \"Z07:00\""],
  ["2000-01-01 00:00:00", "parsing time \"2000-01-01 00:00:00\" as \"2006-01-02T15:04:05.999999999Z07:00\": cannot parse \" 00:00:00\" as \"T\""],
  ["2000-13-01T00:00:00Z", "parsing time \"2000-13-01T00:00:00Z\": month out of range"],
  ["2000-02-30T00:00:00Z", "parsing time \"2000-02-30T00:00:00Z\": day out of range"],
  ["2000-01-01T24:00:00Z", "parsing time \"2000-01-01T24:00:00Z\": hour out of range"],
  ["2000-01-01T00:00:00+25:00", "parsing time \"2000-01-01T00:00:00+25:00\": time zone offset hour out of range"],
  ["2000-01-01T00:00:00+00:61", "parsing time \"2000-01-01T00:00:00+00:61\": time zone offset minute out of range"],
  ["2000-01-01T00:00:00Zx", "parsing time \"2000-01-01T00:00:00Zx\": extra text: \"x\""],
  ["2000-01-01", "parsing time \"2000-01-01\" as \"2006-01-02T15:04:05.999999999Z07:00\": cannot parse \"\" as \"T\""],
  ["946684800", "parsing time \"946684800\" as \"2006-01-02T15:04:05.999999999Z07:00\": cannot parse \"84800\" as \"-\""],
  ["now()", "parsing time \"now()\" as \"2006-01-02T15:04:05.999999999Z07:00\": cannot parse \"now()\" as \"2006\""],
  ["x\"y", "parsing time \"x\\\"y\" as \"2006-01-02T15:04:05.999999999Z07:00\": cannot parse \"x\\\"y\" as \"2006\""],
  ["é", "parsing time \"\\xc3\\xa9\" as \"2006-01-02T15:04:05.999999999Z07:00\": cannot parse \"\\xc3\\xa9\" as \"2006\""],
  ["2000-01-01T00:0:00Z", "parsing time \"2000-01-01T00:0:00Z\" as \"2006-01-02T15:04:05.999999999Z07:00\": cannot parse \"0:00Z\" as \"04\""],
])('rfc3339: %s', (text, fault) => {
  expect(rfc3339Fault(text)).toBe(fault);
}); // prettier-ignore
