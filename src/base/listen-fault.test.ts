import { once } from 'node:events';
import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { listenFault } from './listen-fault.ts';

async function faultOf(at: { readonly host: string; readonly port: number } | string) {
  const server = createServer();
  const failed = once(server, 'error');
  server.listen(at);
  const [error] = (await failed) as [Error];
  return listenFault(error);
}

test('listening: what is wrong with an address is told in the words of Go', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as { readonly port: number };
  expect(await faultOf({ host: '127.0.0.1', port })).toBe('bind: address already in use');
  other.close();
  // An address of documents, which no machine has.
  const foreign = await faultOf({ host: '192.0.2.1', port: 20_000 });
  expect(foreign).toBe('bind: cannot assign requested address');
  expect(await faultOf(`/tmp/${'s'.repeat(200)}`)).toBe('bind: invalid argument');
  expect(listenFault(new Error('other'))).toBe('other');
});
