/**
 * Connections of the data API, looked at as they are accepted: what comes first of one says whether its requests are read here
 * (plain writes: decision 0050, plain queries: decision 0052) or by Node's server.
 */
import { Buffer } from 'node:buffer';
import type { Duplex } from 'node:stream';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { KiB, secondMs, secondNs } from '../../../base/units.ts';
import type { Timer } from '../../../env/clock.ts';
import type { RawSocket, RawSockets } from '../../../env/raw-sockets.ts';
import type { KnownTexts } from '../../../influxql/known-texts.ts';
import { shortIdleMs } from '../answers/slow-reader.ts';
import { IdleWatch } from '../requests/idle-watch.ts';
import type { DirectParts } from './direct-parts.ts';
import { answerQuery } from './direct-queries.ts';
import { DirectWrites } from './direct-writes.ts';
import { keepAliveSeconds } from './plain-answer.ts';
import { PlainConnection, type PlainConnectionParts } from './plain-connection.ts';
import { KnownHeads } from './plain-head.ts';

/** Of a head and what comes with it: small bodies whole. */
const scratchBytes = 64 * KiB;

type Socket = FastifyRequest['socket'];

/** From now on connections of the server are looked at as they are accepted. */
export function addDirectConnections(
  api: FastifyInstance,
  rawSockets: RawSockets,
  parts: DirectParts & { readonly texts: KnownTexts },
): void {
  const { server } = api;
  const accept = server.listeners('connection') as ((socket: Duplex) => void)[];
  const toNode = (socket: Duplex): void => {
    for (const one of accept) one.call(server, socket);
  };
  const connections = new DirectConnections(rawSockets, toNode, parts);
  server.removeAllListeners('connection');
  server.on('connection', (socket: Socket) => {
    connections.accept(socket);
  });
  api.addHook('preClose', (done) => {
    connections.close();
    done();
  });
}

class DirectConnections {
  readonly #sockets: RawSockets;
  readonly #toNode: (socket: Duplex) => void;
  readonly #clock: DirectParts['ports']['clock'];
  readonly #shared: Omit<PlainConnectionParts, 'handOver' | 'onClosed'>;
  /** Connections of which nothing has come yet. */
  readonly #waiting = new Set<Socket>();
  readonly #open = new Set<PlainConnection>();
  readonly #idle: IdleWatch;
  /** Those that do not take their answers. */
  readonly #slow: IdleWatch;
  /** The same, where what their queries hold is wanted for others. */
  readonly #hoarding: IdleWatch;
  readonly #isMemoryShort: () => boolean;
  #isClosing = false;
  #date = { second: 0n, text: '' };

  constructor(
    sockets: RawSockets,
    toNode: (socket: Duplex) => void,
    parts: DirectParts & { readonly texts: KnownTexts },
  ) {
    this.#sockets = sockets;
    this.#toNode = toNode;
    const { ports, options, buffers, idle, halfOpen } = parts;
    const { clock } = ports;
    this.#clock = clock;
    this.#idle = new IdleWatch(clock, keepAliveSeconds * secondMs);
    this.#slow = new IdleWatch(clock, options.readerIdleMs);
    this.#hoarding = new IdleWatch(clock, shortIdleMs);
    this.#isMemoryShort = () => ports.executor.isMemoryShort;
    const answers = { date: () => this.#dateOfNow(), isClosing: () => this.#isClosing };
    const writes = new DirectWrites(parts, answers);
    const queries = { ...parts, ...answers };
    this.#shared = {
      scratch: Buffer.allocUnsafeSlow(scratchBytes),
      heads: new KnownHeads(),
      open: (head, ip) => writes.open(head, ip),
      answer: (asked) => answerQuery(asked, queries),
      isClosing: answers.isClosing,
      ...{ buffers, idleBodies: idle, halfOpen, clock, timeoutMs: options.queryTimeoutMs },
    };
  }

  /** What comes first of it says whose it is. */
  accept(socket: Socket): void {
    this.#waiting.add(socket);
    // One that says nothing is Node's to send away.
    const watch = this.#idle.add(() => 0, () => leave(undefined)); // prettier-ignore
    const leave = (first: Buffer | undefined): void => {
      for (const event of ['data', 'end', 'error', 'close'] as const)
        socket.off(event, listeners[event]);
      watch.cancel();
      this.#waiting.delete(socket);
      socket.pause();
      if (first !== undefined && this.#take(socket, first)) return;
      if (first !== undefined) socket.unshift(first);
      this.#toNode(socket);
      socket.resume();
    };
    const gone = (): void => {
      watch.cancel();
      this.#waiting.delete(socket);
      socket.destroy();
    };
    const listeners = { data: leave, end: gone, error: gone, close: gone };
    for (const event of ['data', 'end', 'error', 'close'] as const)
      socket.on(event, listeners[event]);
  }

  /** Idle connections end now, the others with the request that is under way. */
  close(): void {
    this.#isClosing = true;
    for (const socket of this.#waiting) socket.destroy();
    for (const connection of this.#open) if (connection.isIdle) connection.destroy();
  }

  #take(socket: Socket, first: Buffer): boolean {
    const begins = first.toString('latin1', 0, begin.length);
    if (!begins.startsWith('POST ') && begins !== begin) return false;
    const watches: Timer[] = [];
    const forget = (): void => {
      for (const watch of watches) watch.cancel();
      this.#open.delete(connection);
    };
    const parts = {
      ...this.#shared,
      handOver: (raw: RawSocket, bytes: Uint8Array) => {
        forget();
        raw.handOver(bytes, this.#toNode);
      },
      onClosed: forget,
    };
    const connection = new PlainConnection(parts, socket.remoteAddress ?? '');
    const raw = this.#sockets.take(socket, connection, () => connection.drained());
    if (raw === undefined) return false;
    const end = (): void => {
      connection.destroy();
    };
    watches.push(this.#idle.add(() => connection.progress, end));
    watches.push(this.#slow.add(() => connection.takingProgress, end));
    const endShort = (): void => {
      if (this.#isMemoryShort()) end();
    };
    watches.push(this.#hoarding.add(() => connection.takingProgress, endShort));
    this.#open.add(connection);
    connection.start(raw, first);
    return true;
  }

  /** Made once a second. */
  #dateOfNow(): string {
    const second = this.#clock.wallNs() / secondNs;
    if (second !== this.#date.second)
      this.#date = { second, text: new Date(Number(second) * secondMs).toUTCString() };
    return this.#date.text;
  }
}

const begin = 'GET /query';
