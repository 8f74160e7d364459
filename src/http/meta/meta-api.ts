import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { shownAddress } from '../../base/shown-address.ts';
import { type DbError, errorText, isDbError } from '../../base/errors.ts';
import { metaStatusMethod } from '../../meta/client/meta-methods.ts';
import { sendError, sendPlain } from '../error-reply.ts';
import { endConnectionsOnClose } from '../leaving-connections.ts';
import { noSchemas } from '../no-schemas.ts';
import { addSecureConnections } from '../secure-connections.ts';
import { aclPath, addAclRoutes } from './acl-routes.ts';
import { addDataNode, addMetaNode } from './add-nodes.ts';
import { PendingRequests } from '../debug/pending-requests.ts';
import { addPprof } from '../debug/pprof-routes.ts';
import { addLdapRoutes } from './ldap-routes.ts';
import { addCopyRoutes } from './copy-routes.ts';
import { serveLease } from './lease-route.ts';
import type { MetaApi, MetaApiOptions, MetaApiPorts } from './meta-api-options.ts';
import { addAuthorizedRoute } from './authorized-route.ts';
import { addBackupRoutes } from './backup-routes.ts';
import { addPlanRoutes } from './plan-routes.ts';
import { addMembershipRoutes } from './membership-routes.ts';
import { addMetaGate } from './meta-gate.ts';
import { isElsewhere, parameter, sendJson, settleRead } from './meta-request.ts';
import { NodeTurns } from './node-turns.ts';
import { addRequestLog } from './request-log.ts';
import { addShardRoutes } from './shard-routes.ts';
import { addUserRoutes } from './user-routes.ts';
import { clusterDocument } from './show-documents.ts';

const pingDeadlineMs = 2_000;

/** The API of a meta node, port 8091 (spec 3). The caller listens and closes. */
export function createMetaApi(ports: MetaApiPorts, options: MetaApiOptions): FastifyInstance {
  const api = fastify({
    schemaController: noSchemas,
    forceCloseConnections: 'idle',
    // Its text is not the reference's: the hook below answers.
    return503OnClosing: false,
    exposeHeadRoutes: false,
    routerOptions: { ignoreTrailingSlash: true },
  });
  api.removeAllContentTypeParsers();
  api.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => {
    done(null, body);
  });
  if (options.tracing) addRequestLog(api, ports.log);
  const pending = new PendingRequests();
  pending.follow(api);
  endConnectionsOnClose(api);
  let isClosing = false;
  api.addHook('preClose', (done) => {
    isClosing = true;
    done();
  });
  api.addHook('onRequest', async (request, reply) => {
    const { headers } = request;
    const asked = String(headers['x-request-id'] ?? headers['request-id'] ?? '');
    const id = asked === '' ? ports.requestId() : asked;
    reply.header('X-Influxdb-Version', options.version).header('X-Request-Id', id);
    reply.header('Request-Id', id);
    reply.header('Influxdb-Metaindex', ports.node.catalog.index);
    if (!isKnownMethod(request)) return reply.code(400).send();
    if (isClosing) return sendError(reply, 503, 'server closed');
  });
  if (options.access !== undefined) addMetaGate(api, ports, options.access);
  api.addHook('onSend', compress);
  const meta = { ports, options, turns: new NodeTurns() };
  addReads(api, meta);
  addChanges(api, meta);
  addMembershipRoutes(api, meta);
  addShardRoutes(api, meta);
  addUserRoutes(api, meta);
  addAuthorizedRoute(api, meta);
  addAclRoutes(api, meta);
  addLdapRoutes(api, meta);
  addBackupRoutes(api, meta);
  addCopyRoutes(api, meta);
  addPlanRoutes(api, meta);
  const { clock, profiler } = ports;
  if (profiler !== undefined)
    addPprof(api, { clock, profiler, pending, commandLine: process.argv });
  if (ports.secureSockets !== undefined) addSecureConnections(api, ports.secureSockets);
  api.setNotFoundHandler((_request, reply) => sendPlain(reply, 404, '404 page not found'));
  api.setErrorHandler((error, request, reply) => sendFailure(reply, request, { error, ports }));
  return api;
}

function isKnownMethod({ method, url }: FastifyRequest): boolean {
  return method === 'GET' || method === 'POST' || (method === 'DELETE' && url.startsWith(aclPath));
}

function addReads(api: FastifyInstance, { ports, options }: MetaApi): void {
  const { node } = ports;
  api.get('/ping', async (request, reply) => {
    const { leader } = node.status;
    reply.type('text/plain; charset=utf-8');
    if (parameter(request, 'all') === '') return reply.send(leader);
    const leaders = await Promise.allSettled(
      node.status.peers
        .filter((peer) => peer !== options.tcpAddress)
        .map((peer) => ports.rpc.call(peer, metaStatusMethod, {}, { deadlineMs: pingDeadlineMs })),
    );
    const agree = leaders.every((one) => one.status === 'fulfilled' && one.value.leader === leader);
    return agree ? reply.send(leader) : sendError(reply, 500, 'one or more metaservers not up');
  });
  api.get('/status', (_request, reply) => {
    const { leader, peers } = node.status;
    return sendJson(reply, {
      nodeType: 'meta',
      leader,
      httpAddr: options.httpAddress,
      raftAddr: options.tcpAddress,
      peers: node.isJoined ? peers : null,
    });
  });
  api.get('/peers', (_request, reply) => sendJson(reply, node.status.peers));
  api.get('/show-cluster', async (_request, reply) => {
    await settleRead(node);
    return sendJson(reply, clusterDocument(node.catalog, ports.announcements));
  });
}

function addChanges(api: FastifyInstance, meta: MetaApi): void {
  api.get('/lease', (request, reply) => serveLease(request, reply, meta));
  api.post('/join', async (request, reply) => {
    const address = parameter(request, 'addr');
    if (address === '') return sendError(reply, 400, 'addr is required');
    if (isElsewhere(request, reply, meta)) return reply;
    return sendJson(reply, await addMetaNode(address, meta));
  });
  api.post('/add-data', async (request, reply) => {
    const address = parameter(request, 'addr');
    if (address === '') return sendError(reply, 400, 'addr is required');
    if (!meta.ports.node.isJoined) {
      const text = 'data node failed to contact valid meta server in list []';
      return sendError(reply, 400, text);
    }
    if (isElsewhere(request, reply, meta)) return reply;
    const isPassive = parameter(request, 'passive') === 'true';
    const add = () => addDataNode(address, meta, { isPassive });
    return sendJson(reply, await meta.turns.run([address], add));
  });
}

/** Every answer that has a body, for a client that takes gzip (spec 3.1). */
async function compress(
  request: FastifyRequest,
  reply: FastifyReply,
  payload: unknown,
): Promise<unknown> {
  if (typeof payload !== 'string' || payload === '') return payload;
  if (!/\bgzip\b/.test(request.headers['accept-encoding'] ?? '')) return payload;
  reply.header('Content-Encoding', 'gzip').header('Vary', 'Accept-Encoding');
  reply.removeHeader('Content-Length');
  return promisify(gzip)(payload);
}

function sendFailure(
  reply: FastifyReply,
  request: FastifyRequest,
  { error, ports }: { readonly error: unknown; readonly ports: MetaApiPorts },
): FastifyReply {
  // What Fastify itself refuses: a body that is too long, an address that is no address.
  const { statusCode } = error as { readonly statusCode?: number };
  if (statusCode !== undefined && statusCode < 500)
    return sendError(reply, statusCode, errorText(error));
  if (!isDbError(error)) {
    const text = error instanceof Error ? (error.stack ?? error.message) : errorText(error);
    const url = shownAddress(request.url);
    ports.log.error('A request failed in a way nobody expected', { url, error: text });
    return sendError(reply, 500, errorText(error));
  }
  return sendError(reply, statusOf(error), error.message);
}

function statusOf({ code }: DbError): number {
  if (code === 'conflict') return 409;
  if (code === 'not_leader' || code === 'no_leader') return 503;
  const isWrong = ['invalid_argument', 'license_limit', 'node_not_found', 'shard_not_found', 'limit_exceeded']; // prettier-ignore
  return isWrong.includes(code) ? 400 : 500;
}
