/** A catalog with other rules of fine-grained authorization (acl.ts has what holds of them). */
import type { Acl } from './acl.ts';
import type { Catalog } from './catalog.ts';

/** Absent where there is no rule, so that a catalog without any is as it was. */
export function withAcl({ acl: _, ...catalog }: Catalog, acl: Acl): Catalog {
  const isEmpty = acl.restrictions.length === 0 && acl.grants.length === 0;
  return isEmpty ? catalog : { ...catalog, acl };
}

/** Without what was granted to a user, or a role, that goes. */
export function withoutGrantsOf(catalog: Catalog, of: 'users' | 'roles', name: string): Catalog {
  const { acl } = catalog;
  if (acl === undefined) return catalog;
  const grants = acl.grants
    .map((grant) =>
      grant[of].includes(name)
        ? { ...grant, [of]: grant[of].filter((one) => one !== name) }
        : grant,
    )
    .filter(({ users, roles }) => users.length + roles.length > 0);
  return withAcl(catalog, { ...acl, grants });
}
