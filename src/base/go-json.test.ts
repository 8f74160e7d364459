import { expect, test } from 'vitest';
import { jsonFaultOf, scanFirstValue } from './go-json.ts';

/** What encoding/json of Go 1.26 said: Unmarshal of the whole text, and a Decoder of the first value where that differs. */
const faults: readonly (readonly [text: string, whole: string, first?: string])[] = [
  ['', 'unexpected end of JSON input', 'cut off'],
  ['x', "invalid character 'x' looking for beginning of value"],
  ['{', 'unexpected end of JSON input', 'cut off'],
  ['{"a"', 'unexpected end of JSON input', 'cut off'],
  ['{"a":"x', 'unexpected end of JSON input', 'cut off'],
  ['{x}', "invalid character 'x' looking for beginning of object key string"],
  ['{"a":1,}', "invalid character '}' looking for beginning of object key string"],
  ['{"a" 1}', "invalid character '1' after object key"],
  ['{"a":}', "invalid character '}' looking for beginning of value"],
  ['{"a":1 2}', "invalid character '2' after object key:value pair"],
  ['{"a":01}', "invalid character '1' after object key:value pair"],
  ['[1 2]', "invalid character '2' after array element"],
  ['[1,]', "invalid character ']' looking for beginning of value"],
  ['{}}', "invalid character '}' after top-level value", 'end 2'],
  [' [1] x', "invalid character 'x' after top-level value", 'end 4'],
  ['nul', "invalid character ' ' in literal null (expecting 'l')", 'cut off'],
  ['trux', "invalid character 'x' in literal true (expecting 'e')"],
  ['-', "invalid character ' ' in numeric literal", 'cut off'],
  ['[-a]', "invalid character 'a' in numeric literal"],
  ['[1.]', "invalid character ']' after decimal point in numeric literal"],
  ['[1e+]', "invalid character ']' in exponent of numeric literal"],
  ['"\u0001"', "invalid character '\\x01' in string literal"],
  ['"\\x"', "invalid character 'x' in string escape code"],
  ['"\\', "invalid character ' ' in string escape code", 'cut off'],
  ['"\\u12g4"', "invalid character 'g' in \\u hexadecimal character escape"],
  ["['a']", "invalid character '\\'' looking for beginning of value"],
  ['{"a":1"}', "invalid character '\"' after object key:value pair"],
  ['é', "invalid character 'Ã' looking for beginning of value"],
];

const told = faults.map(([text, whole, first = whole]) => [text, whole, first] as const);

test.each(told)('JSON %j: is refused in the words of Go', (text, whole, first) => {
  expect(jsonFaultOf(text)?.text).toBe(whole);
  const scanned = scanFirstValue(text);
  const said = 'end' in scanned ? `end ${scanned.end}` : scanned.fault.isCutOff ? 'cut off' : scanned.fault.text; // prettier-ignore
  expect(said).toBe(first);
});

test('JSON: whole values have no fault, however deep they are', () => {
  const deep = `${'[{"a":'.repeat(100_000)}-1.5e+3${'}]'.repeat(100_000)}`;
  for (const text of ['null', ' -0 ', '"\\u00e9\\n"', '{"a":[],"b":{},"c":[true,1e5]}', deep]) {
    expect(jsonFaultOf(text)).toBeUndefined();
    expect(scanFirstValue(text)).toEqual({ end: text.trimEnd().length });
  }
});
