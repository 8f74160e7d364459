import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { errorText, isDbError } from '../../base/errors.ts';
import { MiB } from '../../base/units.ts';
import { Counters } from '../../telemetry/counters.ts';
import { sendError, sendJson, sendPlain } from '../error-reply.ts';
import { accessLogLine } from './access-log.ts';
import type { DataApiOptions, DataApiPorts } from './data-api-options.ts';
import { handleQuery } from './query-route.ts';
import { readBody } from './read-body.ts';
import { handleWrite, refusalOfWrite } from './write-route.ts';
import { WriteThrottle } from './write-throttle.ts';

const counterNames = ['req', 'queryReq', 'writeReq', 'pingReq', 'writeReqBytes', 'clientError', 'serverError'] as const; // prettier-ignore

declare module 'fastify' {
  interface FastifyRequest {
    leaveThrottle: (() => void) | undefined;
  }
}

const queryBytesMax = 32 * MiB;

/** The API of a data node, port 8086 (spec 4). The caller listens and closes. */
export function createDataApi(ports: DataApiPorts, options: DataApiOptions): FastifyInstance {
  const api = fastify({
    bodyLimit: options.bodyBytesMax === 0 ? Number.MAX_SAFE_INTEGER : options.bodyBytesMax,
    forceCloseConnections: 'idle',
  });
  const counters = new Counters(counterNames);
  ports.statistics.add(() => [
    { name: 'httpd', tags: { bind: options.bindAddress }, values: counters.values() },
  ]);
  const throttle = new WriteThrottle(ports.clock, options.throttle);
  api.decorateRequest('leaveThrottle', undefined);
  api.removeAllContentTypeParsers();
  api.addContentTypeParser('*', (request: FastifyRequest, payload: FastifyRequest['raw']) =>
    readBody(payload, request.routeOptions.bodyLimit),
  );
  api.addHook('onRequest', async (request, reply) => {
    counters.add('req');
    setCommonHeaders(request, reply, { ports, version: options.version });
    allowAnyContentType(request);
    if (request.method !== 'POST' || pathOf(request) !== '/write') return;
    counters.add('writeReq');
    const lengthBytes = Number(request.headers['content-length'] ?? options.bodyBytesMax);
    counters.add('writeReqBytes', lengthBytes);
    try {
      request.leaveThrottle = await throttle.enter(lengthBytes);
    } catch (error) {
      if (!isDbError(error, 'queue_full')) throw error;
      return sendPlain(reply, 503, error.message);
    }
  });
  api.addHook('onResponse', (request, reply, done) => {
    request.leaveThrottle?.();
    const { statusCode } = reply;
    if (statusCode >= 400) counters.add(statusCode < 500 ? 'clientError' : 'serverError');
    if (options.logEnabled) ports.log.info(accessLogLine(request, reply, ports.clock.wallNs()));
    done();
  });
  api.addHook('onRequestAbort', (request, done) => {
    request.leaveThrottle?.();
    done();
  });
  addRoutes(api, { ports, options, counters });
  addFallbacks(api, ports);
  return api;
}

interface Parts {
  readonly ports: DataApiPorts;
  readonly options: DataApiOptions;
  readonly counters: Counters<(typeof counterNames)[number]>;
}

function addRoutes(api: FastifyInstance, parts: Parts): void {
  const { ports, options, counters } = parts;
  const { version } = options;
  only(api, ['GET', 'HEAD'], '/ping', (request, reply) => {
    counters.add('pingReq');
    const verbose = new URLSearchParams(request.url.split('?')[1]).get('verbose') ?? '';
    const isVerbose = verbose !== '' && verbose !== '0' && verbose !== 'false';
    return isVerbose
      ? sendJson(reply, { version })
      : reply.code(204).type('application/json').send();
  });
  only(api, ['GET', 'HEAD'], '/status', (_request, reply) =>
    reply.code(204).type('application/json').send(),
  );
  only(api, ['GET', 'HEAD'], '/health', (_request, reply) => {
    const health = {
      checks: [],
      message: 'ready for queries and writes',
      name: 'influxdb',
      status: 'pass',
      version,
    };
    return sendJson(reply, health);
  });
  only(api, ['OPTIONS', 'GET', 'POST'], '/query', (request, reply) => {
    if (request.method === 'OPTIONS') return reply.code(200).send();
    counters.add('queryReq');
    return handleQuery(request, reply, parts);
  });
  api.addHook('preParsing', (request, reply, payload, done) => {
    const isWrite = request.method === 'POST' && pathOf(request) === '/write';
    const refusal = isWrite ? refusalOfWrite(request, ports) : undefined;
    if (refusal === undefined) done(null, payload);
    else sendError(reply, refusal.status, refusal.text);
  });
  only(api, ['OPTIONS', 'POST'], '/write', (request, reply) =>
    request.method === 'OPTIONS' ? reply.code(200).send() : handleWrite(request, reply, parts),
  );
  // The reference asks for no method here.
  only(api, allMethods, '/debug/vars', (_request, reply) => {
    const statistics = ports.statistics.read().map((one) => {
      return [[one.name, ...Object.values(one.tags)].join(':'), one];
    });
    const vars = { ...ports.vars(), ...(Object.fromEntries(statistics) as object) };
    return reply.type('application/json; charset=utf-8').send(`${JSON.stringify(vars)}\n`);
  });
}

type Handler = (request: FastifyRequest, reply: FastifyReply) => unknown;

const allMethods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

/** The route, and 405 for the methods it does not have. */
function only(
  api: FastifyInstance,
  methods: readonly string[],
  url: string,
  handler: Handler,
): void {
  const allow = methods.join(', ');
  // The limit of bodies is one of writes; forms and files of queries have a fixed one.
  const limit = url === '/query' ? { bodyLimit: queryBytesMax } : {};
  api.route({ method: [...methods], url, exposeHeadRoute: false, handler, ...limit });
  const others = allMethods.filter((method) => !methods.includes(method));
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
  api.setNotFoundHandler((_request, reply) => sendPlain(reply, 404, '404 page not found'));
  api.setErrorHandler((error, request, reply) => {
    const { statusCode } = error as { readonly statusCode?: number };
    if (isDbError(error, 'too_large')) return sendError(reply, 413, error.message);
    if (statusCode !== undefined && statusCode < 500)
      return sendError(reply, statusCode, errorText(error));
    ports.log.error('A request failed in a way nobody expected', {
      path: pathOf(request),
      error: error instanceof Error ? (error.stack ?? error.message) : errorText(error),
    });
    return sendError(reply, 500, 'internal server error');
  });
}

function setCommonHeaders(
  request: FastifyRequest,
  reply: FastifyReply,
  { ports, version }: { readonly ports: DataApiPorts; readonly version: string },
): void {
  const { headers } = request;
  const asked = headers['x-request-id'] ?? headers['request-id'] ?? '';
  const id = String(asked) === '' ? ports.requestId() : String(asked);
  // On Node's own response: fastify would write the names in small letters, which scripts that look for them miss.
  const { raw } = reply;
  raw.setHeader('X-Influxdb-Version', version).setHeader('X-Influxdb-Build', 'ENT');
  raw.setHeader('X-Request-Id', id).setHeader('Request-Id', id);
  const { origin } = headers;
  if (origin === undefined) return;
  raw
    .setHeader('Access-Control-Allow-Origin', origin)
    .setHeader('Access-Control-Allow-Methods', 'DELETE, GET, OPTIONS, POST, PUT, PATCH')
    .setHeader(
      'Access-Control-Allow-Headers',
      'Accept, Accept-Encoding, Authorization, Content-Length, Content-Type, User-Agent, X-CSRF-Token, X-HTTP-Method-Override',
    )
    .setHeader('Access-Control-Expose-Headers', 'Date, X-InfluxDB-Version, X-InfluxDB-Build');
}

/** Bodies are taken whatever their type says: the `influx` shell sends an empty one with INSERT. */
function allowAnyContentType({ raw }: FastifyRequest): void {
  const type = raw.headers['content-type'];
  if (type !== undefined && !/^[^/\s;]+\/[^/\s;]+/.test(type))
    raw.headers['content-type'] = 'application/octet-stream';
}

function pathOf(request: FastifyRequest): string {
  return request.url.split('?')[0] ?? '';
}
