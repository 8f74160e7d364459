import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { NodeOutbound } from './node-outbound.ts';

const file = (name: string): string =>
  readFileSync(new URL(`./testdata/${name}`, import.meta.url), 'utf8');
const caPem = file('outbound-cert.pem');
const outbound = new NodeOutbound();
const servers: Server[] = [];
const options = {
  headers: { 'User-Agent': 'tester' },
  deadlineMs: 10_000,
  signal: new AbortController().signal,
  trust: { isVerified: true },
};

afterEach(async () => {
  await outbound.close();
  for (const server of servers.splice(0)) server.close();
});

async function listen(server: Server): Promise<number> {
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const part of request) text += String(part);
  return text;
}

const echo: RequestListener = (request, response) => {
  void bodyOf(request).then((body) => {
    response
      .writeHead(418)
      .end(`${request.method} ${request.url} ${request.headers['user-agent']} ${body}`);
  });
};

test('node outbound: a POST brings its body, and its answer back', async () => {
  const port = await listen(createServer(echo));
  const body = new TextEncoder().encode('lines');
  const answer = await outbound.post(`http://127.0.0.1:${port}/a?b=c`, body, options);
  expect(answer).toEqual({ status: 418, text: 'POST /a?b=c tester lines' });
});

test('node outbound: a deadline in a month is none that has passed', async () => {
  const port = await listen(createServer(echo));
  const given = { ...options, deadlineMs: 32 * 24 * 3_600_000 };
  const answer = await outbound.post(`http://127.0.0.1:${port}/`, new Uint8Array(), given);
  expect(answer.status).toBe(418);
});

test('node outbound: https is verified, by certificates of ours or not at all', async () => {
  const server = createSecureServer({ key: file('outbound-key.pem'), cert: caPem }, echo);
  const url = `https://localhost:${await listen(server)}/`;
  const post = (trust: { isVerified: boolean; caPem?: string }) =>
    outbound.post(url, new Uint8Array(1), { ...options, trust });
  await expect(post({ isVerified: true })).rejects.toMatchObject({
    code: 'unavailable',
    message: 'tls: failed to verify certificate: x509: certificate signed by unknown authority',
  });
  expect(await post({ isVerified: true, caPem })).toMatchObject({ status: 418 });
  expect(await post({ isVerified: false })).toMatchObject({ status: 418 });
  // A connection that was made without looking is not taken by those who look.
  await expect(post({ isVerified: true })).rejects.toMatchObject({ code: 'unavailable' });
});

test('node outbound: what is elsewhere is sent there, its secrets to the same host alone', async () => {
  const told: RequestListener = (request, response) => void bodyOf(request).then((body) => response.end(`${request.method} ${request.url} ${request.headers.authorization ?? 'no secret'} ${body}`)); // prettier-ignore
  const place = `http://127.0.0.1:${await listen(createServer(told))}/there`;
  const moving: RequestListener = (request, response) => {
    const { url = '' } = request;
    if (url === '/told') {
      told(request, response);
      return;
    }
    const locations: Readonly<Record<string, string>> = { '/away': place, '/here': '/told', '/round': '/round' }; // prettier-ignore
    response.writeHead(url === '/away' ? 308 : 307, { Location: locations[url] }).end();
  };
  const url = `http://127.0.0.1:${await listen(createServer(moving))}`;
  const secret = { ...options, headers: { Authorization: 'secret' } };
  const post = (path: string) => outbound.post(url + path, Buffer.from('lines'), secret);
  expect(await post('/here')).toEqual({ status: 200, text: 'POST /told secret lines' });
  expect(await post('/away')).toEqual({ status: 200, text: 'POST /there no secret lines' });
  expect(await post('/round')).toEqual({ status: 307, text: '' });
});

test('node outbound: nobody there, no answer in time, and an end from outside', async () => {
  const silent = await listen(createServer(() => undefined));
  const gone = await listen(createServer(echo));
  servers.pop()?.close();
  const at = (port: number) => `http://127.0.0.1:${port}/`;
  await expect(outbound.post(at(gone), new Uint8Array(1), options)).rejects.toMatchObject({
    code: 'unavailable',
    message: `dial tcp 127.0.0.1:${gone}: connect: connection refused`,
  });
  const brief = { ...options, deadlineMs: 1 };
  await expect(outbound.post(at(silent), new Uint8Array(1), brief)).rejects.toMatchObject({
    code: 'timeout',
  });
  const ending = new AbortController();
  const ended = outbound.post(at(silent), new Uint8Array(1), { ...options, signal: ending.signal });
  ending.abort(new Error('enough'));
  await expect(ended).rejects.toThrow('enough');
  await expect(
    outbound.post(at(silent), new Uint8Array(1), { ...options, signal: ending.signal }),
  ).rejects.toThrow('enough');
});

test('node outbound: datagrams arrive one by one; a host without an address is told', async () => {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const got: string[] = [];
  const all = new Promise<void>((resolve) => {
    socket.on('message', (part) => {
      if (got.push(part.toString()) === 2) resolve();
    });
  });
  const { port } = socket.address();
  const parts = ['m f=1 1', 'm f=2 2'].map((text) => new TextEncoder().encode(text));
  const { signal } = options;
  await outbound.sendDatagrams({ host: '127.0.0.1', port }, parts, signal);
  await all;
  const ended = AbortSignal.abort(new Error('enough'));
  await outbound.sendDatagrams({ host: '127.0.0.1', port }, [parts[0] ?? new Uint8Array(1)], ended);
  const last = once(socket, 'message');
  await outbound.sendDatagrams({ host: '127.0.0.1', port }, [new TextEncoder().encode('last')], signal); // prettier-ignore
  await last;
  expect(got).toEqual(['m f=1 1', 'm f=2 2', 'last']);
  socket.close();
  await expect(
    outbound.sendDatagrams({ host: 'no such host.invalid', port }, parts, signal),
  ).rejects.toMatchObject({ code: 'unavailable' });
});
