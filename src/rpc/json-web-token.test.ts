import { createHmac } from 'node:crypto';
import { expect, test } from 'vitest';
import { checkToken, signToken } from './json-web-token.ts';

const nowS = 1_800_000_000;
const good = signToken('secret', 'member', nowS);

function forged(head: unknown, claims: unknown, secret = 'secret'): string {
  const part = (value: unknown) =>
    Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
  const signed = `${part(head)}.${part(claims)}`;
  return `${signed}.${createHmac('sha512', secret).update(signed).digest('base64url')}`;
}

test('internal token: five minutes, and a minute for clocks that differ', () => {
  const check = (atS: number) => checkToken(good, { secret: 'secret', use: 'member', nowS: atS });
  expect(check(nowS)).toBe(nowS + 360);
  expect(JSON.parse(Buffer.from(good.split('.')[1] ?? '', 'base64url').toString())).toEqual({
    username: '',
    exp: nowS + 300,
  });
  expect(() => check(nowS + 361)).toThrow('it has expired');
  expect(() => check(nowS - 61)).toThrow('it lives longer than is allowed');
});

test.each([
  ['', 'signature is invalid'],
  ['..', 'signature is invalid'],
  ['a.b.c.d', 'it is malformed'],
  ['x'.repeat(100_000), 'it is malformed'],
  [`${good.slice(0, -4)}AAAA`, 'signature is invalid'],
  [signToken('other', 'member', nowS), 'signature is invalid'],
  [signToken('secret', 'join', nowS), 'it is for another use'],
  [forged({ alg: 'none' }, { username: '', exp: nowS }), 'its algorithm is not HS512'],
  [forged({ alg: 'HS512' }, { username: 'admin', exp: nowS }), 'it is of a user, not of a node'],
  [forged({ alg: 'HS512' }, { exp: nowS }), 'it is of a user, not of a node'],
  [forged({ alg: 'HS512' }, { username: '' }), 'it has no end'],
  [forged({ alg: 'HS512' }, { username: '', exp: 'never' }), 'it has no end'],
  [forged({ alg: 'HS512' }, { username: '', exp: 1e300 }), 'it lives longer than is allowed'],
  [forged({ alg: 'HS512' }, 'null'), 'it is malformed'],
  [forged({ alg: 'HS512' }, '{'), 'it is malformed'],
])('internal token: forged token %$ is refused', (token, why) => {
  expect(() => checkToken(token, { secret: 'secret', use: 'member', nowS })).toThrow(why);
});
