import { once } from 'node:events';
import { connect, type AddressInfo, type Socket } from 'node:net';
import fastify, { type FastifyInstance } from 'fastify';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Latch } from '../base/async/latch.ts';
import { addTurns } from './request-turns.ts';

let api: FastifyInstance;
let begun: string[];
let first: Latch<undefined>;

beforeEach(async () => {
  [api, begun, first] = [fastify(), [], new Latch<undefined>()];
  addTurns(api);
  api.get('/:name', async (request, reply) => {
    const { name } = request.params as { readonly name: string };
    begun.push(name);
    if (name === 'slow') await first.promise;
    if (name === 'last') void reply.header('Connection', 'close');
    return `<${name}>`;
  });
  await api.listen({ port: 0, host: '127.0.0.1' });
});
afterEach(() => api.close());

function get(name: string, more = ''): string {
  return `GET /${name} HTTP/1.1\r\nHost: a\r\n${more}\r\n`;
}

/** Sends requests, lets the slow one go on once it has begun and all have come, and gives the bodies of the answers. */
async function exchange(requests: string): Promise<readonly string[]> {
  const socket = connect((api.server.address() as AddressInfo).port, '127.0.0.1');
  let text = '';
  socket.on('data', (part: Buffer) => (text += part.toString()));
  const [served] = (await once(api.server, 'connection')) as [Socket];
  const sent = Buffer.from(requests);
  socket.write(sent);
  // What is read by whoever parses it is not seen as data.
  while (served.bytesRead < Math.min(sent.length, 60_000)) await new Promise((resolve) => setImmediate(resolve)); // prettier-ignore
  expect(begun).toEqual(requests.includes('/slow') ? ['slow'] : begun);
  first.open(undefined);
  await once(socket, 'close');
  return text.match(/<\w+>/g) ?? [];
}

test('turns: a request is begun once the one before it on its connection is answered', async () => {
  const bodies = await exchange(get('slow') + get('b') + get('c') + get('last'));
  expect(bodies).toEqual(['<slow>', '<b>', '<c>', '<last>']);
  expect(begun).toEqual(['slow', 'b', 'c', 'last']);
});

test('turns: what stands behind the last answer of a connection is not begun', async () => {
  expect(await exchange(get('slow') + get('last') + get('behind'))).toEqual(['<slow>', '<last>']);
  expect(begun).toEqual(['slow', 'last']);
});

test('turns: thousands that come at once are answered in their order', async () => {
  const names = Array.from({ length: 5_000 }, (_, i) => `n${i}`);
  const bodies = await exchange(['slow', ...names, 'last'].map((name) => get(name)).join(''));
  expect(bodies).toEqual(['slow', ...names, 'last'].map((name) => `<${name}>`));
});
