import { expect, test } from 'vitest';
import { parseParams } from './parse-params.ts';

test('params: whole numbers are exact over int64, a point makes a float', () => {
  const params = parseParams('{"a":9007199254740993,"b":-9223372036854775808,"c":1.0,"d":"x"}');
  expect(params.get('a')).toEqual({ kind: 'integer', value: 9007199254740993n });
  expect(params.get('b')).toEqual({ kind: 'integer', value: -9223372036854775808n });
  expect(params.get('c')).toEqual({ kind: 'number', value: 1 });
  expect(params.get('d')).toEqual({ kind: 'string', value: 'x' });
});

test('params: an object of one entry says what its text stands for', () => {
  const params = parseParams('{"r":{"regex":"^a"},"i":{"identifier":"m"},"d":{"duration":"1m"}}');
  expect(params.get('r')).toEqual({ kind: 'regex', source: '^a' });
  expect(params.get('i')).toEqual({ kind: 'identifier', name: 'm' });
  expect(params.get('d')).toEqual({ kind: 'duration', valueNs: 60_000_000_000n });
});

/** Texts that influxd 1.6.7 answered. */
test.each([
  ['{"a":1e0}', 'error parsing json value: strconv.ParseInt: parsing "1e0": invalid syntax'],
  [
    '{"a":9223372036854775808}',
    'error parsing json value: strconv.ParseInt: parsing "9223372036854775808": value out of range',
  ],
  [
    '{"a":null}',
    'error parsing query: missing parameter: unable to bind parameter with type <nil>',
  ],
  [
    '{"a":[1]}',
    'error parsing query: missing parameter: unable to bind parameter with type []interface {}',
  ],
  ['{"a":{"x":1}}', 'error parsing query: missing parameter: unknown bind object type: x'],
  ['{"a":', 'error parsing query parameters: unexpected EOF'],
  [
    '[1]',
    'error parsing query parameters: json: cannot unmarshal array into Go value of type map[string]interface {}',
  ],
])('params: %s is refused', (text, message) => {
  expect(() => parseParams(text)).toThrow(
    expect.objectContaining({ code: 'invalid_argument', message }),
  );
});
