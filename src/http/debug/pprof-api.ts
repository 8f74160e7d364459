import fastify, { type FastifyInstance } from 'fastify';
import { sendPlain } from '../error-reply.ts';
import { noSchemas } from '../no-schemas.ts';
import { PendingRequests } from './pending-requests.ts';
import { addPprof } from './pprof-routes.ts';
import type { ProfilePorts } from './profile-files.ts';

/** `/debug/pprof` alone, for whoever is on this machine: it is there while a node still starts. The caller listens and closes. */
export function createPprofApi(ports: Pick<ProfilePorts, 'clock' | 'profiler'>): FastifyInstance {
  const api = fastify({ schemaController: noSchemas, forceCloseConnections: true });
  const pending = new PendingRequests();
  pending.follow(api);
  addPprof(api, { ...ports, pending, commandLine: process.argv });
  api.setNotFoundHandler((_request, reply) => sendPlain(reply, 404, '404 page not found'));
  return api;
}
