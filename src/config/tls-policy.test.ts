import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { connect, createSecureContext, createServer, type ConnectionOptions } from 'node:tls';
import { expect, test } from 'vitest';
import { tlsPolicy, tlsSuites, tlsVersion } from './tls-policy.ts';

const none = (): undefined => undefined;
const testdata = new URL('../env/node/network/testdata/', import.meta.url);
/** Of an RSA key. */
const selfSigned = {
  cert: readFileSync(new URL('outbound-cert.pem', testdata)),
  key: readFileSync(new URL('outbound-key.pem', testdata)),
};

test.each([
  ['', undefined],
  ['tls1.2', 'TLSv1.2'],
  ['TLS1.3', 'TLSv1.3'],
  ['1.1', 'TLSv1.1'],
  ['ssl3.0', 'TLSv1'],
])('tls policy: %j is a version', (minVersion, expected) => {
  expect(tlsVersion(minVersion, none)).toBe(undefined);
  expect(tlsPolicy({ ciphers: [], minVersion, maxVersion: '' })).toMatchObject({
    minVersion: expected,
    maxVersion: undefined,
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

/** What a server with that policy and a client that offers one suite, or speaks one version, agree on. */
async function agreed(
  said: { readonly ciphers?: readonly string[]; readonly minVersion?: string },
  client: ConnectionOptions,
): Promise<string> {
  const policy = tlsPolicy({ ciphers: [], minVersion: '', maxVersion: '', ...said });
  const server = createServer({ ...selfSigned, ...policy }).on('tlsClientError', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...client });
  try {
    await once(socket, 'secureConnect');
    return `${socket.getProtocol()} ${socket.getCipher().name}`;
  } catch {
    return 'none';
  } finally {
    socket.destroy();
    server.close();
  }
}

const tls12 = { maxVersion: 'TLSv1.2' } as const;

test('tls policy: without suites those of Go are on', async () => {
  const offer = (ciphers: string) => agreed({}, { ...tls12, ciphers });
  expect(await offer('ECDHE-RSA-AES256-GCM-SHA384')).toContain('ECDHE-RSA-AES256-GCM-SHA384');
  expect(await offer('ECDHE-RSA-AES128-SHA')).toContain('ECDHE-RSA-AES128-SHA');
  for (const weak of ['AES128-SHA', 'AES256-GCM-SHA384', 'ECDHE-RSA-AES128-SHA256'])
    expect(await offer(weak)).toBe('none');
});

test('tls policy: suites are taken in the order of Go', async () => {
  const ciphers = ['TLS_RSA_WITH_AES_128_CBC_SHA', 'TLS_RSA_WITH_AES_256_GCM_SHA384'];
  expect(await agreed({ ciphers }, tls12)).toBe('TLSv1.2 AES256-GCM-SHA384');
});

test('tls policy: versions before 1.2 are spoken where they are asked for', async () => {
  const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1', ciphers: 'ALL:@SECLEVEL=0' } as const;
  expect(await agreed({}, old)).toBe('none');
  expect(await agreed({ minVersion: 'tls1.1' }, old)).toBe('none');
  expect(await agreed({ minVersion: 'tls1.0' }, old)).toMatch(/^TLSv1 ECDHE-RSA-AES/);
});
