import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Door } from './door.ts';

/** Answers of connections: none of datagrams. */
export async function sendDoor({ network, sends }: Door, port: number): Promise<readonly string[]> {
  if (network === 'udp') {
    await sendDatagrams(sends, port);
    return [];
  }
  if (network === 'exchange') {
    const answers: string[] = [];
    for (const send of sends) answers.push(await exchange(send, port));
    return answers;
  }
  const socket = await connected(port);
  for (const send of sends) await new Promise((resolve) => socket.write(send, resolve));
  socket.end();
  await once(socket.resume(), 'close');
  return [];
}

async function sendDatagrams(sends: readonly Buffer[], port: number): Promise<void> {
  const socket = createSocket('udp4');
  for (const send of sends) {
    await new Promise((resolve) => {
      socket.send(send, port, '127.0.0.1', resolve);
    });
    // A reader in this process has its turn.
    await new Promise((resolve) => setImmediate(resolve));
  }
  socket.close();
}

async function exchange(bytes: Buffer, port: number): Promise<string> {
  const socket = await connected(port);
  const parts: Buffer[] = [];
  socket.on('data', (part) => parts.push(part));
  socket.end(bytes);
  await once(socket, 'close');
  return Buffer.concat(parts).toString('latin1');
}

async function connected(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}
