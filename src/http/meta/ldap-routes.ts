import type { FastifyInstance } from 'fastify';
import { errorText } from '../../base/errors.ts';
import { ldapCacheMethod, type CacheAction } from '../../ldap/ldap-methods.ts';
import { parseLdapSettings } from '../../ldap/ldap-settings.ts';
import { sendError } from '../error-reply.ts';
import { changeUsers } from './change-users.ts';
import type { MetaApi } from './meta-api-options.ts';
import { isElsewhere, parameter, sendJson, settleRead } from './meta-request.ts';

const nodeDeadlineMs = 5_000;

/** The LDAP configuration of the cluster, and what its data nodes remember of users (spec F97). Ours: the reference's are not known. */
export function addLdapRoutes(api: FastifyInstance, meta: MetaApi): void {
  const { node } = meta.ports;
  api.get('/ldap/config', async (_request, reply) => {
    await settleRead(node);
    const { ldap } = node.catalog;
    if (ldap === undefined) return sendError(reply, 404, 'no LDAP configuration is set');
    return sendJson(reply, { config: ldap });
  });
  api.post('/ldap/config', async (request, reply) => {
    const text = parameter(request, 'config');
    const { isEnabled } = parseLdapSettings(text);
    if (isEnabled && meta.options.allowsLdap !== true)
      return sendError(reply, 400, 'LDAP is not allowed: set [meta] ldap-allowed = true on all meta nodes'); // prettier-ignore
    if (isElsewhere(request, reply, meta)) return reply;
    const isDone = await changeUsers(reply, { kind: 'set-ldap-config', text }, meta);
    return isDone ? sendJson(reply, { enabled: isEnabled }) : reply;
  });
  // Chronograf asks whether users are made elsewhere, and reads no more than that.
  api.get('/ldap/v1/config', async (_request, reply) => {
    await settleRead(node);
    return sendJson(reply, { structured: { enabled: meta.options.identities.ldap.isEnabled } });
  });
  for (const action of ['purge', 'warm', 'cancel', 'status'] as const)
    api[action === 'status' ? 'get' : 'post'](`/ldap/cache/${action}`, async (_request, reply) => {
      await settleRead(node);
      return sendJson(reply, { nodes: await askNodes(action, meta) });
    });
}

/** What each data node answers, or why it does not. */
function askNodes(action: CacheAction, { ports: { node, rpc } }: MetaApi): Promise<unknown[]> {
  return Promise.all(
    node.catalog.dataNodes.map(async ({ tcpAddress: tcpAddr }) => {
      try {
        const options = { deadlineMs: nodeDeadlineMs };
        const status = await rpc.call(tcpAddr, ldapCacheMethod, { action }, options);
        return { tcpAddr, ...status };
      } catch (error) {
        return { tcpAddr, failure: errorText(error) };
      }
    }),
  );
}
