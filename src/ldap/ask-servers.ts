/**
 * Who a user is, and what they may do, as LDAP servers say it.
 *
 * Invariants:
 * - A server that fails says nothing of a user: the next one is asked. One that refuses a password has the last word.
 * - A name that is not one entry's alone is nobody's.
 * - Values go into filters escaped, and '' is no password.
 */
import { DbError, errorText, isDbError } from '../base/errors.ts';
import type { Directory, DirectorySession } from '../env/directory.ts';
import { fillFilter } from './escape-filter.ts';
import type { LdapServer } from './ldap-settings.ts';

export interface LdapIdentity {
  readonly isAdmin: boolean;
  /** Of the cluster, whether they are there or not. */
  readonly roles: readonly string[];
}

export interface AskedUser {
  readonly name: string;
  /** Absent for a user who has shown by other means who they are. */
  readonly password?: string | undefined;
}

export interface AskServersPorts {
  readonly directory: Directory;
  /** How long one server may take. */
  readonly deadlineMs: number;
  /** Told step by step what is done, without passwords. */
  readonly tell?: ((line: string) => void) | undefined;
  /** What is known of the groups of a DN; undefined where it is to be asked. */
  readonly groupsOf?: ((server: LdapServer, dn: string) => readonly string[] | undefined) | undefined; // prettier-ignore
  readonly failed?: ((server: LdapServer) => void) | undefined;
}

export type LdapAnswer =
  | { readonly kind: 'known'; readonly identity: LdapIdentity }
  /** No server has such a user. */
  | { readonly kind: 'unknown' }
  /** It has another password, or may not come in. */
  | { readonly kind: 'refused' };

/** More groups than anybody is in. */
const groupsMax = 10_000;

/** Throws `unavailable` where a server that might know the user did not answer. */
export async function askServers(
  servers: readonly LdapServer[],
  asked: AskedUser,
  ports: AskServersPorts,
): Promise<LdapAnswer> {
  if (asked.name === '' || asked.password === '') return { kind: 'refused' };
  let failure: DbError | undefined;
  for (const server of servers) {
    try {
      const answer = await askServer(server, asked, ports);
      if (answer.kind !== 'unknown') return answer;
    } catch (error) {
      if (!isDbError(error)) throw error;
      failure = error;
      ports.failed?.(server);
      ports.tell?.(`${server.host}:${server.port} failed: ${errorText(error)}`);
    }
  }
  if (failure !== undefined) throw new DbError('unavailable', failure.message, { cause: failure }); // prettier-ignore
  return { kind: 'unknown' };
}

async function askServer(
  server: LdapServer,
  asked: AskedUser,
  ports: AskServersPorts,
): Promise<LdapAnswer> {
  const { tell } = ports;
  const session = await openSearching(server, ports);
  try {
    const dn = await findUser(session, server, { name: asked.name, tell });
    if (dn === undefined) return { kind: 'unknown' };
    const groups = ports.groupsOf?.(server, dn) ?? (await findGroups(session, server, dn));
    tell?.(`groups of the user: ${groups.length === 0 ? 'none' : groups.join(', ')}`);
    if (asked.password !== undefined && !(await session.bind(dn, asked.password))) {
      tell?.(`the server refuses the password of ${dn}`);
      return { kind: 'refused' };
    }
    if (asked.password !== undefined) tell?.(`the server takes the password of ${dn}`);
    const identity = identityOf(server, groups);
    tell?.(`admin: ${identity.isAdmin ? 'yes' : 'no'}; roles: ${identity.roles.length === 0 ? 'none' : identity.roles.join(', ')}`); // prettier-ignore
    return { kind: 'known', identity };
  } finally {
    session.close();
  }
}

/** A session that may search. Throws `unavailable` where the server does not take who is to do it. */
export async function openSearching(
  server: LdapServer,
  { directory, deadlineMs, tell }: Pick<AskServersPorts, 'directory' | 'deadlineMs' | 'tell'>,
): Promise<DirectorySession> {
  const { host, port, security, bindDn, bindPassword } = server;
  const session = await directory.connect(server, deadlineMs);
  try {
    tell?.(`connected to ${host}:${port}, security ${security}`);
    if (bindDn === '') return session;
    if (!(await session.bind(bindDn, bindPassword)))
      throw new DbError('unavailable', `${host}:${port} refuses bind-dn ${bindDn}`);
    tell?.(`bound as ${bindDn}`);
    return session;
  } catch (error) {
    session.close();
    throw error;
  }
}

async function findUser(
  session: DirectorySession,
  { userBases, userFilter }: LdapServer,
  { name, tell }: { readonly name: string; readonly tell: AskServersPorts['tell'] },
): Promise<string | undefined> {
  const filter = fillFilter(userFilter, name);
  const found = new Set<string>();
  for (const base of userBases) {
    const entries = await session.search(base, { filter, attribute: undefined, entriesMax: 2 });
    tell?.(`search for ${filter} in ${base}: ${entries.length === 0 ? 'nothing' : entries.map(({ dn }) => dn).join('; ')}`); // prettier-ignore
    for (const { dn } of entries) found.add(dn);
  }
  if (found.size > 1) tell?.('more than one entry has that name: it is nobody');
  const [dn] = found;
  return found.size === 1 ? dn : undefined;
}

export async function findGroups(
  session: DirectorySession,
  { groupBases, membershipFilter, groupAttribute: attribute }: LdapServer,
  dn: string,
): Promise<readonly string[]> {
  if (membershipFilter === '') return [];
  const filter = fillFilter(membershipFilter, dn);
  const groups = new Set<string>();
  for (const base of groupBases)
    for (const { values } of await session.search(base, {
      filter,
      attribute,
      entriesMax: groupsMax,
    }))
      // prettier-ignore
      for (const group of values) groups.add(group);
  return [...groups];
}

function identityOf(
  { adminGroups, mappings }: LdapServer,
  groups: readonly string[],
): LdapIdentity {
  const isIn = (group: string): boolean => groups.includes(group);
  const roles = mappings.filter(({ group }) => isIn(group)).map(({ role }) => role);
  return { isAdmin: adminGroups.some(isIn), roles: [...new Set(roles)] };
}
