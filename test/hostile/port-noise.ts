import { randomBytes } from 'node:crypto';
import { connect as connectHttp2, constants, type ClientHttp2Session } from 'node:http2';
import { connect, type Socket } from 'node:net';
import type { Attack, HostileTarget } from './attack.ts';
import { nodeRequests } from './node-requests.ts';

const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
const lingerMs = 500;

/** C: bytes that are no requests, on the ports of nodes. */
export const portNoise: Attack = {
  id: 'C2',
  title: 'noise, cut frames and messages without end on the ports of nodes',
  run: async (target) => {
    for (const address of rpcAddresses(target)) {
      await noise(address);
      await idleConnections(address);
      await endlessMessages(address);
      await rapidResets(address);
    }
  },
};

function rpcAddresses({ metaRpcAddresses, dataRpcAddresses }: HostileTarget): readonly string[] {
  return [...metaRpcAddresses, ...dataRpcAddresses];
}

async function noise(address: string): Promise<void> {
  const all = [
    Buffer.alloc(0),
    Buffer.from('GET / HTTP/1.1\r\n\r\n'),
    Buffer.from(`GET /${'a'.repeat(100_000)} HTTP/1.1\r\n`),
    Buffer.from('\x16\x03\x01\x02\x00'),
    preface,
    Buffer.concat([preface, randomBytes(4_096)]),
    // A frame that says it is 16 MB long, and one of a kind that there is not.
    Buffer.concat([preface, Buffer.from('ffffff0000000000ff', 'hex'), randomBytes(65_536)]),
    Buffer.concat([preface, Buffer.from('000004ff00000000010000000', 'hex')]),
    randomBytes(1 << 20),
  ];
  await Promise.all(all.map((bytes) => send(address, bytes)));
}

/** Sends, and waits until the other side ends or a moment is over. */
async function send(address: string, bytes: Uint8Array): Promise<void> {
  const socket = open(address);
  socket.write(bytes);
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, lingerMs);
    socket.once('close', () => {
      clearTimeout(timer);
      resolve();
    });
  });
  socket.destroy();
}

/** More than a port keeps of strangers. */
async function idleConnections(address: string): Promise<void> {
  const sockets = Array.from({ length: 1_500 }, () => open(address));
  await Promise.all(sockets.slice(0, 500).map(settled));
  for (const socket of sockets) socket.destroy();
}

function open(address: string): Socket {
  const [host = '', port = ''] = address.split(':');
  const socket = connect(Number(port), host);
  socket.on('error', () => undefined).resume();
  return socket;
}

function settled(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.once('connect', resolve).once('close', resolve);
  });
}

/** Hundreds of messages at once that announce four gigabytes, or nothing, and go on as long as they are let. */
async function endlessMessages(address: string): Promise<void> {
  const session = connectHttp2(`http://${address}`);
  session.on('error', () => undefined);
  const part = Buffer.alloc(65_536);
  const streams = nodeRequests.flatMap(({ path }) =>
    Array.from({ length: 20 }, (_, i) => {
      const stream = session.request(headersOf(path));
      stream.on('error', () => undefined).resume();
      stream.write(Buffer.from(i % 2 === 0 ? '00ffffffff' : '0000000000', 'hex'));
      const pump = (): void => {
        while (!stream.destroyed && stream.write(part));
      };
      stream.on('drain', pump);
      pump();
      return stream;
    }),
  );
  const ended = Promise.all(streams.map((stream) => new Promise((end) => stream.once('close', end)))); // prettier-ignore
  await Promise.race([ended, after(3_000)]);
  session.destroy();
}

/** Requests that are taken back at once, as many as go: the other side may end the connection, nothing else. */
async function rapidResets(address: string): Promise<void> {
  const session = connectHttp2(`http://${address}`);
  session.on('error', () => undefined);
  const [{ path } = { path: '/' }] = nodeRequests;
  for (let i = 0; i < 3_000 && isOpen(session); i++) {
    const stream = session.request(headersOf(path));
    stream.on('error', () => undefined);
    stream.close(constants.NGHTTP2_CANCEL);
    if (i % 100 === 99) await after(1);
  }
  session.destroy();
}

function isOpen(session: ClientHttp2Session): boolean {
  return !session.closed && !session.destroyed;
}

function headersOf(path: string): Record<string, string> {
  return {
    ':method': 'POST',
    ':path': path,
    'content-type': 'application/grpc',
    'varve-cluster': '0',
  };
}

function after(durationMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, durationMs));
}
