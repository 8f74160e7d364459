import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { afterEach, expect, test } from 'vitest';
import { Latch } from '../../../base/async/latch.ts';
import type { RawSocket } from '../../raw-sockets.ts';
import { nodeRawSockets } from './node-raw-sockets.ts';

let server: Server | undefined;
let client: Socket | undefined;

afterEach(async () => {
  client?.destroy();
  const closed = server === undefined ? undefined : once(server, 'close');
  server?.close();
  // Also proves that a connection that was taken does not stay counted.
  await closed;
  [server, client] = [undefined, undefined];
});

/** A connection from both of its ends. */
async function pair(): Promise<{ readonly accepted: Socket; readonly other: Socket }> {
  const listening = createServer({ allowHalfOpen: true });
  server = listening;
  listening.listen(0, '127.0.0.1');
  await once(listening, 'listening');
  const accepting = once(listening, 'connection');
  const other = connect((listening.address() as AddressInfo).port, '127.0.0.1');
  client = other;
  const [accepted] = (await accepting) as [Socket];
  return { accepted, other };
}

/** Puts what comes into one buffer, and tells once so many bytes are there. */
function gather(accepted: Duplex, wanted: number) {
  const bytes = new Uint8Array(new SharedArrayBuffer(wanted));
  const whole = new Latch<Uint8Array>();
  const ended = new Latch<undefined>();
  const closed = new Latch<undefined>();
  const spare = new Uint8Array(64);
  let lengthBytes = 0;
  const user = {
    room: () => (lengthBytes < wanted ? bytes.subarray(lengthBytes) : spare),
    took: (count: number) => {
      lengthBytes += count;
      if (lengthBytes >= wanted) whole.open(bytes);
      return lengthBytes < wanted;
    },
    ended: () => ended.open(undefined),
    closed: () => closed.open(undefined),
  };
  const raw = nodeRawSockets.take(accepted, user, () => undefined);
  if (raw === undefined) throw new Error('it was not taken');
  return { raw, whole: whole.promise, ended: ended.promise, closed: closed.promise };
}

test('raw sockets: bytes come where their user wants them, in memory that threads share', async () => {
  const { accepted, other } = await pair();
  const sent = Buffer.alloc(3_000_000, 'abcdefg');
  const { raw, whole, ended, closed } = gather(accepted, sent.length);
  other.write(sent);
  expect(Buffer.compare(Buffer.from(await whole), sent)).toBe(0);
  raw.write('taken');
  const [answer] = (await once(other, 'data')) as [Buffer];
  expect(answer.toString()).toBe('taken');
  raw.resume();
  other.end();
  await ended;
  raw.end();
  await closed;
});

test('raw sockets: parts of an answer come one behind the other, and are told when they have gone', async () => {
  const { accepted, other } = await pair();
  const drained = new Latch<undefined>();
  const user = { room: () => new Uint8Array(1), took: () => true, ended: () => undefined, closed: () => undefined }; // prettier-ignore
  const raw = nodeRawSockets.take(accepted, user, () => drained.open(undefined));
  const middle = Buffer.alloc(4_000_000, 'abc');
  // Nobody reads yet: so much waits.
  expect(raw?.write('head,', middle, new Uint8Array([46]))).toBe(false);
  expect(raw?.write()).toBe(true);
  let text = '';
  for await (const piece of other) {
    text += String(piece);
    if (text.endsWith('.')) break;
  }
  expect(text).toBe(`head,${middle.toString()}.`);
  await drained.promise;
  raw?.destroy();
});

test('raw sockets: what is given away begins with the bytes that were read, and goes on', async () => {
  const { accepted, other } = await pair();
  const { raw, whole, closed } = gather(accepted, 4);
  other.write('head');
  await whole;
  const text = new Latch<string>();
  const give = (socket: Duplex): void => {
    let all = '';
    socket.on('data', (piece: Buffer) => {
      all += piece.toString();
      if (all.endsWith('.')) text.open(all);
    });
    socket.on('end', () => socket.end('bye'));
  };
  other.write(', middle');
  raw.handOver(Buffer.from('head'), give);
  other.write(', tail.');
  expect(await text.promise).toBe('head, middle, tail.');
  const last = once(other, 'data');
  other.end();
  expect(String((await last)[0])).toBe('bye');
  await closed;
});

test('raw sockets: a client that leaves closes it; one that is gone, or was read from, is not taken', async () => {
  const { accepted, other } = await pair();
  const { closed } = gather(accepted, 10);
  other.resetAndDestroy();
  await closed;
  const refuse = (): RawSocket | undefined =>
    nodeRawSockets.take(accepted, { room: () => new Uint8Array(1), took: () => true, ended: () => undefined, closed: () => undefined }, () => undefined); // prettier-ignore
  expect(refuse()).toBeUndefined();
});

test('raw sockets: one whose client sends no more is handed over with what came last, and the way back', async () => {
  const { accepted, other } = await pair();
  const { raw, ended, closed } = gather(accepted, 4);
  other.end();
  await ended;
  const given = new Latch<Duplex>();
  raw.handOver(Buffer.from('last'), (socket) => {
    given.open(socket);
  });
  const socket = await given.promise;
  expect(socket).toHaveProperty('remoteAddress', '127.0.0.1');
  const parts: Buffer[] = [];
  socket.on('data', (part: Buffer) => parts.push(part));
  await once(socket, 'end');
  expect(Buffer.concat(parts).toString()).toBe('last');
  socket.end('answer');
  const [answer] = (await once(other, 'data')) as [Buffer];
  expect(answer.toString()).toBe('answer');
  // By which others see that an answer goes out.
  expect(socket).toHaveProperty('bytesWritten', 6);
  await closed;
});
