import { createSecureContext } from 'node:tls';
import { expect, test } from 'vitest';
import { tlsPolicy, tlsSuites, tlsVersion } from './tls-policy.ts';

const none = (): undefined => undefined;

test.each([
  ['', undefined],
  ['tls1.2', 'TLSv1.2'],
  ['TLS1.3', 'TLSv1.3'],
  ['1.1', 'TLSv1.1'],
  ['ssl3.0', 'TLSv1'],
])('tls policy: %j is a version', (minVersion, expected) => {
  expect(tlsVersion(minVersion, none)).toBe(undefined);
  expect(tlsPolicy({ ciphers: [], minVersion, maxVersion: '' })).toEqual({
    minVersion: expected,
    maxVersion: undefined,
    ciphers: undefined,
  });
});

test.each(['tls1.9', 'v1.2', 'tls', '3.0'])('tls policy: %j is none', (text) => {
  expect(tlsVersion(text, none)).toBe(
    `unknown tls version: "${text}". available versions: SSL3.0, TLS1.0, TLS1.1, TLS1.2, TLS1.3`,
  );
});

test('tls policy: every suite of Go is one of OpenSSL, or none any more', () => {
  const text = tlsSuites(['TLS_NOPE'], none) ?? '';
  const [head, list = ''] = text.split('available ciphers: ');
  expect(head).toBe('unknown cipher suite: "TLS_NOPE". ');
  const names = list.split(', ');
  expect(names).toHaveLength(26);
  for (const name of names) {
    expect(tlsSuites([name.toLowerCase()], none)).toBe(undefined);
    const { ciphers } = tlsPolicy({ ciphers: [name], minVersion: '', maxVersion: '' });
    expect(() => createSecureContext({ ciphers })).not.toThrow();
  }
});
