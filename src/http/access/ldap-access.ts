/** Users of LDAP servers, as both APIs know them: the texts are those of users of the cluster. */
import { DbError, isDbError } from '../../base/errors.ts';
import type { LdapIdentity } from '../../ldap/ask-servers.ts';
import { ldapUser } from '../../ldap/ldap-principal.ts';
import type { LdapUsers } from '../../ldap/ldap-users.ts';
import type { Catalog } from '../../meta/model/catalog.ts';
import type { Credentials } from './credentials.ts';
import { refused } from './users.ts';

type Known = Pick<Catalog, 'roles' | 'acl'>;
type Users = Pick<LdapUsers, 'authenticate' | 'identify'>;

/**
 * With the rights that the catalog gives once a server has said who it is, which may take seconds where one hangs. Throws
 * `unauthenticated`, and `unavailable` where no server says so.
 */
export async function ldapUserOfPassword(
  { name, password }: Credentials & { readonly kind: 'password' },
  catalogOf: () => Known,
  users: Users,
): Promise<ReturnType<typeof ldapUser>> {
  if (name === '') throw refused('username required');
  const identity = await answered(users.authenticate(name, password));
  if (identity === undefined) throw refused('authorization failed');
  return ldapUser(name, identity, catalogOf());
}

/** The user whom a token has named. Throws the same. */
export async function ldapUserNamed(
  name: string,
  catalogOf: () => Known,
  users: Users,
): Promise<ReturnType<typeof ldapUser>> {
  const identity = await answered(users.identify(name));
  if (identity === undefined) throw refused('user not found');
  return ldapUser(name, identity, catalogOf());
}

/** Clients are not told where the servers are. */
async function answered(
  asked: Promise<LdapIdentity | undefined>,
): Promise<LdapIdentity | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (!isDbError(error, 'unavailable')) throw error;
    throw new DbError('unavailable', 'no LDAP server answers', { cause: error });
  }
}
