/**
 * Brings the groups of users before they come: the members of those groups that count, and then all groups of each member, asked for as
 * at a login. What the list of a group says of its members is not all: groups are in groups, and long lists come in parts.
 */
import type { Directory, DirectorySession } from '../env/directory.ts';
import { findGroups, openSearching } from './ask-servers.ts';
import { fillFilter } from './escape-filter.ts';
import type { LdapServer } from './ldap-settings.ts';

const membersMax = 10_000;
const groupEntriesMax = 100;
/** A session has a deadline: so many members share one. */
const membersPerSession = 100;

export interface WarmPorts {
  readonly directory: Directory;
  readonly deadlineMs: number;
  readonly signal: AbortSignal;
  /** Told of each member. */
  readonly keep: (dn: string, groups: readonly string[]) => void;
  readonly found: (memberCount: number) => void;
}

/** Throws `unavailable` for the server, and the signal's reason. */
export async function warmGroups(server: LdapServer, ports: WarmPorts): Promise<void> {
  const members = await inSession(server, ports, (session) => membersOf(server, session, ports.signal)); // prettier-ignore
  ports.found(members.length);
  for (let at = 0; at < members.length; at += membersPerSession)
    await inSession(server, ports, async (session) => {
      for (const dn of members.slice(at, at + membersPerSession)) {
        ports.signal.throwIfAborted();
        ports.keep(dn, await findGroups(session, server, dn));
      }
    });
}

/** Those that make admins or have a role; none where the settings do not say how to ask for their members. */
function countingGroups({ adminGroups, mappings, groupFilter, memberAttribute }: LdapServer): readonly string[] {
  if (groupFilter === '' || memberAttribute === '') return [];
  return [...new Set([...adminGroups, ...mappings.map(({ group }) => group)])];
} // prettier-ignore

async function membersOf(
  server: LdapServer,
  session: DirectorySession,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const { groupBases, groupFilter, memberAttribute: attribute } = server;
  const members = new Set<string>();
  for (const group of countingGroups(server)) {
    const filter = fillFilter(groupFilter, group);
    for (const base of groupBases) {
      signal.throwIfAborted();
      const found = await session.search(base, { filter, attribute, entriesMax: groupEntriesMax });
      for (const dn of found.flatMap(({ values }) => values)) if (members.size < membersMax) members.add(dn); // prettier-ignore
    }
  }
  return [...members];
}

async function inSession<T>(
  server: LdapServer,
  ports: WarmPorts,
  work: (session: DirectorySession) => Promise<T>,
): Promise<T> {
  const session = await openSearching(server, ports);
  try {
    return await work(session);
  } finally {
    session.close();
  }
}

/** The same for DNs that differ in case, or in spaces about their parts, alone. */
export function dnKey(dn: string): string {
  return dn.toLowerCase().replaceAll(/\s*([,=+])\s*/g, '$1');
}
