/**
 * A port that speaks gRPC, and plain HTTP GET for what arrives without the HTTP/2 preface.
 * - With TLS nothing of a connection is looked at before its hands are shaken; one that does not speak it is told so, and closed.
 * - A connection that says nothing is closed; when there are too many, one goes that has not shown it is of the cluster.
 */
import { once } from 'node:events';
import { constants, performServerHandshake } from 'node:http2';
import { createServer, type AddressInfo, type Server as NetServer } from 'node:net';
import type { Duplex } from 'node:stream';
import { DbError } from '../../base/errors.ts';
import { listenFault } from '../../base/listen-fault.ts';
import { SharedBuffers } from '../../base/shared-buffers.ts';
import type { Clock } from '../../env/clock.ts';
import type { ListenOptions, RpcHandlers, RpcListener } from '../../env/transport.ts';
import { ByteBudget } from '../../base/async/byte-budget.ts';
import { isFramed } from './framed/is-framed.ts';
import { serveFramed } from './framed/serve-framed.ts';
import type { Garbage } from './garbage.ts';
import { answerHttpGet } from './http-get.ts';
import { peerBurstMax, peerResetsPerSecond } from './paced-resets.ts';
import { http2Protocol } from './secure-dial.ts';
import { serveCall } from './serve-call.ts';
import { splitAddress } from './split-address.ts';
import { callsMax, streamsMax } from './stream-places.ts';
import { connectionWindowBytes, requestWindowBytes } from './windows.ts';

/** Requests being read and answered, of one connection and of all: several times the longest. */
const connectionBytesMax = 192 << 20;
/** Memory of requests that are answered, for those that come. */
const requestBytesKeptMax = 32 << 20;
/** Nodes of a cluster need one each. */
const connectionsMax = 1_024;
/** A peer that is told of the end closes its side; one that does not is left. */
const goodbyeMs = 500;
/** A client that has connected says something at once. */
const firstBytesMs = 10_000;
/** In megabytes. Beyond it new streams are refused. */
const sessionMemoryMax = 512;

export async function listenGrpc(
  address: string,
  handlers: RpcHandlers,
  options: ListenOptions & { readonly clock: Clock; readonly garbage: Garbage },
): Promise<RpcListener> {
  const { clock, garbage, secureSockets, onPlain } = options;
  const connections = new Connections();
  const buffers = new SharedBuffers(requestBytesKeptMax);
  const ports = { clock, garbage, handlers, connections, buffers };
  const net = createServer({ noDelay: true }, (socket) => {
    if (secureSockets === undefined) {
      greet(socket, ports);
      return;
    }
    connections.add(socket);
    secureSockets.accept(socket, {
      protocols: [http2Protocol, 'http/1.1'],
      secure: (secure) => {
        connections.leave(socket);
        greet(secure, ports);
      },
      plain: (_socket, first) => {
        refusePlain(socket, first, clock);
        onPlain?.();
      },
    });
  });
  const [host, port] = splitAddress(address);
  await listen(net, { host, port, address });
  const bound = net.address() as AddressInfo;
  return {
    address: address.replace(/:\d+$/, `:${bound.port}`),
    close: async () => {
      const closed = once(net, 'close');
      net.close();
      connections.endAll();
      const timer = clock.after(goodbyeMs, () => {
        connections.close();
      });
      await closed;
      timer.cancel();
    },
  };
}

/** What TLS begins with. */
const handshakeByte = 22;
/** To a client that shakes hands where nobody does: it finds at once that this is no TLS. */
const plainText = 'HTTP/1.0 400 Bad Request\r\n\r\nThis port does not speak TLS.\n';
const secureText =
  'HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n';
/** Frames of HTTP/2: settings that are none, and a goodbye for that a connection is not secure enough. */
const notSecure = Buffer.from('000000040000000000000008070000000000000000000000000c', 'hex');

/** Calls of one connection; ours has half of it at work, the rest is those that have just ended. */
const servedMax = 2 * callsMax;

interface SessionPorts {
  readonly clock: Clock;
  readonly garbage: Garbage;
  readonly buffers: SharedBuffers;
  readonly handlers: RpcHandlers;
  readonly connections: Connections;
}

/** A node, or a client, that does not know that TLS is spoken here is told in what it speaks. */
function refusePlain(socket: Duplex, first: Uint8Array, clock: Clock): void {
  const isHttp2 = Buffer.from(first.subarray(0, 4)).toString('latin1') === 'PRI ';
  const timer = clock.after(goodbyeMs, () => {
    socket.destroy();
  });
  socket.once('close', () => {
    timer.cancel();
  });
  // What it still sends is read: with it unread the answer would be lost to a reset.
  socket.resume().end(isHttp2 ? notSecure : secureText);
}

/** Waits for what a connection says first, which tells HTTP/2 from HTTP/1.1. */
function greet(socket: Duplex, ports: SessionPorts): void {
  const { clock, handlers, connections } = ports;
  connections.add(socket);
  const timer = clock.after(firstBytesMs, () => {
    socket.destroy();
  });
  socket.once('close', () => {
    timer.cancel();
  });
  socket.once('data', (first: Buffer) => {
    timer.cancel();
    socket.pause();
    if (isFramed(first)) {
      serveFrames(socket, first, ports);
    } else if (first.subarray(0, 4).toString('latin1') === 'PRI ') {
      socket.unshift(first);
      serveSession(socket, ports);
    } else if (first[0] === handshakeByte) socket.end(plainText);
    else answerHttpGet(socket, first, { clock, handlers });
  });
}

/** A node that says with its first bytes that it speaks frames as this end does. */
function serveFrames(socket: Duplex, first: Buffer, ports: SessionPorts): void {
  const { connections, ...rest } = ports;
  const onTrusted = (): void => {
    connections.trust(socket);
  };
  const budget = new ByteBudget(connectionBytesMax);
  const served = { ...rest, budget, onTrusted, callsMax: servedMax };
  connections.onGoodbye(socket, serveFramed(socket, first, served));
}

function serveSession(socket: Duplex, ports: SessionPorts): void {
  const { clock, garbage, handlers, connections, buffers } = ports;
  const session = performServerHandshake(socket, {
    maxSessionMemory: sessionMemoryMax,
    streamResetBurst: peerBurstMax,
    streamResetRate: peerResetsPerSecond,
    settings: { maxConcurrentStreams: streamsMax, initialWindowSize: requestWindowBytes },
  });
  session.setLocalWindowSize(connectionWindowBytes);
  const budget = new ByteBudget(connectionBytesMax);
  const onTrusted = (): void => {
    connections.trust(socket);
  };
  session.on('error', () => socket.destroy());
  session.on('close', () => socket.destroy());
  connections.onGoodbye(socket, () => {
    session.destroy();
  });
  let callCount = 0;
  session.on('stream', (stream, headers) => {
    if (callCount >= servedMax) {
      // Not one of ours: they wait. Nothing was read of it.
      stream.on('error', () => undefined);
      stream.close(constants.NGHTTP2_REFUSED_STREAM);
      return;
    }
    callCount++;
    stream.once('close', () => callCount--);
    void serveCall(stream, headers, { clock, garbage, handlers, budget, buffers, onTrusted });
  });
}

/** The open connections of a port. */
class Connections {
  readonly #unknown = new Set<Duplex>();
  readonly #trusted = new Set<Duplex>();
  readonly #goodbyes = new WeakMap<Duplex, () => void>();

  add(socket: Duplex): void {
    const [oldest] = this.#unknown;
    if (this.#unknown.size + this.#trusted.size >= connectionsMax) (oldest ?? socket).destroy();
    this.#unknown.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      this.#unknown.delete(socket);
      this.#trusted.delete(socket);
    });
  }

  /** Another one stands for it from now on. */
  leave(socket: Duplex): void {
    this.#unknown.delete(socket);
  }

  trust(socket: Duplex): void {
    if (this.#unknown.delete(socket)) this.#trusted.add(socket);
  }

  /** How to tell the other end that this one goes. */
  onGoodbye(socket: Duplex, say: () => void): void {
    this.#goodbyes.set(socket, say);
  }

  /** Ends all that say goodbye, and the rest at once. */
  endAll(): void {
    for (const socket of this.#all) {
      const say = this.#goodbyes.get(socket) ?? (() => socket.destroy());
      say();
    }
  }

  close(): void {
    for (const socket of this.#all) socket.destroy();
  }

  get #all(): readonly Duplex[] {
    return [...this.#unknown, ...this.#trusted];
  }
}

function listen(
  net: NetServer,
  {
    host,
    port,
    address,
  }: { readonly host: string; readonly port: number; readonly address: string },
): Promise<void> {
  return new Promise((resolve, reject) => {
    net.once('error', (error: NodeJS.ErrnoException) => {
      const isTaken = error.code === 'EADDRINUSE';
      const text = `listen ${address}: ${listenFault(error)}`;
      reject(new DbError(isTaken ? 'conflict' : 'io_error', text, { cause: error }));
    });
    net.listen({ port, ...(host !== '' && { host }) }, resolve);
  });
}
