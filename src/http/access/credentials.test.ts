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

test('credentials: the access log names who an address or a header claims to be', () => {
  expect(claimedName(request('/query?u=a', basic))).toBe('a');
  expect(claimedName(request('/query', basic))).toBe('n');
  expect(claimedName(request('/query', 'Token n:p'))).toBe('');
  expect(claimedName(request('/query'))).toBe('');
});
