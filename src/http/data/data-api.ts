import type { Duplex } from 'node:stream';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { errorText, isDbError } from '../../base/errors.ts';
import type { Clock } from '../../env/clock.ts';
import { SharedBuffers } from '../../base/shared-buffers.ts';
import { KiB, MiB } from '../../base/units.ts';
import { KnownTexts } from '../../influxql/known-texts.ts';
import { errorStatus, sendBareJson, sendPlain } from '../error-reply.ts';
import { acceptedType } from './answers/accepted-type.ts';
import { refuse } from './answers/refuse.ts';
import { addPprof } from '../debug/pprof-routes.ts';
import { handleRead } from '../prometheus/read-route.ts';
import { bucketRoutes } from '../v2/bucket-routes.ts';
import { handleDelete } from '../v2/delete-route.ts';
import { addGate } from './access/gate.ts';
import { addDirectConnections } from './direct/direct-connections.ts';
import type { DirectParts } from './direct/direct-parts.ts';
import { AccessLog, type LoggedAnswer, type LoggedRequest } from './requests/access-log.ts';
import { fixedHeaders } from './answers/fixed-headers.ts';
import { SentLengths } from './answers/sent-lengths.ts';
import { BodyBudget, type BodyPlace } from './requests/body-budget.ts';
import { answerClientError, badRequest, isWellEscaped, notFoundText, refuseConnect, sendRefusal } from './requests/client-error.ts'; // prettier-ignore
import type { DataApiOptions, DataApiPorts } from './data-api-options.ts';
import { endConnectionsOnClose } from '../leaving-connections.ts';
import { addTurns } from '../request-turns.ts';
import { addSecureConnections } from '../secure-connections.ts';
import { sendMetrics, sendVars } from './debug-routes.ts';
import { answerExpecting } from './requests/expecting-clients.ts';
import { addFirstLook } from './requests/first-look.ts';
import { answerHalfOpen, halfOpenMs } from './requests/half-open.ts';
import { IdleWatch } from './requests/idle-watch.ts';
import { sendHealth } from './health-route.ts';
import { goneSignal, handleQuery } from './query-route.ts';
import { nodeTables } from './node-tables.ts';
import { LastRequests } from './requests/last-requests.ts';
import { mendRequest } from './requests/mended-request.ts';
import { ownBuffers } from './requests/gathered-body.ts';
import { readBody } from './requests/read-body.ts';
import { RequestProfiles } from './requests/request-profiles.ts';
import { noSchemas } from '../no-schemas.ts';
import { pathOf, RequestParameters } from './requests/request-parameters.ts';
import { RequestCounters } from './requests/request-counters.ts';
import { addRepairRoutes, repairMethods } from './repair-routes.ts';
import { admitWrite, handleWrite } from './write-route.ts';
import { prometheusPath, prometheusReadPath, writeTargets } from './requests/write-target.ts';
import { WriteThrottle } from './requests/write-throttle.ts';

declare module 'fastify' {
  interface FastifyRequest {
    bodyPlace: BodyPlace | undefined;
  }
  interface FastifyInstance {
    bodyBuffers: SharedBuffers;
    /** Serves a connection that was accepted elsewhere, and speaks plain HTTP. */
    acceptPlain: (socket: Duplex) => void;
  }
}

const queryBytesMax = 32 * MiB;
/** Of bodies of writes that were read, to be used for the next ones. */
const bodyBytesKeptMax = 32 * MiB;
/** Of the request line and the headers together, as the reference (Go's limit and what it lets pass beyond). */
const headBytesMax = MiB + 4 * KiB;

/** The API of a data node, port 8086 (spec 4). The caller listens and closes. */
export function createDataApi(ports: DataApiPorts, options: DataApiOptions): FastifyInstance {
  const api: FastifyInstance = fastify({
    bodyLimit: options.bodyBytesMax === 0 ? Number.MAX_SAFE_INTEGER : options.bodyBytesMax,
    forceCloseConnections: 'idle',
    // Its text is not the reference's, and what has come until then is served.
    return503OnClosing: false,
    schemaController: noSchemas,
    // Handlers read addresses as the reference does (form-values.ts).
    routerOptions: { querystringParser: () => ({}) },
    // Lines that end in a line feed alone come from small devices; Go takes them.
    http: { maxHeaderSize: headBytesMax, insecureHTTPParser: true, requireHostHeader: false },
    clientErrorHandler(error, socket) {
      if (lastRequests.isBehind(error, socket)) return;
      if (!mendRequest(api.server, error, socket)) answerClientError(error, socket);
    },
    // What the router cannot decode: bytes that are no UTF-8 are an address all the same, at which nothing is.
    frameworkErrors: (_error, request, reply) => {
      if (isWellEscaped(pathOf(request))) sendPlain(reply, 404, notFoundText);
      else sendRefusal(reply, badRequest);
    },
  });
  const lastRequests = new LastRequests(api.server);
  api.server.on('connect', refuseConnect);
  addTurns(api);
  const { bindAddress: bind, countsUserBytes } = options;
  const counters = new RequestCounters(ports.clock, { bind, countsUserBytes });
  ports.statistics.add(() => counters.statistics());
  counters.follow(api);
  endConnectionsOnClose(api);
  const bodies = {
    budget: new BodyBudget(options.bodiesBytesMax),
    buffers: new SharedBuffers(bodyBytesKeptMax),
    idle: new IdleWatch(ports.clock, options.idleMs),
  };
  const halfOpen = new IdleWatch(ports.clock, halfOpenMs);
  const fixed = fixedHeaders(options.headers);
  answerHalfOpen(api, halfOpen, (request) => !isWrite(request));
  addBodies(api, bodies);
  addFirstLook(api, { ports, version: options.version, fixed, hasRoute });
  const throttle = new WriteThrottle(ports.clock, options.throttle);
  addThrottle(api, throttle);
  const admit = addGate(api, { ports, access: options.access, counters, isServed });
  counters.followServed(api, isServed);
  const accessLog = new AccessLog(ports.accessLine, options.accessLog);
  if (options.accessLog.isEnabled) addAccessLog(api, accessLog, ports.clock);
  const profiles = new RequestProfiles(ports.clock);
  const texts = new KnownTexts();
  addRoutes(api, { ports, options, counters, profiles, texts });
  answerExpecting(api);
  addNodeRoutes(api, ports, counters);
  addFallbacks(api, ports);
  const shared = {
    ports,
    options,
    fixed,
    counters,
    accessLog,
    throttle,
    admit,
    profiles,
    texts,
    halfOpen,
    ...bodies,
  };
  const { rawSockets, secureSockets } = ports;
  if (rawSockets !== undefined) addDirectConnections(api, rawSockets, shared);
  decorateAccept(api, options.connectionsMax);
  // What is added last sees a connection first.
  if (secureSockets !== undefined) addSecureConnections(api, secureSockets);
  return api;
}

/** From now on connections can be given to those who listen for them at this moment; `connectionsMax` is none of these. */
function decorateAccept(api: FastifyInstance, connectionsMax: number): void {
  if (connectionsMax > 0) api.server.maxConnections = connectionsMax;
  const accept = api.server.listeners('connection') as ((socket: Duplex) => void)[];
  api.decorate('acceptPlain', (socket: Duplex) => {
    for (const one of accept) one.call(api.server, socket);
  });
}

/** Of the node itself: what its repairs are at, and its profiles. */
function addNodeRoutes(api: FastifyInstance, ports: DataApiPorts, counters: RequestCounters): void {
  const { clock, profiler, repairs } = ports;
  if (repairs !== undefined) addRepairRoutes(api, { clock, ...repairs });
  if (profiler === undefined) return;
  const { pending } = counters;
  const tables = () => nodeTables(ports.executor);
  addPprof(api, { clock, profiler, pending, tables, commandLine: process.argv });
}

/** Bodies are read whole, each piece within the budget of all; what a request holds of it ends with its connection's turn. */
function addBodies(
  api: FastifyInstance,
  { budget, buffers, idle }: Pick<DirectParts, 'budget' | 'idle'> & { buffers: SharedBuffers },
): void {
  api.decorate('bodyBuffers', buffers);
  api.decorateRequest('bodyPlace', undefined);
  api.decorateRequest('urlParameters', undefined);
  api.decorateRequest('form', undefined);
  api.addHook('onRequest', (request, reply, done) => {
    if (!hasBody(request)) {
      done();
      return;
    }
    const place = budget.open();
    request.bodyPlace = place;
    reply.raw.once('close', () => place.close());
    if (reply.raw.destroyed) place.close();
    done();
  });
  api.removeAllContentTypeParsers();
  api.addContentTypeParser('*', (request: FastifyRequest, payload: FastifyRequest['raw']) => {
    const { bodyPlace: place = budget.open(), routeOptions } = request;
    const { bodyLimit: bytesMax } = routeOptions;
    // Only a write of lines gives back what it has read.
    const { url = '' } = routeOptions;
    const own = writeTargets.has(url) && url !== prometheusPath ? buffers : ownBuffers;
    return readBody(payload, { bytesMax, place, idle, buffers: own });
  });
}

function hasBody({ headers }: FastifyRequest): boolean {
  return headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined;
}

/** Writes wait for their turn before their body is read, and give it back however they end. */
function addThrottle(api: FastifyInstance, throttle: WriteThrottle): void {
  api.addHook('onRequest', (request, reply, done) => {
    if (!isWrite(request)) {
      done();
      return;
    }
    const enter = (leave: () => void): void => {
      if (reply.raw.destroyed) leave();
      else reply.raw.once('close', leave);
      done();
    };
    const leave = throttle.tryEnter();
    if (leave !== undefined) {
      enter(leave);
      return;
    }
    const gone = new AbortController();
    reply.raw.once('close', () => gone.abort());
    throttle.enter(gone.signal).then(enter, (error: unknown) => {
      if (isDbError(error, 'queue_full')) sendPlain(reply, 503, error.message);
      else done(error as Error);
    });
  });
}

/** Of what there is something at its address for; the reference leaves out what tells of the node itself. */
function addAccessLog(api: FastifyInstance, accessLog: AccessLog, clock: Clock): void {
  const lengths = new SentLengths();
  api.addHook('onSend', (_request, reply, payload, done) => {
    lengths.follow(reply, payload);
    done(null, payload);
  });
  api.addHook('onResponse', (request, reply, done) => {
    if (hasRoute(request) && accessLog.takes(request, reply.statusCode)) {
      const answer = loggedAnswer(request, reply, lengths.of(reply));
      accessLog.note(loggedRequest(request), answer, clock.wallNs());
    }
    done();
  });
}

function loggedRequest(request: FastifyRequest): LoggedRequest {
  const { url, method, ip, headers, form, urlParameters } = request;
  return { url, method, ip, headers, form, urlParameters };
}

function loggedAnswer(
  request: FastifyRequest,
  reply: FastifyReply,
  lengthBytes: number,
): LoggedAnswer {
  return {
    httpVersion: request.raw.httpVersion,
    status: reply.statusCode,
    lengthBytes,
    requestId: String(reply.getHeader('request-id') ?? '-'),
    elapsedMs: reply.elapsedTime,
  };
}

interface Parts {
  readonly ports: DataApiPorts;
  readonly options: DataApiOptions;
  readonly counters: RequestCounters;
  readonly profiles: RequestProfiles;
  readonly texts: KnownTexts;
}

function addRoutes(api: FastifyInstance, parts: Parts): void {
  const { ports, options, texts } = parts;
  const { version } = options;
  only(api, '/ping', (request, reply) => {
    const verbose = RequestParameters.ofUrl(request).get('verbose');
    const isVerbose = verbose !== '' && verbose !== '0' && verbose !== 'false';
    return isVerbose ? sendBareJson(reply, { version }) : sendEmpty(request, reply);
  });
  only(api, '/status', sendEmpty);
  only(api, '/health', (request, reply) =>
    request.method === 'OPTIONS'
      ? reply.code(200).send()
      : sendHealth(reply, version, ports.health),
  );
  only(api, '/query', (request, reply) => {
    if (request.method === 'OPTIONS') return reply.code(200).send();
    return handleQuery(request, reply, { ports, options, texts });
  });
  api.addHook('preParsing', (request, reply, payload, done) => {
    const fail = (error: unknown): void => {
      if (isDbError(error)) refuse(reply, errorStatus[error.code], error.message);
      else done(error as Error);
    };
    try {
      const waiting = isWrite(request) ? admitWrite(request, ports) : undefined;
      if (waiting === undefined) done(null, payload);
      else void waiting.then(() => { done(null, payload); }, fail); // prettier-ignore
    } catch (error) {
      fail(error);
    }
  });
  for (const url of writeTargets.keys())
    only(api, url, (request, reply) =>
      request.method === 'OPTIONS' ? reply.code(200).send() : handleWrite(request, reply, parts),
    );
  only(api, '/api/v2/delete', (request, reply) => handleDelete(request, reply, ports));
  only(api, prometheusReadPath, (request, reply) => handleRead(request, reply, parts));
  addBuckets(api, ports);
  only(api, '/api/v2/query', (request, reply) =>
    request.method === 'OPTIONS' ? reply.code(200).send() : refuse(reply, 403, noFluxText),
  );
  addRequestProfiles(api, parts.profiles);
  only(api, '/debug/vars', (_request, reply) => sendVars(reply, ports));
  only(api, '/metrics', (request, reply) => sendMetrics(request, reply, ports));
}

/** Of the type of answers that was asked for, though there is none. */
function sendEmpty({ headers }: FastifyRequest, reply: FastifyReply): FastifyReply {
  return reply
    .code(204)
    .type(acceptedType(headers.accept ?? ''))
    .send();
}

function addRequestProfiles(api: FastifyInstance, profiles: RequestProfiles): void {
  api.addHook('onRequest', (request, _reply, done) => {
    profiles.add(pathOf(request), addressOf(request));
    done();
  });
  only(api, '/debug/requests', async (request, reply) => {
    const seconds = RequestParameters.ofUrl(request).get('seconds');
    const text = await profiles.read(seconds, goneSignal(reply));
    return reply.type('application/json; charset=utf-8').header('Connection', 'close').send(text);
  });
}

/** '' of a client of a Unix socket. */
function addressOf({ ip }: { readonly ip: string | undefined }): string {
  return ip ?? '';
}

function addBuckets(api: FastifyInstance, ports: DataApiPorts): void {
  for (const url of new Set(bucketRoutes.map((route) => route.url)))
    only(api, url, (request, reply) => {
      // A name without a character is none, and no such address is there.
      const names: readonly unknown[] = Object.values(request.params ?? {});
      if (names.includes('')) return sendPlain(reply, 404, notFoundText);
      return bucketRoutes
        .find((route) => route.url === url && route.method === request.method)
        ?.handle(request, reply, ports);
    });
}

/** A POST to an address that takes points. */
function isWrite(request: FastifyRequest): boolean {
  return request.method === 'POST' && writeTargets.has(pathOf(request));
}

type Handler = (request: FastifyRequest, reply: FastifyReply) => unknown;

/** Flux is never enabled (spec F75): a node whose configuration asks for it does not start. */
const noFluxText = 'Flux query service disabled. Verify flux-enabled=true in the [http] section of the InfluxDB config.'; // prettier-ignore

const allMethods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

/** The reference asks for no method at what tells of the node itself. */
const methodsOf: Readonly<Record<string, readonly string[]>> = {
  '/ping': ['GET', 'HEAD'],
  '/status': ['GET', 'HEAD'],
  '/health': ['OPTIONS', 'GET'],
  '/query': ['OPTIONS', 'GET', 'POST'],
  '/write': ['OPTIONS', 'POST'],
  '/api/v2/query': ['OPTIONS', 'POST'],
  '/api/v2/write': ['OPTIONS', 'POST'],
  '/api/v2/delete': ['POST'],
  '/api/v1/prom/write': ['POST'],
  [prometheusReadPath]: ['POST'],
  ...Object.fromEntries(
    [...new Set(bucketRoutes.map(({ url }) => url))].map((url) => [
      url,
      bucketRoutes.filter((route) => route.url === url).map(({ method }) => method),
    ]),
  ),
  ...repairMethods,
  '/debug/vars': allMethods,
  '/debug/requests': allMethods,
  '/metrics': ['GET'],
};

function isServed({ method, routeOptions: { url = '' } }: FastifyRequest): boolean {
  return methodsOf[url]?.includes(method) === true;
}

/** Whether its address is one of the API proper: those are logged, and have the headers that were configured. */
function hasRoute(request: FastifyRequest): boolean {
  return isServed(request) && !pathOf(request).startsWith('/debug/');
}

/** The route, and 405 for the methods it does not have. */
function only(api: FastifyInstance, url: string, handler: Handler): void {
  const methods = methodsOf[url] ?? [];
  const allow = methods.join(', ');
  // The limit of bodies is one of writes; forms and files of queries have a fixed one.
  const limit = url === '/query' ? { bodyLimit: queryBytesMax } : {};
  api.route({ method: [...methods], url, exposeHeadRoute: false, handler, ...limit });
  // Of an address that is one text addFallbacks() knows what it has.
  const others = url.includes(':') ? allMethods.filter((one) => !methods.includes(one)) : [];
  if (others.length === 0) return;
  api.route({
    method: others,
    url,
    exposeHeadRoute: false,
    handler: (_request, reply) =>
      sendPlain(reply.header('Allow', allow), 405, 'Method Not Allowed'),
  });
}

function addFallbacks(api: FastifyInstance, ports: DataApiPorts): void {
  api.setNotFoundHandler((request, reply) => {
    const methods = methodsOf[pathOf(request)];
    // One that there is comes here where what it belongs to is switched off.
    return methods === undefined || methods.includes(request.method)
      ? sendPlain(reply, 404, notFoundText)
      : sendPlain(reply.header('Allow', methods.join(', ')), 405, 'Method Not Allowed');
  });
  api.setErrorHandler((error, request, reply) => {
    if (isDbError(error)) return refuse(reply, errorStatus[error.code], error.message);
    // The client has left while its answer was made or sent: nobody reads another one.
    if (reply.raw.destroyed) return reply.hijack();
    const { statusCode } = error as { readonly statusCode?: number };
    // What the framework refuses: its texts are its own.
    if (statusCode !== undefined && statusCode < 500) return sendRefusal(reply, badRequest);
    ports.log.error('A request failed in a way nobody expected', {
      path: pathOf(request),
      error: error instanceof Error ? (error.stack ?? error.message) : errorText(error),
    });
    return refuse(reply, 500, 'internal server error');
  });
}
