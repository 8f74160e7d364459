import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { request, type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { listenOnUnixSocket } from '../../src/env/node/network/unix-listener.ts';
import { startOneNode, type OneNode } from '../support/one-node.ts';

const limitMs = 120_000;
const folder = mkdtempSync(join(tmpdir(), 'varve-http-keys-'));
const socketPath = join(folder, 'sockets/influxdb.sock');
const connectionsMax = 3;
const lines: string[] = [];
let node: OneNode;

beforeAll(async () => {
  node = await startOneNode(folder, {
    workerCount: 1,
    accessLine: (line) => void lines.push(line),
    headers: { 'x-one': 'two', 'content-length': '7', 'Access-Control-Max-Age': '9' },
    connectionsMax,
  });
}, limitMs);
afterAll(async () => {
  await node.close();
  rmSync(folder, { recursive: true });
}, limitMs);

interface Answer {
  readonly response: IncomingMessage;
  readonly text: string;
}

async function ask(
  method: string,
  path: string,
  more: { body?: string; headers?: Record<string, string>; socketPath?: string } = {},
): Promise<Answer> {
  // prettier-ignore
  const { body, headers, ...others } = more;
  const { port } = new URL(node.url);
  const asked = request({
    method,
    path,
    host: '127.0.0.1',
    port,
    agent: false,
    headers,
    ...others,
  });
  asked.end(body);
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  let text = '';
  for await (const part of response) text += String(part);
  return { response, text };
}

test('headers: those of the configuration are in each answer, whoever reads the request, and break none', async () => {
  await ask('POST', '/query?q=CREATE+DATABASE+d');
  for (const headers of [{}, { origin: 'http://a' }])
    for (const [method, path, body] of [
      ['GET', '/query?q=SHOW+DATABASES', undefined],
      ['GET', '/query?q=SHOW+DATABASES&chunked=true', undefined],
      ['POST', '/write?db=d', 'm v=1 1'],
      ['POST', '/write?db=none', 'm v=1 1'],
      ['GET', '/ping', undefined],
    ] as const) {
      const { response, text } = await ask(method, path, { headers, ...(body && { body }) });
      const { 'x-one': one, 'access-control-max-age': age } = response.headers;
      expect({ path, one, age, names: response.rawHeaders.includes('X-One') }).toEqual({ path, one: 'two', age: '9', names: true }); // prettier-ignore
      if (path.startsWith('/query')) expect(text).toMatch(/"d"\]\]\}\]\}\]\}\n$/);
    }
  const { response } = await ask('GET', '/nothing');
  expect(response.headers['x-one']).toBeUndefined();
});

test('max-connection-limit: one connection too many is closed, one that ends makes room, and a Unix socket has its own', async () => {
  const { port } = new URL(node.url);
  const open = async (): Promise<Socket> => {
    const socket = connect(Number(port), '127.0.0.1').on('error', () => undefined);
    await once(socket, 'connect');
    return socket;
  };
  const held: Socket[] = [];
  for (let i = 0; i < connectionsMax; i++) {
    const socket = await open();
    socket.write('POST /write?db=d HTTP/1.1\r\nHost: a\r\nContent-Length: 7\r\n\r\nm v=2 2');
    await once(socket, 'data');
    held.push(socket);
  }
  const extra = await open();
  await once(extra, 'close');
  const listener = await listenOnUnixSocket({ path: socketPath, permissions: 0o600, group: '' }, node.acceptPlain); // prettier-ignore
  expect((await ask('GET', '/ping', { socketPath })).response.statusCode).toBe(204);
  listener.close();
  held[0]?.destroy();
  await expect.poll(() => ask('GET', '/ping').then(() => 'in', () => 'out')).toBe('in'); // prettier-ignore
  for (const socket of held) socket.destroy();
});

test('unix socket: the same API, with the permissions that were asked for, in the place of what a killed node left', async () => {
  const settings = { path: socketPath, permissions: 0o660, group: 'root' };
  (await listenOnUnixSocket(settings, node.acceptPlain)).close();
  writeFileSync(socketPath, '');
  const listener = await listenOnUnixSocket(settings, node.acceptPlain);
  expect(statSync(socketPath).mode & 0o777).toBe(0o660);
  lines.length = 0;
  const write = await ask('POST', '/write?db=d', { socketPath, body: 'n v=1 1' });
  expect(write.response.statusCode).toBe(204);
  const { text } = await ask('GET', '/query?db=d&q=SELECT+v+FROM+n&epoch=ns', { socketPath });
  expect(text).toBe('{"results":[{"statement_id":0,"series":[{"name":"n","columns":["time","v"],"values":[[1,1]]}]}]}\n'); // prettier-ignore
  const general = await ask('GET', '/query?db=d&q=SELECT+v+FROM+n&epoch=ns', { socketPath, headers: { origin: 'a' } }); // prettier-ignore
  expect(general.text).toBe(text);
  await expect.poll(() => lines.length).toBe(3);
  for (const line of lines) expect(line).toMatch(/^@ - - \[/);
  listener.close();
  await expect(listenOnUnixSocket({ ...settings, group: 'nobody-knows' }, node.acceptPlain)).rejects.toThrow('unknown group nobody-knows'); // prettier-ignore
});
