/**
 * Plain writes past Node's HTTP and the framework: their connections are taken as they are accepted (write-connection.ts).
 * What a request passes is the same and in the same order: the throttle, who makes it, where it goes, the budget of
 * bodies, what is counted and logged (decision 50).
 */
import { Buffer } from 'node:buffer';
import type { Duplex } from 'node:stream';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { errorText, isDbError } from '../../../base/errors.ts';
import { KiB, secondMs, secondNs } from '../../../base/units.ts';
import type { RawSocket, RawSockets } from '../../../env/raw-sockets.ts';
import type { Principal } from '../../../data/statements/principal.ts';
import { errorStatus } from '../../error-reply.ts';
import type { Admit } from '../access/gate.ts';
import type { DataApiOptions, DataApiPorts } from '../data-api-options.ts';
import { accessLogLine } from '../requests/access-log.ts';
import type { BodyBudget } from '../requests/body-budget.ts';
import type { BodyBuffers } from '../requests/gathered-body.ts';
import { IdleWatch } from '../requests/idle-watch.ts';
import type { RequestCounters } from '../requests/request-counters.ts';
import { pathOf, RequestParameters } from '../requests/request-parameters.ts';
import type { RequestProfiles } from '../requests/request-profiles.ts';
import type { WriteTarget } from '../requests/write-target.ts';
import type { WriteThrottle } from '../requests/write-throttle.ts';
import { targetOf, writeBody } from '../write-route.ts';
import { keepAliveSeconds, plainAnswer, type PlainError } from './plain-answer.ts';
import type { PlainHead } from './plain-head.ts';
import { WriteConnection, type OpenWrite } from './write-connection.ts';

/** Of a head and what comes with it: small bodies whole. */
const scratchBytes = 64 * KiB;

type Socket = FastifyRequest['socket'];

/** What requests share, whoever reads them. */
export interface DirectParts {
  readonly ports: DataApiPorts;
  readonly options: DataApiOptions;
  readonly counters: RequestCounters;
  readonly throttle: WriteThrottle;
  readonly admit: Admit;
  readonly profiles: RequestProfiles;
  readonly budget: BodyBudget;
  readonly buffers: BodyBuffers;
  /** Clients that send nothing of a body. */
  readonly idle: IdleWatch;
}

/** A plain write, as those who answer it ask about it. */
interface PlainRequest extends PlainHead {
  readonly method: 'POST';
  readonly ip: string;
  readonly principal: Principal;
}

/** From now on connections of the server are looked at as they are accepted. */
export function addDirectWrites(
  api: FastifyInstance,
  rawSockets: RawSockets,
  parts: DirectParts,
): void {
  const { server } = api;
  const accept = server.listeners('connection') as ((socket: Duplex) => void)[];
  const toNode = (socket: Duplex): void => {
    for (const one of accept) one.call(server, socket);
  };
  const writes = new DirectWrites(rawSockets, toNode, parts);
  server.removeAllListeners('connection');
  server.on('connection', (socket: Socket) => {
    writes.accept(socket);
  });
  api.addHook('preClose', (done) => {
    writes.close();
    done();
  });
}

class DirectWrites {
  readonly #sockets: RawSockets;
  readonly #toNode: (socket: Duplex) => void;
  readonly #parts: DirectParts;
  readonly #scratch = Buffer.allocUnsafeSlow(scratchBytes);
  /** Connections of which nothing has come yet. */
  readonly #waiting = new Set<Socket>();
  readonly #open = new Set<WriteConnection>();
  readonly #idle: IdleWatch;
  #isClosing = false;
  #date = { second: 0n, text: '' };

  constructor(sockets: RawSockets, toNode: (socket: Duplex) => void, parts: DirectParts) {
    this.#sockets = sockets;
    this.#toNode = toNode;
    this.#parts = parts;
    this.#idle = new IdleWatch(parts.ports.clock, keepAliveSeconds * secondMs);
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
    if (!first.toString('latin1', 0, 5).startsWith('POST ')) return false;
    const { remoteAddress = '' } = socket;
    const forget = (): void => {
      watch.cancel();
      this.#open.delete(connection);
    };
    const connection = new WriteConnection(
      {
        scratch: this.#scratch,
        buffers: this.#parts.buffers,
        idleBodies: this.#parts.idle,
        open: (head, ip) => this.#openWrite(head, ip),
        isClosing: () => this.#isClosing,
        handOver: (raw: RawSocket, bytes: Uint8Array) => {
          forget();
          raw.handOver(bytes, this.#toNode);
        },
        onClosed: forget,
      },
      remoteAddress,
    );
    const raw = this.#sockets.take(socket, connection, () => connection.drained());
    if (raw === undefined) return false;
    const watch = this.#idle.add(() => connection.progress, () => connection.destroy()); // prettier-ignore
    this.#open.add(connection);
    connection.start(raw, first);
    return true;
  }

  /** Undefined for those that Node's server is to hold back or to refuse. */
  #openWrite(head: PlainHead, ip: string): OpenWrite | undefined | Promise<OpenWrite | undefined> {
    const { throttle, admit, options } = this.#parts;
    const { bodyBytesMax } = options;
    if (bodyBytesMax > 0 && head.lengthBytes > bodyBytesMax) return undefined;
    const leave = throttle.tryEnter();
    if (leave === undefined) return undefined;
    const admitted = admit(head);
    if (!(admitted instanceof Promise))
      return this.#admitted({ head, ip, principal: admitted }, leave);
    return admitted.then(
      (principal) => this.#admitted({ head, ip, principal }, leave),
      () => {
        leave();
        return undefined;
      },
    );
  }

  #admitted(
    { head, ip, principal }: { readonly head: PlainHead; readonly ip: string; readonly principal: Principal }, // prettier-ignore
    leave: () => void,
  ): OpenWrite | undefined {
    // Read once for all requests of the same head.
    RequestParameters.ofUrl(head);
    const request: PlainRequest = { ...head, method: 'POST', ip, principal };
    try {
      return this.#opened(request, targetOf(request, this.#parts.ports), leave);
    } catch (error) {
      leave();
      if (isDbError(error)) return undefined;
      throw error;
    }
  }

  #opened(request: PlainRequest, target: WriteTarget, leave: () => void): OpenWrite {
    const { counters, profiles, budget, ports } = this.#parts;
    const ended = counters.follows(request);
    counters.add('writeReqBytes', request.lengthBytes);
    profiles.add(pathOf(request), request.ip);
    const place = budget.open();
    const startMs = ports.clock.monotonicMs();
    let status = 200;
    return {
      place,
      answer: async (body) => {
        const error = await this.#write(request, target, body);
        status = error?.status ?? 204;
        return this.#answer(request, error, startMs);
      },
      end: () => {
        place.close();
        leave();
        ended(status);
      },
    };
  }

  async #write(
    request: PlainRequest,
    target: WriteTarget,
    body: Uint8Array,
  ): Promise<PlainError | undefined> {
    const { buffers, ports } = this.#parts;
    const bodyRead = (): void => {
      buffers.giveBack(body);
    };
    try {
      await writeBody(request, { target, body, bodyRead }, this.#parts);
      return undefined;
    } catch (error) {
      if (isDbError(error)) return { status: errorStatus[error.code], text: error.message };
      ports.log.error('A request failed in a way nobody expected', {
        path: pathOf(request),
        error: error instanceof Error ? (error.stack ?? error.message) : errorText(error),
      });
      return { status: 500, text: 'internal server error' };
    }
  }

  #answer(request: PlainRequest, error: PlainError | undefined, startMs: number): string {
    const { ports, options } = this.#parts;
    const { headers } = request;
    const asked = headers['x-request-id'] ?? headers['request-id'] ?? '';
    const requestId = asked === '' ? ports.requestId() : asked;
    const { version, logEnabled } = options;
    const nowNs = ports.clock.wallNs();
    const parts = { version, requestId, date: this.#dateOf(nowNs), closes: this.#isClosing };
    const { text, lengthBytes } = plainAnswer(parts, error);
    if (logEnabled) {
      const status = error?.status ?? 204;
      const elapsedMs = ports.clock.monotonicMs() - startMs;
      ports.log.info(accessLogLine(request, { httpVersion: '1.1', status, lengthBytes, requestId, elapsedMs }, nowNs)); // prettier-ignore
    }
    return text;
  }

  /** Made once a second. */
  #dateOf(nowNs: bigint): string {
    const second = nowNs / secondNs;
    if (second !== this.#date.second)
      this.#date = { second, text: new Date(Number(second) * secondMs).toUTCString() };
    return this.#date.text;
  }
}
