import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { connect as http2Connect, constants, createServer, type IncomingHttpHeaders } from 'node:http2'; // prettier-ignore
import { connect, createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { callInBurst } from '../../../test/support/call-burst.ts';
import { rpcTransportContract } from '../../../test/support/contract/rpc-transport.ts';
import { DbError, dbErrorCodes, isDbError } from '../../base/errors.ts';
import type { RpcHandlers } from '../../env/transport.ts';
import { NodeClock } from '../../env/node/node-clock.ts';
import { GrpcTransport } from './grpc-transport.ts';
import { callsMax } from './stream-places.ts';
import { errorTrailers, trailersError } from './status.ts';
import { connectionWindowBytes } from './windows.ts';

const admit = () => ({ kind: 'call', requestBytesMax: 1_000, isTrusted: true }) as const;

rpcTransportContract('grpc transport', async (body) => {
  const clock = new NodeClock();
  const server = new GrpcTransport({ clock });
  const client = new GrpcTransport({ clock });
  const httpGet = async (address: string, path: string) => {
    const response = await fetch(`http://${address}${path}`);
    const contentType = response.headers.get('content-type') ?? '';
    return { status: response.status, contentType, body: await response.text() };
  };
  try {
    await body({ server, client, clock, address: '127.0.0.1:0', httpGet });
  } finally {
    await client.close();
    await server.close();
  }
});

test('grpc transport: every code comes through, one of a newer release as internal', () => {
  for (const code of dbErrorCodes) {
    const error = new DbError(code, ` text of ${code} \n%20 "é" \ud800 `);
    const trailers = errorTrailers(error);
    expect(Number(trailers['grpc-status'])).toBeGreaterThan(0);
    const text = ` text of ${code} \n%20 "é" \ufffd `;
    expect(trailersError(trailers as IncomingHttpHeaders)).toEqual(new DbError(code, text));
  }
  const future = { 'grpc-status': '2', 'grpc-message': 'x', 'varve-code': 'future' };
  expect(trailersError(future)).toEqual(new DbError('internal', 'x'));
});

test('grpc transport: a POST and noise on the port get an answer or an end, and calls go on', async () => {
  const clock = new NodeClock();
  const transport = new GrpcTransport({ clock });
  const handlers: RpcHandlers = {
    admit,
    call: (_method: string, request: Uint8Array) => Promise.resolve(request),
    async *stream() {
      yield await Promise.resolve(new Uint8Array());
    },
  };
  const listener = await transport.listen('127.0.0.1:0', handlers);
  const response = await fetch(`http://${listener.address}/`, { method: 'POST' });
  expect(response.status).toBe(405);
  const socket = connect(Number(listener.address.split(':')[1]), '127.0.0.1');
  socket.end('noise\r\n\r\n');
  await new Promise((resolve) => socket.once('close', resolve).resume());
  const reply = await transport.call(listener.address, '/test/m', Buffer.from('x'), {
    deadlineMs: 5_000,
  });
  expect(Buffer.from(reply).toString()).toBe('x');
  await listener.close();
  await transport.close();
});

test('grpc transport: neither side holds the other up by the window of the connection', async () => {
  const clock = new NodeClock();
  const transport = new GrpcTransport({ clock });
  const handlers: RpcHandlers = {
    admit,
    call: (_method: string, request: Uint8Array) => Promise.resolve(request),
    async *stream() {
      yield await Promise.resolve(new Uint8Array());
    },
  };
  const listener = await transport.listen('127.0.0.1:0', handlers);
  const plain = http2Connect(`http://${listener.address}`);
  // The announcement comes with the settings.
  await once(plain, 'remoteSettings');
  await new Promise((resolve) => plain.ping(resolve));
  expect(plain.state.remoteWindowSize).toBe(connectionWindowBytes);
  plain.destroy();

  const told = new Promise<number | undefined>((resolve) => {
    const server = createServer();
    server.on('stream', (stream) => {
      resolve(stream.session?.state.remoteWindowSize);
      stream.respond({ ':status': 200, 'grpc-status': '13' }, { endStream: true });
      server.close();
    });
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      const call = transport.call(`127.0.0.1:${port}`, '/m', new Uint8Array(), { deadlineMs: 5_000 }); // prettier-ignore
      call.catch(() => undefined);
    });
  });
  expect(await told).toBe(connectionWindowBytes);
  await listener.close();
  await transport.close();
});

test('grpc transport: calls in a burst, some that fail and some that are cancelled, never break the session', async () => {
  const codes = await callInBurst({ count: 4_800, atOnceCount: 200 });
  expect(codes).toEqual({ ok: 3_000, partial_write: 1_200, cancelled: 600 });
});

test('grpc transport: a call that is cancelled while its connection comes about ends', async () => {
  const transport = new GrpcTransport({ clock: new NodeClock() });
  const listener = await transport.listen('127.0.0.1:0', {
    admit,
    call: () => new Promise<never>(() => undefined),
    async *stream() {
      yield await Promise.resolve(new Uint8Array(1));
    },
  });
  const controller = new AbortController();
  const options = { deadlineMs: 60_000, signal: controller.signal };
  const call = transport.call(listener.address, '/test/never', new Uint8Array(8), options);
  controller.abort();
  await expect(call).rejects.toMatchObject({ code: 'cancelled' });
  await transport.close();
  await listener.close();
});

test('grpc transport: calls beyond what a connection takes wait, can be left, and end with it', async () => {
  const transport = new GrpcTransport({ clock: new NodeClock() });
  let servedCount = 0;
  let onFull = (): void => undefined;
  const full = new Promise<void>((resolve) => {
    onFull = resolve;
  });
  const listener = await transport.listen('127.0.0.1:0', {
    admit,
    call: () => {
      if (++servedCount === callsMax) onFull();
      return new Promise<never>(() => undefined);
    },
    async *stream() {
      yield await Promise.resolve(new Uint8Array(1));
    },
  });
  const controller = new AbortController();
  const call = (signal?: AbortSignal) =>
    transport
      .call(listener.address, '/test/never', new Uint8Array(8), { deadlineMs: 60_000, signal })
      .then(String, (error: unknown) => (isDbError(error) ? error.code : String(error)));
  const calls = Array.from({ length: callsMax + 500 }, () => call());
  await full;
  const left = call(controller.signal);
  controller.abort();
  expect(await left).toBe('cancelled');
  expect(servedCount).toBe(callsMax);
  await listener.close();
  const codes = await Promise.all(calls);
  expect(new Set(codes.slice(0, callsMax))).toEqual(new Set(['outcome_unknown']));
  expect(new Set(codes.slice(callsMax))).toEqual(new Set(['unavailable']));
  await transport.close();
});

test('grpc transport: a call is answered by its reply; one whose trailers come is not reset, another is', async () => {
  const transport = new GrpcTransport({ clock: new NodeClock() });
  const message = Buffer.from([0, 0, 0, 0, 1, 7]);
  const server = createServer();
  const resetCodes: Promise<number>[] = [];
  server.on('stream', (stream, headers) => {
    resetCodes.push(once(stream, 'close').then(() => stream.rstCode));
    stream.on('error', () => undefined);
    stream.resume().respond({ ':status': 200 }, { waitForTrailers: true });
    stream.write(message);
    if (headers[':path'] === '/test/endless') return;
    stream.once('wantTrailers', () => {
      stream.sendTrailers({ 'grpc-status': '0' });
    });
    stream.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  for (const method of ['/test/endless', '/test/m'])
    expect([...(await transport.call(address, method, message, { deadlineMs: 5_000 }))]).toEqual([7]); // prettier-ignore
  expect(await Promise.all(resetCodes)).toEqual([constants.NGHTTP2_CANCEL, constants.NGHTTP2_NO_ERROR]); // prettier-ignore
  await transport.close();
  await new Promise((resolve) => server.close(resolve));
});

test('grpc transport: a method gives up on a connection after its own time, others wait on for the same', async () => {
  const sockets: Socket[] = [];
  const silent = createTcpServer(
    (socket) => void sockets.push(socket.on('error', () => undefined)),
  );
  await new Promise((resolve) => silent.listen(0, '127.0.0.1', () => resolve(undefined)));
  const address = `127.0.0.1:${(silent.address() as AddressInfo).port}`;
  const dialMs = (method: string): number | undefined => (method === '/test/read' ? 20 : undefined);
  const transport = new GrpcTransport({ clock: new NodeClock(), dialMs });
  const begun: string[] = [];
  const call = async (method: string): Promise<unknown> => {
    const error: unknown = await transport.call(address, method, Buffer.from('x'), { deadlineMs: 60_000 }).catch((one: unknown) => one); // prettier-ignore
    begun.push(method);
    return error;
  };
  const write = call('/test/write');
  expect(await call('/test/read')).toEqual(new DbError('unavailable', `dial tcp ${address}: i/o timeout`)); // prettier-ignore
  expect(begun).toEqual(['/test/read']);
  await transport.close();
  expect(isDbError(await write, 'unavailable')).toBe(true);
  expect(sockets).toHaveLength(1);
  for (const socket of sockets) socket.destroy();
  silent.close();
});
