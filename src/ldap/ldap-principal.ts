import type { Acl } from '../meta/model/acl.ts';
import type { Catalog, Role, User } from '../meta/model/catalog.ts';
import type { LdapIdentity } from './ask-servers.ts';

/**
 * A user of an LDAP server as one of the cluster, with the roles that are theirs: others of the cluster's facts say nothing of them,
 * whoever of that name there may be.
 */
export function ldapUser(
  name: string,
  { isAdmin, roles: names }: LdapIdentity,
  { roles = [], acl }: Pick<Catalog, 'roles' | 'acl'>,
): { readonly user: User; readonly rights: { readonly roles: readonly Role[]; readonly acl: Acl | undefined } } {
  const own = roles.filter((role) => names.includes(role.name));
  return {
    user: { name, hash: '', isAdmin, privileges: [] },
    rights: { roles: own.map((role) => ({ ...role, users: [name] })), acl: acl && ofRoles(acl) },
  };
} // prettier-ignore

const known = new WeakMap<Acl, Acl>();

/** Without what is granted to users by their names. */
function ofRoles(acl: Acl): Acl {
  const made = known.get(acl) ?? { ...acl, grants: acl.grants.map((grant) => ({ ...grant, users: [] })) }; // prettier-ignore
  known.set(acl, made);
  return made;
}
