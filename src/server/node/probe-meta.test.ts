import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { probeMeta } from './probe-meta.ts';

const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) server.close().closeAllConnections();
});

/** The address of a server that answers so. */
async function serving(answer: RequestListener): Promise<string> {
  const server = createServer(answer);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const status = { nodeType: 'meta', leader: 'm1:8089', httpAddr: 'm1:8091', raftAddr: 'm1:8089', peers: ['m1:8089'] }; // prettier-ignore

test('probe: a meta node, and a data node for what it is', async () => {
  const meta = await serving((_request, response) => response.end(JSON.stringify(status)));
  expect(await probeMeta(meta)).toEqual({ nodeType: 'meta', leader: 'm1:8089', raftAddr: 'm1:8089', peers: ['m1:8089'] }); // prettier-ignore
  const data = await serving((_request, response) => response.end('{"nodeType":"data"}\n'));
  expect(await probeMeta(data)).toMatchObject({ nodeType: 'data', peers: null });
});

test.each<[string, RequestListener]>([
  ['a page', (_, response) => response.end('<html>the secret of the intranet</html>')],
  ['JSON', (_, response) => response.end('{"the secret":1}')],
  ['no JSON', (_, response) => response.end('the secret')],
  ['null', (_, response) => response.end('null')],
  ['an address that is none', (_, response) => response.end(JSON.stringify({ ...status, raftAddr: 'the secret' }))], // prettier-ignore
  ['peers that are none', (_, response) => response.end(JSON.stringify({ ...status, peers: ['the secret'] }))], // prettier-ignore
  ['another status', (_, response) => response.writeHead(500).end(JSON.stringify(status))],
  ['an answer that breaks off', (_, response) => response.write('{"nodeType":', () => response.destroy())], // prettier-ignore
  ['a long one', (_, response) => response.end(JSON.stringify({ ...status, more: 'x'.repeat(100_000) }))], // prettier-ignore
  ['a redirect', (_, response) => response.writeHead(302, { Location: 'http://127.0.0.1:1/the-secret' }).end()], // prettier-ignore
])('probe: %s is no meta node, and nothing of it is told', async (_what, answer) => {
  const address = await serving(answer);
  await expect(probeMeta(address)).rejects.toThrow(
    new RegExp(`^${address}: answers, but is not an influxd-meta$`),
  );
});

test.each(['', 'x', 'localhost', 'a/b:80', 'user@host:80', 'host:80/path', 'host:80#x', 'a b:80'])(
  'probe: %j is no address, and nobody is asked',
  async (address) => {
    await expect(probeMeta(address)).rejects.toThrow('is not an address, host:port');
  },
);

test('probe: a port that is none, and what only looks like an address', async () => {
  await expect(probeMeta('h:99999')).rejects.toThrow('h:99999: dial tcp: address 99999: invalid port'); // prettier-ignore
  await expect(probeMeta('a:b:80')).rejects.toThrow('a:b:80: is not an address, host:port');
});

test('probe: nobody there', async () => {
  const address = await serving(() => undefined);
  servers.pop()?.close();
  await expect(probeMeta(address)).rejects.toThrow(
    `${address}: dial tcp ${address}: connect: connection refused`,
  );
});
