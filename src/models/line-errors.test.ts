import { Buffer } from 'node:buffer';
import { expect, test } from 'vitest';
import { LineErrors } from './line-errors.ts';

test('line errors: a line is told with its bytes, also those that are no UTF-8', () => {
  const errors = new LineErrors();
  errors.add(Buffer.from('m\xf0\x9f,h=\xff\xc3\xa9 v=', 'latin1'), 'missing field value');
  expect(errors.text()).toBe("unable to parse 'm\udcf0\udc9f,h=\udcffé v=': missing field value");
});
