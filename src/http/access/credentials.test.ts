import { expect, test } from 'vitest';
import type { FastifyRequest } from 'fastify';
import { claimedName, credentialsOf } from './credentials.ts';

function request(url: string, authorization?: string): FastifyRequest {
  return { url, headers: { authorization } } as FastifyRequest;
}

const basic = `Basic ${Buffer.from('n:p:q').toString('base64')}`;

test('credentials: a password may have colons', () => {
  const said = { kind: 'password', name: 'n', password: 'p:q' };
  expect(credentialsOf(request('/query', basic))).toEqual(said);
  expect(credentialsOf(request('/query', 'Token n:p:q'))).toEqual(said);
});

test('credentials: names and passwords are UTF-8, however a header is read', () => {
  const said = { kind: 'password', name: 'ü', password: 'pä' };
  const bytes = Buffer.from('ü:pä').toString('latin1');
  expect(credentialsOf(request('/query', `Token ${bytes}`))).toEqual(said);
  expect(credentialsOf(request('/query', `Basic ${Buffer.from('ü:pä').toString('base64')}`))).toEqual(said); // prettier-ignore
});

test('credentials: bytes that are no UTF-8 are not those of another name or password', () => {
  const of = (...bytes: readonly number[]) => Buffer.from([...Buffer.from('n:'), ...bytes]);
  const asked = [[0xff], [0xfe], [0xef, 0xbf, 0xbd], [0xed, 0xb3, 0xbf]].map((bytes) => {
    const escaped = bytes.map((byte) => `%${byte.toString(16)}`).join('');
    const forms = [
      request('/query', `Basic ${of(...bytes).toString('base64')}`),
      request('/query', `Token ${of(...bytes).toString('latin1')}`),
      request(`/query?u=n&p=${escaped}`),
    ].map((one) => JSON.stringify(credentialsOf(one)));
    expect(new Set(forms).size).toBe(1);
    return forms[0];
  });
  expect(new Set(asked).size).toBe(asked.length);
});

test('credentials: the access log names who an address or a header claims to be', () => {
  expect(claimedName(request('/query?u=a', basic))).toBe('a');
  expect(claimedName(request('/query', basic))).toBe('n');
  expect(claimedName(request('/query', 'Token n:p'))).toBe('');
  expect(claimedName(request('/query'))).toBe('');
});
