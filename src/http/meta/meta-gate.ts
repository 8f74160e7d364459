/**
 * Who may come in at a meta node (spec 3.2, F90, F91), where `[meta] auth-enabled`: users of the cluster, and its nodes by the
 * secret that they share.
 *
 * Invariants:
 * - It fails closed: what is not known to ask nothing but a user's name is for admins.
 * - A token that goes to an address that somebody has typed opens `/status`, and nothing else.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { DbError, errorText, isDbError } from '../../base/errors.ts';
import { secondNs } from '../../base/units.ts';
import type { Clock } from '../../env/clock.ts';
import type { Log } from '../../env/log.ts';
import type { Permission } from '../../base/permission.ts';
import type { Catalog, User } from '../../meta/model/catalog.ts';
import { effectiveUser, holds } from '../../meta/model/permissions.ts';
import { checkToken } from '../../rpc/json-web-token.ts';
import { credentialsOf } from '../access/credentials.ts';
import type { PasswordChecks } from '../access/password-checks.ts';
import { claimsOfToken, type Claims } from '../access/user-token.ts';
import { ldapUserNamed, ldapUserOfPassword } from '../access/ldap-access.ts';
import { hasAdmin, refused, userNamed, userOfPassword } from '../access/users.ts';
import type { ldapUser } from '../../ldap/ldap-principal.ts';
import type { LdapUsers } from '../../ldap/ldap-users.ts';
import { errorStatus, sendError, writeJsonError } from '../error-reply.ts';
import { pathOf } from '../data/requests/request-parameters.ts';

/** How users are known by their passwords. */
export interface MetaIdentities {
  /** Who users are where an LDAP configuration is enabled. */
  readonly ldap: Pick<LdapUsers, 'isEnabled' | 'authenticate' | 'identify'>;
  readonly passwords: PasswordChecks;
}

export interface MetaAccess extends MetaIdentities {
  /** Of tokens of users; '' where there are none. */
  readonly sharedSecret: string;
  /** Of tokens of nodes; never ''. */
  readonly internalSecret: string;
}

export interface MetaGatePorts {
  readonly clock: Clock;
  readonly log: Log;
  readonly node: { readonly catalog: Pick<Catalog, 'users' | 'roles'> };
}

const noAdminText = 'must create admin user first';
/** What any user may look at; all else makes, changes or shows what is for admins. */
const forUsers = new Set(['/', '/ping', '/lease', '/peers', '/status', '/show-cluster', '/show-shards', '/copy-shard-status', '/rebalance', '/ldap/v1/config']); // prettier-ignore

/** What users may change who are no admins, by what lets them (spec 3.4). */
const permitted: ReadonlyMap<string, Permission> = new Map([
  ...['/join', '/leave', '/remove', '/add-data', '/remove-data', '/update-data', '/node-labels', '/decommission', '/replace-data'].map((path) => [path, 'AddRemoveNode'] as const), // prettier-ignore
  ...['/user', '/role', '/authorized'].map((path) => [path, 'CreateUserAndRole'] as const),
  ...['/copy-shard', '/kill-copy-shard'].map((path) => [path, 'CopyShard'] as const),
  ...['/remove-shard', '/truncate-shards'].map((path) => [path, 'ManageShard'] as const),
  ['/rebalance', 'Rebalance'],
]);

interface Asker {
  /** '' for a node. */
  readonly name: string;
  readonly isAdmin: boolean;
  readonly holds: (permission: Permission) => boolean;
}

export function addMetaGate(api: FastifyInstance, ports: MetaGatePorts, access: MetaAccess): void {
  api.addHook('onRequest', async (request, reply) => {
    const path = pathOf(request);
    // As in the reference: profiles have a switch of their own.
    if (path === '/debug/pprof' || path.startsWith('/debug/pprof/')) return;
    try {
      const { name, isAdmin, holds } = await askerOf(request, ports, access);
      if (isAdmin || (request.method === 'GET' && forUsers.has(path))) return;
      const permission = permitted.get(path);
      if (permission !== undefined && holds(permission)) return;
      ports.log.info('Unauthorized request', { user: name, path });
      return await sendError(reply, 403, 'error authorizing admin access');
    } catch (error) {
      return await sendRefusal(reply, error);
    }
  });
}

/** An error as its status and text; one of the code's own is thrown on. */
export async function sendRefusal(reply: FastifyReply, error: unknown): Promise<FastifyReply> {
  if (!isDbError(error)) throw error;
  const { code, message } = error;
  if (code !== 'unauthenticated') return sendError(reply, errorStatus[code], message);
  reply.header('WWW-Authenticate', 'Basic realm="InfluxDB"').code(401);
  return reply.type('application/json').send(writeJsonError(message));
}

/** Throws `unauthenticated` with the reference's texts, `invalid_argument` while there is no admin. */
async function askerOf(
  request: FastifyRequest,
  ports: MetaGatePorts,
  access: MetaAccess,
): Promise<Asker> {
  const catalogOf = () => ports.node.catalog;
  const credentials = credentialsOf(request);
  const nowS = Number(ports.clock.wallNs() / secondNs);
  // Nodes first: without them there would be no cluster in which to make an admin.
  if (credentials?.kind === 'bearer' && isOfNode(credentials.token)) {
    checkNode(credentials.token, { path: pathOf(request), secret: access.internalSecret, nowS });
    return { name: '', isAdmin: true, holds: () => true };
  }
  const { ldap } = access;
  if (!ldap.isEnabled && !hasAdmin(catalogOf())) throw new DbError('invalid_argument', noAdminText);
  if (credentials === undefined) throw refused('unable to parse authentication credentials');
  if (credentials.kind === 'password') {
    if (ldap.isEnabled) return askerOfLdap(await ldapUserOfPassword(credentials, catalogOf, ldap));
    const user = await userOfPassword(credentials, catalogOf, access.passwords);
    return askerNamed(user, catalogOf());
  }
  const claims = claimsOfToken(credentials.token, (said) => secretOfUsers(said, access), nowS);
  const name = String(claims['username']);
  if (ldap.isEnabled) return askerOfLdap(await ldapUserNamed(name, catalogOf, ldap));
  return askerNamed(userNamed(catalogOf(), name), catalogOf());
}

function askerOfLdap({ user, rights }: ReturnType<typeof ldapUser>): Asker {
  return askerNamed(user, rights);
}

function askerNamed(user: User, { roles }: Pick<Catalog, 'roles'>): Asker {
  const effective = effectiveUser(user, roles);
  const { name, isAdmin } = effective;
  return { name, isAdmin, holds: (permission) => holds(effective, permission, '') };
}

/** Whether a token says that it is of a node; whether that is so is still to be seen. */
function isOfNode(token: string): boolean {
  try {
    const text = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8');
    return (JSON.parse(text) as Claims | null)?.['username'] === '';
  } catch {
    return false;
  }
}

function checkNode(
  token: string,
  { path, secret, nowS }: { readonly path: string; readonly secret: string; readonly nowS: number },
): void {
  const uses = path === '/status' ? (['member', 'join'] as const) : (['member'] as const);
  const refusals = uses.flatMap((use) => {
    try {
      checkToken(token, { secret, use, nowS });
      return [];
    } catch (error) {
      return [error];
    }
  });
  // Without whose token it is, as the reference says it.
  if (refusals.length === uses.length) throw refused(errorText(refusals[0]).replace(/^internal token: /, '')); // prettier-ignore
}

/** A token of a user needs no end here, other than at a data node. Throws before it looks at the signature, as the reference. */
function secretOfUsers({ username }: Claims, { sharedSecret }: MetaAccess): string {
  if (typeof username !== 'string') throw refused('username in token must be a string');
  if (sharedSecret === '') throw refused('bearer auth disabled');
  return sharedSecret;
}
