import type { FastifyInstance, FastifyReply } from 'fastify';
import { DbError, isDbError } from '../../base/errors.ts';
import { newHash, type HashPorts } from '../../env/new-hash.ts';
import type { Command } from '../../meta/command/command.ts';
import type { Role, ScopedPermissions, User } from '../../meta/model/catalog.ts';
import { effectiveUser, permissionsOf } from '../../meta/model/permissions.ts';
import { ldapUserNamed } from '../access/ldap-access.ts';
import { sendError } from '../error-reply.ts';
import { changeUsers } from './change-users.ts';
import type { MetaApi } from './meta-api-options.ts';
import { sendRefusal } from './meta-gate.ts';
import { isElsewhere, parameter, sendJson, settleRead } from './meta-request.ts';
import { readRoleRequest, readUserRequest, type RoleRequest, type UserRequest } from './user-requests.ts'; // prettier-ignore

/** Users, roles and what they may do (spec F94, F95, 3.4). */
export function addUserRoutes(api: FastifyInstance, meta: MetaApi): void {
  const { node } = meta.ports;
  api.get('/user', async (request, reply) => {
    await settleRead(node);
    const name = parameter(request, 'name');
    if (name !== '' && meta.options.identities.ldap.isEnabled) return sendLdapUser(reply, name, meta); // prettier-ignore
    const found = named(node.catalog.users, name);
    if (found === undefined) return sendError(reply, 404, 'user not found');
    return sendJson(reply, found.length === 0 ? {} : { users: found.map(userDocument) });
  });
  api.get('/role', async (request, reply) => {
    await settleRead(node);
    const found = named(node.catalog.roles, parameter(request, 'name'));
    if (found === undefined) return sendError(reply, 404, 'role not found');
    return sendJson(reply, found.length === 0 ? {} : { roles: found.map(roleDocument) });
  });
  api.post('/user', async (request, reply) => {
    if (isElsewhere(request, reply, meta)) return reply;
    const command = await userCommand(readUserRequest(request.body), meta.ports);
    return change(reply, command, meta);
  });
  api.post('/role', async (request, reply) => {
    if (isElsewhere(request, reply, meta)) return reply;
    return change(reply, roleCommand(readRoleRequest(request.body)), meta);
  });
}

/** Without a hash, whereupon programs ask `/authorized` for the password; with what the roles of their groups let them. */
async function sendLdapUser(reply: FastifyReply, name: string, { ports, options }: MetaApi) {
  try {
    const { user, rights } = await ldapUserNamed(
      name,
      () => ports.node.catalog,
      options.identities.ldap,
    );
    const permissions = permissionsDocument(permissionsOf(effectiveUser(user, rights.roles)));
    return await sendJson(reply, { users: [{ name, ...permissions }] });
  } catch (error) {
    // Here nobody has shown a password that could be wrong.
    if (isDbError(error, 'unauthenticated')) return sendError(reply, 404, error.message);
    return sendRefusal(reply, error);
  }
}

/** All of them, or the one of a name; undefined when it is not there. */
function named<T extends { readonly name: string }>(
  all: readonly T[] = [],
  name: string,
): readonly T[] | undefined {
  if (name === '') return all;
  const found = all.filter((one) => one.name === name);
  return found.length === 0 ? undefined : found;
}

async function change(reply: FastifyReply, command: Command, meta: MetaApi) {
  const isDone = await changeUsers(reply, command, meta);
  return isDone ? reply.code(200).send() : reply;
}

async function userCommand(asked: UserRequest, ports: HashPorts): Promise<Command> {
  const { action, name, permissions } = asked;
  switch (action) {
    case 'create':
      return { kind: 'create-permitted-user', name, hash: await hashOf(asked, ports), permissions };
    case 'delete':
      return { kind: 'drop-user', name };
    case 'change-password':
      return { kind: 'set-user-hash', name, hash: await hashOf(asked, ports) };
    case 'add-permissions':
    case 'remove-permissions':
      return { kind: 'change-user-permissions', name, permissions, isGrant: action === 'add-permissions' }; // prettier-ignore
  }
  throw new DbError('invalid_argument', `invalid action: ${action}`);
}

async function hashOf({ password, hash }: UserRequest, ports: HashPorts): Promise<string> {
  if (hash !== '') return hash;
  if (password === '') throw new DbError('invalid_argument', 'password or hash required');
  return newHash(password, ports);
}

function roleCommand({ action, name, permissions, users }: RoleRequest): Command {
  switch (action) {
    case 'create':
      return { kind: 'create-role', name, permissions, users };
    case 'delete':
      return { kind: 'drop-role', name };
    case 'add-users':
    case 'remove-users':
      return { kind: 'change-role-users', name, users, isAdded: action === 'add-users' };
    case 'add-permissions':
    case 'remove-permissions':
      return { kind: 'change-role-permissions', name, permissions, isGrant: action === 'add-permissions' }; // prettier-ignore
  }
  throw new DbError('invalid_argument', `invalid action: ${action}`);
}

function userDocument(user: User): unknown {
  const { name, hash } = user;
  return { name, hash, ...permissionsDocument(permissionsOf(user)) };
}

function roleDocument({ name, permissions, users }: Role): unknown {
  return { name, ...permissionsDocument(permissions), ...(users.length > 0 && { users }) };
}

/** Left out where there are none. */
function permissionsDocument(all: readonly ScopedPermissions[]): object {
  if (all.length === 0) return {};
  return { permissions: Object.fromEntries(all.map(({ scope, permissions }) => [scope, permissions])) }; // prettier-ignore
}
