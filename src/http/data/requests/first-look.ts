import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { sendPlain } from '../../error-reply.ts';
import type { FixedHeaders } from '../answers/fixed-headers.ts';
import type { DataApiPorts } from '../data-api-options.ts';
import { notFoundText, refusalOfHead, sendRefusal } from './client-error.ts';
import { pathOf } from './request-parameters.ts';

/** What is looked at before all else: whether it is HTTP, and of an address that is one. */
export function addFirstLook(
  api: FastifyInstance,
  parts: {
    readonly ports: Pick<DataApiPorts, 'requestId'>;
    readonly version: string;
    readonly fixed: FixedHeaders;
    /** Whether an address is one of the API proper, which has the headers that were configured. */
    readonly hasRoute: (request: FastifyRequest) => boolean;
  },
): void {
  const { ports, version, fixed, hasRoute } = parts;
  api.addHook('onRequest', (request, reply, done) => {
    if (isOfServer(request)) {
      void reply.code(200).send();
      return;
    }
    setCommonHeaders(request, reply, { ports, version });
    if (hasRoute(request)) {
      allowOrigin(request, reply);
      addFixedHeaders(reply, fixed);
    }
    allowAnyContentType(request);
    const refusal = refusalOfHead(request.raw);
    if (refusal !== undefined) sendRefusal(reply, refusal);
    else if (isDisguised(request)) sendPlain(reply, 404, notFoundText);
    else done();
  });
}

/** `OPTIONS *` asks whether there is a server at all: Go answers it before anything else looks at it. */
function isOfServer({ method, raw }: FastifyRequest): boolean {
  return method === 'OPTIONS' && raw.url === '*';
}

/**
 * Whether what a route has of its own comes percent-encoded (`/%77rite`): the router takes it for the same, and the reference for an
 * address that is not there, as whatever else looks at addresses here does.
 */
function isDisguised(request: FastifyRequest): boolean {
  const { url } = request.routeOptions;
  if (url === undefined) return false;
  const [own = ''] = url.split(/[:*]/, 1);
  const path = pathOf(request);
  return own === url ? path !== own : !path.startsWith(own);
}

function addFixedHeaders({ raw }: FastifyReply, { pairs }: FixedHeaders): void {
  for (const [name, value] of pairs) if (!raw.hasHeader(name)) raw.setHeader(name, value);
}

function setCommonHeaders(
  request: FastifyRequest,
  reply: FastifyReply,
  { ports, version }: { readonly ports: Pick<DataApiPorts, 'requestId'>; readonly version: string },
): void {
  const { headers } = request;
  const asked = headers['x-request-id'] ?? headers['request-id'] ?? '';
  const id = String(asked) === '' ? ports.requestId() : String(asked);
  // On Node's own response: fastify would write the names in small letters, which scripts that look for them miss.
  const { raw } = reply;
  raw.setHeader('X-Influxdb-Version', version).setHeader('X-Influxdb-Build', 'ENT');
  raw.setHeader('X-Request-Id', id).setHeader('Request-Id', id);
}

function allowOrigin({ headers }: FastifyRequest, { raw }: FastifyReply): void {
  // Of several the first.
  const [origin = ''] = headers.origin?.split(', ') ?? [];
  if (origin === '') return;
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
