import { expect, test } from 'vitest';
import { parseQuery } from './parser.ts';
import { printStatement } from './printer.ts';
import { parseParams } from './parse-params.ts';

test('params: whole numbers are exact over int64, a point makes a float', () => {
  const params = parseParams('{"a":9007199254740993,"b":-9223372036854775808,"c":1.0,"d":"x"}');
  expect(params.get('a')).toEqual({ kind: 'integer', value: 9007199254740993n });
  expect(params.get('b')).toEqual({ kind: 'integer', value: -9223372036854775808n });
  expect(params.get('c')).toEqual({ kind: 'number', value: 1 });
  expect(params.get('d')).toEqual({ kind: 'string', value: 'x' });
});

test('params: the empty name is bound to nothing, and a number below 0 is no id', () => {
  const read = (text: string) => () => parseQuery(text, parseParams('{"":1,"x":-1}'));
  for (const name of ['$', '$""', '$$x', '$ x'])
    expect(read(`SELECT v FROM m WHERE v > ${name}`)).toThrow('empty bound parameter');
  expect(read('KILL QUERY $x')).toThrow('strconv.ParseUint: parsing "-1": invalid syntax at line 1, char 12'); // prettier-ignore
});

test('params: an object of one entry says what its text stands for', () => {
  const params = parseParams(
    '{"r":{"regex":"^a"},"i":{"identifier":"m"},"d":{"duration":"1m"},"n":{"duration":90000000000},"f":{"float":3},"k":{"int":4}}',
  );
  expect(params.get('r')).toEqual({ kind: 'regex', source: '^a' });
  expect(params.get('i')).toEqual({ kind: 'identifier', name: 'm' });
  expect(params.get('d')).toEqual({ kind: 'duration', text: '1m' });
  expect(params.get('n')).toEqual({ kind: 'duration', text: '90s' });
  expect(params.get('f')).toEqual({ kind: 'number', value: 3 });
  expect(params.get('k')).toEqual({ kind: 'integer', value: 4n });
});

/** Texts that influxd 1.6.7 and 1.12.4 answered. */
test.each([
  ['{"a":1e0}', 'error parsing json value: strconv.ParseInt: parsing "1e0": invalid syntax'],
  [
    '{"a":9223372036854775808}',
    'error parsing json value: strconv.ParseInt: parsing "9223372036854775808": value out of range',
  ],
  [
    '{"a":1.0e400}',
    'error parsing json value: strconv.ParseFloat: parsing "1.0e400": value out of range',
  ],
  ['{"a":', 'error parsing query parameters: unexpected EOF'],
  ['  ', 'error parsing query parameters: EOF'],
  ['{"a":nul', 'error parsing query parameters: unexpected EOF'],
  ['x', "error parsing query parameters: invalid character 'x' looking for beginning of value"],
  [
    '{x}',
    "error parsing query parameters: invalid character 'x' looking for beginning of object key string",
  ],
  [
    '[1]',
    'error parsing query parameters: json: cannot unmarshal array into Go value of type map[string]interface {}',
  ],
])('params: %s is refused', (text, message) => {
  expect(() => parseParams(text)).toThrow(
    expect.objectContaining({ code: 'invalid_argument', message }),
  );
});

test.each([
  ['{"a":null}', 'unable to bind parameter with type <nil>'],
  ['{"a":[1]}', 'unable to bind parameter with type []interface {}'],
  ['{"a":{"x":1}}', 'unknown bind object type: x'],
  ['{"a":{}}', 'bound object parameter value must have exactly one entry'],
  ['{"a":{"regex":1}}', 'regex literal must be a string value'],
  ['{"a":{"int":1.5}}', 'integer literal must be an integer value'],
  ['{"a":{"int":1e3}}', 'strconv.ParseInt: parsing "1e3": invalid syntax'],
  [
    '{"a":{"x":9223372036854775808}}',
    'strconv.ParseInt: parsing "9223372036854775808": value out of range',
  ],
  ['{"a":{"float":-1.5e999}}', 'strconv.ParseFloat: parsing "-1.5e999": value out of range'],
  ['{"a":{"duration":true}}', 'duration literal must be a string or integer value'],
])('params: %s is an error where it is used, and only there', (text, error) => {
  const params = parseParams(text);
  expect(params.get('a')).toEqual({ kind: 'error', text: error });
  expect(parseQuery('SELECT v FROM m', params)).toHaveLength(1);
  expect(() => parseQuery('SELECT v FROM m WHERE v = $a', params)).toThrow(`missing parameter: ${error}`); // prettier-ignore
});

test('params: a value stands wherever its token may', () => {
  const params = parseParams(
    '{"n":2,"re":{"regex":"^c"},"bad":{"regex":"("},"d":{"duration":"1m"},"i":{"ident":"m x"},"neg":-1,"b":true}',
  );
  const printed = (text: string) => parseQuery(text, params).map(printStatement).join();
  expect(printed('SELECT $re FROM $re WHERE a =~ $re GROUP BY $re LIMIT $n')).toBe('SELECT /^c/ FROM /^c/ WHERE a =~ /^c/ GROUP BY /^c/ LIMIT 2'); // prettier-ignore
  expect(printed('SELECT mean($i) FROM $i WHERE ok = $b GROUP BY time($d)')).toBe('SELECT mean("m x") FROM "m x" WHERE ok = true GROUP BY time(1m)'); // prettier-ignore
  expect(printed('CREATE DATABASE $i WITH SHARD DURATION $d')).toBe('CREATE DATABASE "m x" WITH SHARD DURATION 1m0s'); // prettier-ignore
  expect(() => printed('SELECT v FROM m WHERE a =~ $bad')).toThrow('error parsing regexp: missing closing ): `(`'); // prettier-ignore
  expect(() => printed('SELECT v FROM m LIMIT $neg')).toThrow('LIMIT must be >= 0 at line 1, char 23'); // prettier-ignore
  expect(() => printed('SELECT v FROM m LIMIT $')).toThrow('found $, expected integer at line 1, char 23'); // prettier-ignore
  expect(() => printed('SELECT v FROM m LIMIT $no')).toThrow('found $no, expected integer at line 1, char 23'); // prettier-ignore
});

test('params: a float is told with all its digits and its sign, and a zero keeps it', () => {
  const params = parseParams('{"z":-0.0,"big":1.5e21,"small":-1.5e-9}');
  const printed = (text: string) => parseQuery(text, params).map(printStatement).join();
  expect(printed('SELECT v + $z, v + $big, v + $small FROM m')).toBe('SELECT v + -0.0, v + 1500000000000000000000.0, v + -0.0000000015 FROM m'); // prettier-ignore
  expect(() => printed('SELECT v FROM $z')).toThrow('found -0, expected identifier');
  expect(() => printed('SELECT v FROM $big')).toThrow('found 1500000000000000000000, expected identifier'); // prettier-ignore
});

test('params, statements: half a pair of surrogates names no byte', () => {
  const params = parseParams(String.raw`{"a":"x\udce9","b":{"identifier":"\udce9"},"c":"\ud83d\ude42"}`); // prettier-ignore
  expect(params.get('a')).toEqual({ kind: 'string', value: 'x\ufffd' });
  expect(params.get('b')).toEqual({ kind: 'identifier', name: '\ufffd' });
  expect(params.get('c')).toEqual({ kind: 'string', value: '🙂' });
  const [statement] = parseQuery(`SELECT v FROM "m\udce9" WHERE host = 'caf\udce9'`);
  expect(statement && printStatement(statement)).toBe(`SELECT v FROM "m\ufffd" WHERE host = 'caf\ufffd'`); // prettier-ignore
});
