import { expect, test } from 'vitest';
import { parseWellFormed, stringifyWellFormed } from './well-formed-json.ts';

test('JSON of a client: half a pair of surrogates is no byte', () => {
  expect(parseWellFormed(String.raw`{"a":["x\ud800","\udce9y","\ud83d\ude42","\\udce9",1]}`)).toEqual({
    a: ['x\ufffd', '\ufffdy', '🙂', String.raw`\udce9`, 1],
  }); // prettier-ignore
  expect(() => parseWellFormed('{"a":')).toThrow(SyntaxError);
});

test('JSON for a client: a byte that is no UTF-8 is what Go writes for it', () => {
  expect(stringifyWellFormed({ 'caf\udce9': [`\\udce9 "\udc80🙂\u001f\\`, 1] })).toBe(
    String.raw`{"caf\ufffd":["\\udce9 \"\ufffd🙂\u001f\\",1]}`,
  );
  expect(stringifyWellFormed('wärme')).toBe('"wärme"');
});
