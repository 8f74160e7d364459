import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { expect, test } from 'vitest';
import { inboundContract } from '../../../../test/support/contract/inbound.ts';
import { Latch } from '../../../base/async/latch.ts';
import { NodeClock } from '../node-clock.ts';
import { NodeInbound } from './node-inbound.ts';

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => probe.once('listening', resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

const portOf = (bind: string): number => Number(bind.split(':').at(-1));

inboundContract('node inbound', async (body) => {
  const socket = createSocket('udp4');
  try {
    await body({
      inbound: new NodeInbound(),
      clock: new NodeClock(),
      bind: `127.0.0.1:${await freePort()}`,
      sendDatagram: (bind, bytes) => {
        socket.send(bytes, portOf(bind), '127.0.0.1');
      },
      connect: (bind) => {
        const sender = connect(portOf(bind), '127.0.0.1');
        sender.on('error', () => undefined);
        return {
          send: (bytes) => void sender.write(bytes),
          end: () => void sender.end(),
        };
      },
    });
  } finally {
    socket.close();
  }
});

test('node inbound: no host is every interface, by IPv4 too', async () => {
  const inbound = new NodeInbound();
  const heard = new Latch<string>();
  const datagrams = await inbound.listenDatagrams(':0', {
    bufferBytes: 65_536,
    datagram: (bytes) => {
      heard.open(Buffer.from(bytes).toString());
    },
    failed: heard.fail.bind(heard),
  });
  const connections = await inbound.listenConnections(':0', () => undefined);
  const socket = createSocket('udp4');
  socket.send('here', portOf(datagrams.address), '127.0.0.1');
  expect(await heard.promise).toBe('here');
  socket.close();
  const sender = connect(portOf(connections.address), '127.0.0.1');
  await once(sender.resume(), 'close');
  await Promise.all([datagrams.close(), connections.close()]);
});

test('node inbound: addresses are told as Go writes them', async () => {
  const inbound = new NodeInbound();
  const told: string[] = [];
  const listener = await inbound.listenConnections(':0', ({ local, remote }) => {
    told.push(local, remote);
    return undefined;
  });
  const sender = connect(portOf(listener.address), '127.0.0.1');
  await once(sender.resume(), 'close');
  expect(told[0]).toBe(`127.0.0.1:${portOf(listener.address)}`);
  expect(told[1]).toMatch(/^127\.0\.0\.1:\d+$/);
  await listener.close();
});

test('node inbound: a connection that is handed over begins with the bytes that were read', async () => {
  const inbound = new NodeInbound();
  const given = new Latch<Duplex>();
  const listener = await inbound.listenConnections('127.0.0.1:0', (connection) => ({
    took: (bytes) => {
      connection.handOver(Uint8Array.from(bytes), given.open.bind(given));
    },
    ended: () => undefined,
    closed: () => undefined,
  }));
  const sender = connect(portOf(listener.address), '127.0.0.1');
  sender.write('first ');
  const socket = await given.promise;
  sender.end('second');
  let text = '';
  for await (const part of socket as AsyncIterable<Uint8Array>)
    text += Buffer.from(part).toString();
  expect(text).toBe('first second');
  socket.destroy();
  await listener.close();
});

test('node inbound: an address that is none of this machine is told in the reference’s words', async () => {
  const receiver = { bufferBytes: 0, datagram: () => undefined, failed: () => undefined };
  await expect(new NodeInbound().listenDatagrams('192.0.2.1:1', receiver)).rejects.toThrow(
    'listen udp 192.0.2.1:1: bind: cannot assign requested address',
  );
});
