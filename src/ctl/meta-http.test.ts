import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { MetaHttp } from './meta-http.ts';

const pem = (name: string) => readFileSync(new URL(`../env/node/network/testdata/outbound-${name}.pem`, import.meta.url)); // prettier-ignore
const plain = { bind: 'm:8091', tls: false, skipVerify: false, authType: 'none', user: '', password: '', secret: '', timeoutMs: 5_000 } as const; // prettier-ignore

test('meta http: a data node is asked over TLS where its cluster has it there, whatever meta nodes speak', async () => {
  const server = createServer({ cert: pem('cert'), key: pem('key') }, (_request, response) => {
    response.end('{"nodeType":"data"}');
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const asked = (dataTls: { readonly isVerified: boolean } | undefined, tls = false) =>
    new MetaHttp({ ...plain, tls, dataTls }, () => 0).at(address, { isData: true }).get('/status');
  try {
    expect(await asked({ isVerified: false })).toEqual({ nodeType: 'data' });
    await expect(asked({ isVerified: true })).rejects.toThrow('certificate signed by unknown authority'); // prettier-ignore
    await expect(asked(undefined, true)).rejects.toThrow('operation timed out');
  } finally {
    server.closeAllConnections();
    server.close();
  }
});
