/**
 * Who is who, for programs that keep no users of their own: Kapacitor with `[auth] meta-addr` asks a meta node for a user, and
 * where the answer has no hash, as of a user of an LDAP server, whether a password is theirs.
 */
import type { FastifyInstance } from 'fastify';
import { quoteGo } from '../../base/go-format.ts';
import { permissions, type Permission } from '../../base/permission.ts';
import type { Catalog, User } from '../../meta/model/catalog.ts';
import { effectiveUser, holds } from '../../meta/model/permissions.ts';
import { ldapUserOfPassword } from '../access/ldap-access.ts';
import { userOfPassword } from '../access/users.ts';
import { RequestParameters } from '../data/requests/request-parameters.ts';
import { sendError } from '../error-reply.ts';
import type { MetaApi } from './meta-api-options.ts';
import { sendRefusal, type MetaIdentities } from './meta-gate.ts';
import { parameter, settleRead } from './meta-request.ts';

/** `GET /authorized`: 200 if it is that user's password, who may do that; 401 and 403 if not. Its texts are ours. */
export function addAuthorizedRoute(api: FastifyInstance, meta: MetaApi): void {
  const { node } = meta.ports;
  api.get('/authorized', async (request, reply) => {
    const permission = parameter(request, 'permission');
    if (!isPermission(permission)) return sendError(reply, 400, `invalid permission: ${permission}`); // prettier-ignore
    // With the very bytes: were those that are no UTF-8 replaced, one password would be as good as another.
    const address = RequestParameters.ofUrl(request);
    const said = { kind: 'password', name: address.getOfUrl('name'), password: address.getOfUrl('password') } as const; // prettier-ignore
    await settleRead(node);
    try {
      const user = await userOf(said, node, meta.options.identities);
      if (permission === '' || permission === 'NoPermissions') return await reply.code(200).send();
      if (holds(user, permission, parameter(request, 'resource')))
        return await reply.code(200).send();
      return await sendError(reply, 403, `user ${quoteGo(user.name)} is not authorized`);
    } catch (error) {
      return sendRefusal(reply, error);
    }
  });
}

function isPermission(text: string): text is Permission | 'NoPermissions' | '' {
  return text === '' || text === 'NoPermissions' || permissions.some((one) => one === text);
}

/** With what their roles add. Throws `unauthenticated`. */
async function userOf(
  said: { readonly kind: 'password'; readonly name: string; readonly password: string },
  node: { readonly catalog: Catalog },
  { ldap, passwords }: MetaIdentities,
): Promise<User> {
  if (!ldap.isEnabled) {
    const user = await userOfPassword(said, () => node.catalog, passwords);
    return effectiveUser(user, node.catalog.roles);
  }
  const { user, rights } = await ldapUserOfPassword(said, () => node.catalog, ldap);
  return effectiveUser(user, rights.roles);
}
