import { expect, test } from 'vitest';
import { NodeClock } from '../../env/node/node-clock.ts';
import { GrpcTransport } from './grpc-transport.ts';

test.each([
  ['127.0.0.1:1', 'dial tcp 127.0.0.1:1: connect: connection refused'],
  ['no-such-host.invalid:8088', 'dial tcp: lookup no-such-host.invalid: no such host'],
  ['junk', 'dial tcp: address junk: missing port in address'],
  ['127.0.0.1:99999', 'dial tcp: address 99999: invalid port'],
  ['', 'dial tcp: address : missing port in address'],
  ['a b:1', 'dial tcp: lookup a b: no such host'],
  ['a/b?c#d@e:1', 'dial tcp: lookup a/b?c#d@e: no such host'],
])('peer session: why %j cannot be reached is told in the words of Go', async (address, text) => {
  const transport = new GrpcTransport({ clock: new NodeClock() });
  const request = new Uint8Array();
  const options = { deadlineMs: 5_000, metadata: {} };
  // The second time too: a connection that failed is no longer used.
  for (let i = 0; i < 2; i++)
    await expect(transport.call(address, '/a/B', request, options)).rejects.toMatchObject({
      code: 'unavailable',
      message: text,
    });
  await transport.close();
});
