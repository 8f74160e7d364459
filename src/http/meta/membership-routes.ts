import { parseWellFormed } from '../../base/well-formed-json.ts';
import type { FastifyInstance } from 'fastify';
import type { Announcement } from '../../meta/client/meta-methods.ts';
import { sendError } from '../error-reply.ts';
import { changeLabels, removeDataNode, removeMetaNode, updateDataNode } from './change-nodes.ts';
import type { MetaApi } from './meta-api-options.ts';
import { isElsewhere, parameter, sendJson } from './meta-request.ts';

/** Nodes that go, move and are labelled, and what they tell of themselves (spec 3.3). */
export function addMembershipRoutes(api: FastifyInstance, meta: MetaApi): void {
  const { node, announcements } = meta.ports;
  api.post('/leave', async (_request, reply) => {
    if (!node.isJoined) return sendError(reply, 503, 'no leader');
    await node.leave();
    return reply.code(204).send();
  });
  api.post('/remove', async (request, reply) => {
    const address = parameter(request, 'httpAddr');
    if (address === '') return sendError(reply, 400, 'httpAddr is required');
    if (isElsewhere(request, reply, meta)) return reply;
    const isForced = parameter(request, 'force') === 'true';
    const tcpAddress = parameter(request, 'tcpAddr');
    await removeMetaNode(address, { isForced, tcpAddress }, meta);
    return reply.code(204).send();
  });
  api.post('/remove-data', async (request, reply) => {
    const address = parameter(request, 'addr');
    if (address === '') return sendError(reply, 400, 'addr is required');
    if (isElsewhere(request, reply, meta)) return reply;
    const isForced = parameter(request, 'force') === 'true';
    await meta.turns.run([address], () => removeDataNode(address, isForced, meta));
    return reply.code(204).send();
  });
  api.post('/update-data', async (request, reply) => {
    const [oldAddress, newAddress] = [parameter(request, 'oldAddr'), parameter(request, 'newAddr')];
    if (oldAddress === '') return sendError(reply, 400, 'oldAddr is required');
    if (newAddress === '') return sendError(reply, 400, 'newAddr is required');
    if (isElsewhere(request, reply, meta)) return reply;
    const update = () => updateDataNode(oldAddress, newAddress, meta);
    return sendJson(reply, await meta.turns.run([oldAddress, newAddress], update));
  });
  api.post('/node-labels', async (request, reply) => {
    const nodeId = parameter(request, 'nodeid');
    if (!/^\d{1,15}$/.test(nodeId)) return sendError(reply, 400, 'invalid node ID');
    if (isElsewhere(request, reply, meta)) return reply;
    const [action, labels] = [parameter(request, 'action'), parameter(request, 'labels')];
    await changeLabels(Number(nodeId), { action, labels }, meta);
    return reply.code(204).send();
  });
  api.post('/announce', (request, reply) => {
    const announcement = parsedAnnouncement(request.body);
    if (announcement === undefined) return sendError(reply, 400, 'invalid announcement');
    announcements.note(announcement);
    return reply.code(204).send();
  });
}

/** Undefined for what is none; fields that this release does not use are left aside. */
function parsedAnnouncement(body: unknown): Announcement | undefined {
  let given: unknown;
  try {
    given = typeof body === 'string' ? parseWellFormed(body) : undefined;
  } catch {
    return undefined;
  }
  if (typeof given !== 'object' || given === null) return undefined;
  const { tcpAddr, version, httpScheme } = given as Partial<Record<string, unknown>>;
  if (typeof tcpAddr !== 'string' || tcpAddr === '' || typeof version !== 'string')
    return undefined;
  const isSecure = httpScheme === 'https';
  return { tcpAddress: tcpAddr, version, ...(isSecure && { httpScheme }) };
}
