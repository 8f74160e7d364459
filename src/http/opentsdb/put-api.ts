/**
 * OpenTSDB's HTTP (spec F129): `POST /api/put`, and `/api/metadata/put`, which is answered and not read. It listens nowhere: the
 * listener of `[[opentsdb]]` gives it the connections that speak HTTP. What is put is written at once, not in batches.
 */
import { Buffer } from 'node:buffer';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { errorText, isDbError } from '../../base/errors.ts';
import { KiB, MiB, minuteMs } from '../../base/units.ts';
import type { Clock } from '../../env/clock.ts';
import type { HandedSocket } from '../../env/inbound.ts';
import type { Jobs } from '../../env/jobs.ts';
import type { Log } from '../../env/log.ts';
import { Slices } from '../../env/slices.ts';
import { JsonFault } from '../../services/listeners/opentsdb/json-scan.ts';
import type { PutServer } from '../../services/listeners/opentsdb/opentsdb-listener.ts';
import { PutBody } from '../../services/listeners/opentsdb/put-body.ts';
import { BodyBudget } from '../data/requests/body-budget.ts';
import { answerClientError, badRequest, refusalOfHead, sendRefusal } from '../data/requests/client-error.ts'; // prettier-ignore
import { ownBuffers } from '../data/requests/gathered-body.ts';
import { answerHalfOpen, halfOpenMs } from '../data/requests/half-open.ts';
import { IdleWatch } from '../data/requests/idle-watch.ts';
import { readBody } from '../data/requests/read-body.ts';
import { pathOf } from '../data/requests/request-parameters.ts';
import { unzippedBody } from '../data/requests/unzipped-body.ts';
import { sendPlain } from '../error-reply.ts';
import { noSchemas } from '../no-schemas.ts';
import { addTurns } from '../request-turns.ts';

export interface PutApiPorts {
  readonly clock: Clock;
  readonly jobs: Pick<Jobs, 'run'>;
  readonly log: Log;
  /** Line protocol in nanoseconds. Rejects when not all of it was written. */
  readonly write: (body: Uint8Array) => Promise<void>;
}

/** Of a body, as it comes and unzipped. */
const bodyBytesMax = 32 * MiB;
const bodiesBytesMax = 64 * MiB;
const headBytesMax = 64 * KiB;
/** A connection of which nothing comes and to which nothing goes. */
const idleMs = 2 * minuteMs;
/** Beyond it connections are closed as they come. */
const connectionsMax = 8_192;
/** Of points of a body that are none: the others are counted. */
const toldMax = 10;
/** Points between two looks at the time. */
const pointsPerLook = 64;

export class PutApi implements PutServer {
  readonly #ports: PutApiPorts;
  readonly #api: FastifyInstance;
  readonly #sockets = new Set<HandedSocket>();
  readonly #pending = new Set<Promise<unknown>>();
  readonly #idle: IdleWatch;
  readonly #budget: BodyBudget;
  droppedCount = 0;

  private constructor(ports: PutApiPorts, budget: BodyBudget) {
    this.#ports = ports;
    this.#budget = budget;
    this.#idle = new IdleWatch(ports.clock, idleMs);
    this.#api = fastify({
      bodyLimit: bodyBytesMax,
      schemaController: noSchemas,
      http: { maxHeaderSize: headBytesMax, insecureHTTPParser: true, requireHostHeader: false },
      clientErrorHandler: answerClientError,
    });
    addTurns(this.#api);
    answerHalfOpen(this.#api, new IdleWatch(ports.clock, halfOpenMs), () => false);
    this.#addRoutes();
  }

  static async open(ports: PutApiPorts, budget = new BodyBudget(bodiesBytesMax)): Promise<PutApi> {
    const api = new PutApi(ports, budget);
    await api.#api.ready();
    return api;
  }

  serve(socket: HandedSocket): void {
    if (this.#sockets.size >= connectionsMax) {
      socket.destroy();
      return;
    }
    this.#sockets.add(socket);
    const watch = this.#idle.add(
      () => socket.bytesRead + socket.bytesWritten,
      () => {
        socket.destroy();
      },
    );
    socket.once('close', () => {
      watch.cancel();
      this.#sockets.delete(socket);
    });
    this.#api.server.emit('connection', socket);
    socket.resume();
  }

  async close(): Promise<void> {
    await this.#api.close();
    await Promise.allSettled(this.#pending);
    for (const socket of this.#sockets) socket.destroySoon();
  }

  #addRoutes(): void {
    const api = this.#api;
    api.decorateRequest('bodyPlace', undefined);
    api.removeAllContentTypeParsers();
    api.addContentTypeParser(
      '*',
      async (request: FastifyRequest, payload: FastifyRequest['raw']) => {
        const { bodyPlace: place = this.#budget.open() } = request;
        return readBody(payload, { bytesMax: bodyBytesMax, place, idle: this.#idle, buffers: ownBuffers }); // prettier-ignore
      },
    );
    api.addHook('onRequest', (request, reply, done) => {
      const refusal = refusalOfHead(request.raw);
      if (refusal !== undefined) sendRefusal(reply, refusal);
      else if (!answerOther(request, reply)) {
        const place = this.#budget.open();
        request.bodyPlace = place;
        // Its bytes are held until the answer is out: the request closes as soon as it is read.
        reply.raw.once('close', () => {
          place.close();
        });
        if (reply.raw.destroyed) place.close();
        done();
      }
    });
    api.route({ method: 'POST', url: '/api/put', handler: (request, reply) => this.#handle(request, reply) }); // prettier-ignore
    api.setNotFoundHandler((_request, reply) => sendPlain(reply, 404, '404 page not found'));
    api.setErrorHandler((error, _request, reply) => {
      if (reply.raw.destroyed) return reply.hijack();
      if (isDbError(error, 'too_large')) return sendPlain(reply, 413, error.message);
      const { statusCode = 500 } = error as { readonly statusCode?: number };
      if (statusCode < 500) return sendRefusal(reply, badRequest);
      this.#ports.log.error('A request failed in a way nobody expected', {
        error: errorText(error),
      });
      return sendPlain(reply, 500, 'internal server error');
    });
  }

  async #handle(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const answer = this.#put(request, reply);
    this.#pending.add(answer);
    try {
      return await answer;
    } finally {
      this.#pending.delete(answer);
    }
  }

  async #put(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const sent = request.body as Buffer | undefined;
    const isZipped = request.headers['content-encoding'] === 'gzip';
    let body: Uint8Array | undefined = sent;
    if (isZipped) {
      const parts = { jobs: this.#ports.jobs, bytesMax: bodyBytesMax, place: undefined, buffers: ownBuffers }; // prettier-ignore
      try {
        body = await unzippedBody(sent ?? Buffer.alloc(0), parts);
      } catch (error) {
        if (!isDbError(error, 'invalid_argument')) throw error;
        return sendPlain(reply, 400, `could not read gzip, ${error.message}`);
      }
    }
    if (body === undefined || body.length === 0) return sendPlain(reply, 400, 'peek error: EOF');
    if (!PutBody.canBegin(body[0])) return sendPlain(reply, 400, 'expected JSON array or hash');
    const put = await this.#read(body);
    return typeof put === 'string' ? sendPlain(reply, 400, put) : this.#write(reply, put);
  }

  /** In slices: a body may have any number of points. A text is what is wrong with it. */
  async #read(body: Uint8Array): Promise<PutBody | string> {
    const { clock, log } = this.#ports;
    let droppedCount = 0;
    const put = new PutBody(body, (name, error) => {
      droppedCount++;
      if (droppedCount <= toldMax) log.info('Dropping point', { name, error });
    });
    const slices = new Slices({ clock, turn: () => clock.sleep(0) });
    try {
      for (let count = 1; put.readNext(); count++)
        if (count % pointsPerLook === 0) await slices.next();
    } catch (error) {
      if (error instanceof JsonFault) return put.faultText;
      throw error;
    }
    this.droppedCount += droppedCount;
    return put;
  }

  async #write(reply: FastifyReply, { lines }: PutBody): Promise<FastifyReply> {
    try {
      await this.#ports.write(lines.view().slice());
      return await reply.code(204).send();
    } catch (error) {
      const isLost = isDbError(error, 'database_not_found');
      // Within the reference the name has no quotes.
      const text = isLost ? error.message.replaceAll('"', '') : errorText(error);
      this.#ports.log.info('Write series error', { error: text });
      // Of all errors of a write the reference takes these alone for the client's.
      const status = text.startsWith('field type conflict') ? 400 : 500;
      return sendPlain(reply, status, `write series error: ${text}`);
    }
  }
}

/** What needs no body; true when it was answered. */
function answerOther(request: FastifyRequest, reply: FastifyReply): boolean {
  const path = decodedPath(request);
  if (path === '/api/metadata/put') void reply.code(204).send();
  else if (path !== '/api/put') sendPlain(reply, 404, '404 page not found');
  else if (request.method !== 'POST') sendPlain(reply, 405, 'Method Not Allowed');
  else {
    // Whatever it says, it is JSON.
    request.raw.headers['content-type'] = 'application/json';
    return false;
  }
  return true;
}

/** The reference has no router here that looks at addresses as they came. */
function decodedPath(request: FastifyRequest): string {
  const path = pathOf(request);
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
