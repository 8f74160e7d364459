import fc from 'fast-check';
import { expect, test } from 'vitest';
import { exactTextOf } from '../base/exact-text.ts';
import { text } from './field.ts';
import { varve } from './gen/wire.js';
import { message } from './message.ts';
import { textOfWire, wireTextOf } from './wire-text.ts';

const field = message(varve.data.v1.TypedField, { measurement: text(), name: text() });

function cameBack(one: string): string {
  const { measurement, name } = field.decode(field.encode({ measurement: one, name: 'b' }));
  return name === 'b' ? measurement : '';
}

test('text of a message: names of any bytes come back, however long', () => {
  const bytes = fc.uint8Array({ maxLength: 300 });
  fc.assert(fc.property(bytes, (one) => cameBack(exactTextOf(one)) === exactTextOf(one)), { numRuns: 1_000, seed: 1 }); // prettier-ignore
  const mark = '\u{10ffff}';
  for (const one of ['', 'cpu', 'caf\udce9', '🙂', `${mark}\u00e9`, `${mark}${mark}`, `\udc80${mark}\udcff${mark}`])
    expect(cameBack(one)).toBe(one); // prettier-ignore
});

test('text of a message: it is UTF-8 on its way, and the text itself where it can be', () => {
  for (const one of ['caf\udce9', '\udcff\u{10ffff}', '\ud800x', '\udc00'])
    expect(wireTextOf(one).isWellFormed()).toBe(true);
  for (const one of ['', 'wärme', '中', 'a\ufffdb']) expect(wireTextOf(one)).toBe(one);
  // Half a pair that is no byte is what every other encoder makes of it.
  expect(textOfWire(wireTextOf('a\ud800b'))).toBe('a\ufffdb');
});
