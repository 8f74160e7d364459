import { expect, test } from 'vitest';
import { parseForm } from './form-values.ts';

test('form: pairs with a broken escape or a semicolon are left out, the first of a name counts', () => {
  const check = (text: string, want: Record<string, string>) => {
    expect(Object.fromEntries(parseForm(text)), text).toEqual(want);
  };
  check('', {});
  check('a', { a: '' });
  check('a=1&&b=2=3&a=4', { a: '1', b: '2=3' });
  check('a=x+y%20z%C3%A9', { a: 'x y zé' });
  check('a=%zz&b=%4&c=%', {});
  check('a=1;b=2&c=3', { c: '3' });
  check('a=%ff+%C3%A9%fe&b=%ef%bf%bd', { a: '\udcff é\udcfe', b: '\ufffd' });
});
