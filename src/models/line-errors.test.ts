import { Buffer } from 'node:buffer';
import { expect, test } from 'vitest';
import { LineErrors } from './line-errors.ts';

/** As a 1.12.4 tells it in JSON. */
test('line errors: each byte that is no UTF-8 is told as one replacement character, a character as itself', () => {
  const errors = new LineErrors();
  errors.add(Buffer.from('m\xf0\x9f,h=\xff\xc3\xa9 v=', 'latin1'), 'missing field value');
  expect(errors.text()).toBe("unable to parse 'm\ufffd\ufffd,h=\ufffdé v=': missing field value");
});
