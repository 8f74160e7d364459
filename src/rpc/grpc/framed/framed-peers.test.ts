import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { connect as connectHttp2, createServer as createHttp2, type ServerHttp2Stream } from 'node:http2'; // prettier-ignore
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { isDbError } from '../../../base/errors.ts';
import type { RpcHandlers } from '../../../env/transport.ts';
import { NodeClock } from '../../../env/node/node-clock.ts';
import { GrpcTransport } from '../grpc-transport.ts';
import { peerBurstMax } from '../paced-resets.ts';
import { requestWindowBytes } from '../windows.ts';
import { framedSetting, framedVersion } from './framed-connection.ts';
import { clientPreface, frameFlags, frameOf, FrameReader, frameTypes, settingIds, settingsFrame, settingsIn, streamCodes, wordFrame } from './frames.ts'; // prettier-ignore
import { encodeHeaders } from './header-block.ts';

const clock = new NodeClock();
const options = { deadlineMs: 20_000 };
const closing: (() => unknown)[] = [];
const hello = Buffer.concat([clientPreface, settingsFrame([[framedSetting, framedVersion]])]);
const post = { ':method': 'POST', ':path': '/a.B/C', 'content-type': 'application/grpc' };
const postBlock = encodeHeaders(post);

afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function listening(call: RpcHandlers['call']): Promise<string> {
  const transport = new GrpcTransport({ clock });
  const listener = await transport.listen('127.0.0.1:0', {
    admit: () => ({ kind: 'call', requestBytesMax: 1 << 20, isTrusted: true }),
    call,
    async *stream() {
      yield await Promise.resolve(new Uint8Array());
    },
  });
  closing.unshift(() => listener.close());
  return listener.address;
}

function echo(_method: string, request: Uint8Array): Promise<Uint8Array> {
  return Promise.resolve(request);
}

function calling(): (address: string, request: Uint8Array) => Promise<Uint8Array> {
  const transport = new GrpcTransport({ clock });
  closing.unshift(() => transport.close());
  return (address, request) => transport.call(address, '/a.B/C', request, options);
}

async function tcpServer(onSocket: (socket: Socket) => void): Promise<string> {
  const server: Server = createServer((socket) => {
    socket.on('error', () => undefined);
    onSocket(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => server.close());
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** The code of the goodbye that a listener says to what it is sent. */
async function goodbyeTo(address: string, sent: Buffer): Promise<number> {
  const socket = connect(Number(address.split(':')[1]), '127.0.0.1');
  socket.on('error', () => undefined);
  let code = -1;
  const reader = new FrameReader({
    frame: (type, _flags, _id, payload) => {
      if (type === frameTypes.goaway) code = payload.readUInt32BE(4);
    },
    data: () => undefined,
  });
  socket.on('data', (part: Buffer) => {
    reader.push(part);
  });
  socket.write(sent);
  await once(socket, 'close');
  return code;
}

test('framed peers: a listener says that it speaks frames, and any client of HTTP/2 passes over it', async () => {
  const address = await listening(echo);
  const session = connectHttp2(`http://${address}`);
  const stream = session.request(post);
  stream.end(Buffer.from([0, 0, 0, 0, 1, 9]));
  const [part] = (await once(stream, 'data')) as [Buffer];
  expect([...part]).toEqual([0, 0, 0, 0, 1, 9]);
  session.destroy();
  const socket = connect(Number(address.split(':')[1]), '127.0.0.1');
  socket.write(hello);
  const [first] = (await once(socket, 'data')) as [Buffer];
  const settings = settingsIn(first.subarray(9, 9 + first.readUIntBE(0, 3)));
  expect(settings.get(framedSetting)).toBe(framedVersion);
  expect(settings.get(settingIds.maxConcurrentStreams)).toBeGreaterThan(1_000);
  socket.destroy();
});

test('framed peers: a node of an earlier release is called as anybody is', async () => {
  const server = createHttp2();
  let sessionCount = 0;
  server.on('session', () => sessionCount++);
  server.on('sessionError', () => undefined);
  server.on('stream', (stream: ServerHttp2Stream) => {
    stream.respond({ ':status': 200 }, { waitForTrailers: true });
    stream.once('wantTrailers', () => {
      stream.sendTrailers({ 'grpc-status': '0' });
    });
    stream.on('data', (part) => stream.write(part)).on('end', () => stream.end());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => server.close());
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const call = calling();
  for (let i = 0; i < 3; i++) expect([...(await call(address, Uint8Array.of(i)))]).toEqual([i]);
  // One that was left, and one that is kept.
  expect(sessionCount).toBe(2);
});

test('framed peers: first bytes that come in pieces are served all the same', async () => {
  const address = await listening(echo);
  const port = Number(address.split(':')[1]);
  const proxy = await tcpServer((socket) => {
    const behind = connect({ port, host: '127.0.0.1', noDelay: true });
    behind.on('error', () => undefined).pipe(socket);
    socket.on('data', (part: Buffer) => {
      for (const byte of part) behind.write(Buffer.of(byte));
    });
    socket.on('close', () => behind.destroy());
  });
  const request = new Uint8Array(3_000).fill(7);
  const call = calling();
  for (let i = 0; i < 2; i++) expect(Buffer.compare(await call(proxy, request), request)).toBe(0);
});

test('framed peers: a call of something else fails, whatever it says', async () => {
  for (const said of ['HTTP/1.1 400 Bad Request\r\n\r\n', '\0'.repeat(200), '220 mail\r\n']) {
    const address = await tcpServer((socket) => socket.end(said));
    await expect(calling()(address, new Uint8Array(1))).rejects.toSatisfy(
      (error) => isDbError(error, 'unavailable') || isDbError(error, 'outcome_unknown'),
    );
  }
});

test('framed peers: a connection that dies in the middle leaves the outcome of its calls unknown', async () => {
  const address = await tcpServer((socket) => {
    socket.once('data', () => socket.write(settingsFrame([[framedSetting, framedVersion]])));
    socket.once('data', () => socket.on('data', () => socket.destroy()));
  });
  await expect(calling()(address, new Uint8Array(1))).rejects.toMatchObject({ code: 'outcome_unknown' }); // prettier-ignore
});

test('framed peers: what no node sends ends the connection with a code that says why', async () => {
  const address = await listening(echo);
  const headers = frameOf(frameTypes.headers, frameFlags.endHeaders, 1, postBlock);
  const data = (lengthBytes: number, flags = 0) => frameOf(frameTypes.data, flags, 1, new Uint8Array(lengthBytes)); // prettier-ignore
  const cases: readonly (readonly [number, readonly Buffer[]])[] = [
    [streamCodes.protocol, [data(1)]],
    [streamCodes.protocol, [headers, data(8, frameFlags.padded)]],
    [streamCodes.protocol, [frameOf(9, frameFlags.endHeaders, 1, postBlock)]],
    [streamCodes.protocol, [frameOf(frameTypes.headers, 0, 1, postBlock)]],
    [streamCodes.protocol, [frameOf(frameTypes.headers, frameFlags.endHeaders, 2, postBlock)]],
    [streamCodes.protocol, [frameOf(frameTypes.ping, 0, 0, new Uint8Array(7))]],
    [streamCodes.protocol, [wordFrame(frameTypes.windowUpdate, 0, 0)]],
    [streamCodes.flowControl, [wordFrame(frameTypes.windowUpdate, 0, 0x7f_ff_ff_ff)]],
    [streamCodes.compression, [frameOf(frameTypes.headers, frameFlags.endHeaders, 1, Buffer.from('828684', 'hex'))]], // prettier-ignore
    [streamCodes.calm, Array.from({ length: 20 }, () => settingsFrame([]))],
    [streamCodes.calm, resetsOf(3 * peerBurstMax)],
  ];
  for (const [code, frames] of cases)
    expect(await goodbyeTo(address, Buffer.concat([hello, ...frames]))).toBe(code);
  expect([...(await calling()(address, Uint8Array.of(5)))]).toEqual([5]);
});

function resetsOf(count: number): readonly Buffer[] {
  return Array.from({ length: count }, (_, i) => [
    frameOf(frameTypes.headers, frameFlags.endHeaders, 2 * i + 1, postBlock),
    wordFrame(frameTypes.reset, 2 * i + 1, streamCodes.cancel),
  ]).flat();
}

test('framed peers: bytes beyond the window of a stream end the connection', async () => {
  // Nothing is answered, and so nothing is read on, while another request has the memory.
  const address = await listening(() => new Promise<never>(() => undefined));
  const message = Buffer.alloc(5 + (1 << 20));
  message.writeUInt32BE(1 << 20, 1);
  const whole = (id: number) => [
    frameOf(frameTypes.headers, frameFlags.endHeaders, id, postBlock),
    ...Array.from({ length: 65 }, (_, i) => frameOf(frameTypes.data, i === 64 ? frameFlags.endStream : 0, id, message.subarray(i * 16_384, (i + 1) * 16_384))), // prettier-ignore
  ];
  // 192 of them are all that a connection has memory for.
  const many = Array.from({ length: 193 }, (_, i) => whole(2 * i + 1)).flat();
  expect(await goodbyeTo(address, Buffer.concat([hello, ...many]))).toBe(streamCodes.flowControl);
});

/** What a listener says of the window of a stream to a request of which this much comes first, until it is answered. */
async function widenings(messageBytes: number, firstBytes: number): Promise<readonly number[]> {
  const address = await listening(() => Promise.resolve(new Uint8Array(1)));
  const socket = connect(Number(address.split(':')[1]), '127.0.0.1');
  closing.push(() => socket.destroy());
  const said: number[] = [];
  const message = Buffer.alloc(5 + messageBytes);
  message.writeUInt32BE(messageBytes, 1);
  const rest = message.subarray(firstBytes);
  const restFrames = Array.from({ length: Math.ceil(rest.length / 16_384) }, (_, i) => {
    const part = rest.subarray(i * 16_384, (i + 1) * 16_384);
    const isEnd = (i + 1) * 16_384 >= rest.length;
    return frameOf(frameTypes.data, isEnd ? frameFlags.endStream : 0, 1, part);
  });
  const headers = frameOf(frameTypes.headers, frameFlags.endHeaders, 1, postBlock);
  const first = frameOf(frameTypes.data, 0, 1, message.subarray(0, firstBytes));
  socket.write(Buffer.concat([hello, wordFrame(frameTypes.windowUpdate, 0, 1 << 24), headers, first])); // prettier-ignore
  await new Promise<void>((resolve) => {
    let isWhole = false;
    const reader = new FrameReader({
      frame: (type, flags, id, payload) => {
        if (id !== 1) return;
        if (type === frameTypes.windowUpdate) said.push(payload.readUInt32BE(0));
        // Headers that come with nothing behind them end it.
        else if ((flags & frameFlags.endStream) !== 0) resolve();
      },
      data: () => undefined,
    });
    const goOn = (): void => {
      if (isWhole || (messageBytes > requestWindowBytes && said.length === 0)) return;
      isWhole = true;
      socket.write(Buffer.concat(restFrames));
    };
    socket.on('data', (part: Buffer) => {
      reader.push(part);
      goOn();
    });
  });
  return said;
}

test('framed peers: a long request that there is memory for is not stopped at each window', async () => {
  const [more = 0, ...others] = await widenings(1 << 20, requestWindowBytes);
  // With what it has sent this is all of it.
  expect(more).toBeGreaterThanOrEqual((1 << 20) - requestWindowBytes);
  expect(others).toEqual([]);
});

test('framed peers: of a short request nothing is said but the answer', async () => {
  expect(await widenings(1_000, 500)).toEqual([]);
});
