import { createSocket, type Socket as DatagramSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, Socket, type AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { parseBindAddress } from '../../../base/bind-address.ts';
import { DbError } from '../../../base/errors.ts';
import { listenFault } from '../../../base/listen-fault.ts';
import type { SecureSockets } from '../../secure-sockets.ts';
import type { AcceptConnection, ConnectionReader, DatagramReceiver, HandedSocket, Inbound, InboundConnection, InboundListener } from '../../inbound.ts'; // prettier-ignore

/** As Go's listeners: peers that are gone are found out. */
const keepAliveMs = 15_000;
/** Go's, of the queue of connections that nobody has accepted yet. */
const backlogMax = 4_096;

export class NodeInbound implements Inbound {
  async listenDatagrams(bind: string, receiver: DatagramReceiver): Promise<InboundListener> {
    const { host } = parseBindAddress(bind);
    // IPv6 takes IPv4 along, but not every machine has it.
    const families = host === '' ? (['udp6', 'udp4'] as const) : [familyOf(host)];
    let failure: unknown;
    for (const family of families) {
      const socket = createSocket({ type: family });
      try {
        await bound(socket, bind);
        return receiving(socket, receiver);
      } catch (error) {
        socket.close();
        failure = error;
        if (!isLackingFamily(error)) break;
      }
    }
    throw failed('udp', bind, failure);
  }

  async listenConnections(
    bind: string,
    accept: AcceptConnection,
    secureSockets?: SecureSockets,
  ): Promise<InboundListener> {
    const server = createServer({ allowHalfOpen: true, keepAlive: true, keepAliveInitialDelay: keepAliveMs, noDelay: true }); // prettier-ignore
    const user = {
      secure: (socket: Duplex): void => {
        if (socket instanceof Socket) serve(socket, accept);
        else socket.destroy();
      },
      plain: (socket: Duplex): void => {
        socket.destroy();
      },
    };
    server.on('connection', (socket) => {
      if (secureSockets === undefined) serve(socket, accept);
      else secureSockets.accept(socket, user);
    });
    const { host, port } = parseBindAddress(bind);
    try {
      server.listen({ port, backlog: backlogMax, ...(host !== '' && { host }) });
      await once(server, 'listening');
    } catch (error) {
      throw failed('tcp', bind, error);
    }
    // Of a single connection that could not be accepted: there are too many files open.
    server.on('error', () => undefined);
    return {
      address: addressText(server.address() as AddressInfo),
      close: async () => {
        server.close();
        // Its end waits for connections; the port is free at once.
        await new Promise((resolve) => setImmediate(resolve));
      },
    };
  }
}

async function bound(socket: DatagramSocket, bind: string): Promise<void> {
  const { host, port } = parseBindAddress(bind);
  socket.bind({ port, ...(host !== '' && { address: host }) });
  await once(socket, 'listening');
}

function receiving(socket: DatagramSocket, receiver: DatagramReceiver): InboundListener {
  if (receiver.bufferBytes > 0) socket.setRecvBufferSize(receiver.bufferBytes);
  socket.on('message', (bytes) => {
    receiver.datagram(bytes);
  });
  socket.on('error', (error) => {
    receiver.failed(error);
  });
  return {
    address: addressText(socket.address()),
    close: () => new Promise((resolve) => socket.close(resolve)),
  };
}

function serve(socket: Socket, accept: AcceptConnection): void {
  const remote = { address: socket.remoteAddress, port: socket.remotePort };
  const local = { address: socket.localAddress, port: socket.localPort };
  const connection = new NodeConnection(socket, addressText(local), addressText(remote));
  // A sender that is reset is closed right after, and that is told.
  socket.on('error', () => undefined);
  const reader = accept(connection);
  if (reader === undefined) socket.destroy();
  else connection.readBy(reader);
}

class NodeConnection implements InboundConnection {
  readonly local: string;
  readonly remote: string;
  readonly #socket: Socket;
  readonly #listeners: { data?: (bytes: Uint8Array) => void; end?: () => void } = {};
  #isPaused = false;

  constructor(socket: Socket, local: string, remote: string) {
    this.#socket = socket;
    this.local = local;
    this.remote = remote;
  }

  readBy(reader: ConnectionReader): void {
    const data = reader.took.bind(reader);
    const end = reader.ended.bind(reader);
    Object.assign(this.#listeners, { data, end });
    this.#socket.once('close', reader.closed.bind(reader)).on('end', end).on('data', data);
    // A listener of 'data' lets it flow.
    if (this.#isPaused) this.#socket.pause();
  }

  pause(): void {
    this.#isPaused = true;
    this.#socket.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#socket.resume();
  }

  write(bytes: Uint8Array): boolean {
    return this.#socket.write(bytes);
  }

  end(): void {
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  handOver(bytes: Uint8Array, give: (socket: HandedSocket) => void): void {
    const { data, end } = this.#listeners;
    if (data !== undefined) this.#socket.off('data', data);
    if (end !== undefined) this.#socket.off('end', end);
    this.#socket.pause();
    if (bytes.length > 0) this.#socket.unshift(bytes);
    give(this.#socket);
  }
}

function familyOf(host: string): 'udp4' | 'udp6' {
  return host.includes(':') ? 'udp6' : 'udp4';
}

function isLackingFamily(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'EAFNOSUPPORT' || code === 'EADDRNOTAVAIL';
}

/** Go's: IPv6 in brackets, IPv4 as itself. */
function addressText({
  address = '',
  port = 0,
}: {
  readonly address?: string | undefined;
  readonly port?: number | undefined;
}): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/, '');
  return plain.includes(':') ? `[${plain}]:${port}` : `${plain}:${port}`;
}

function failed(network: 'tcp' | 'udp', bind: string, error: unknown): DbError {
  const text = `listen ${network} ${bind}: ${listenFault(error)}`;
  return new DbError('unavailable', text, { cause: error });
}
