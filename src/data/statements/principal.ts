import type { Permission } from '../../base/permission.ts';
import { rulesOf, type SeriesRules } from '../access/series-rules.ts';
import type { Catalog, User } from '../../meta/model/catalog.ts';
import { effectiveUser, holds } from '../../meta/model/permissions.ts';

/** What may be asked of one database. */
export type DatabasePrivilege = 'read' | 'write';

/** Who makes a request. */
export interface Principal {
  /** '' when nobody had to say who they are. */
  readonly name: string;
  readonly isAdmin: boolean;
  /** False where users have to say who they are and none has, since there is no admin yet. */
  readonly isKnown: boolean;
  readonly may: (privilege: DatabasePrivilege, database: string) => boolean;
  /** On a database, or on the whole cluster where it is ''. */
  readonly holds: (permission: Permission, database: string) => boolean;
  /** Whether there are restrictions that may count for them (spec F96). */
  readonly isBound: boolean;
  /** What these leave to them of a database; undefined where they take nothing. */
  readonly rules: (privilege: DatabasePrivilege, database: string) => SeriesRules | undefined;
}

const unbound = { isBound: false, rules: () => undefined } as const;

/** With `[http] auth-enabled = false` anyone may do anything, as with the reference. */
export const everyone: Principal = { name: '', isAdmin: true, isKnown: true, may: () => true, holds: () => true, ...unbound }; // prettier-ignore

/** With it, until there is an admin: may make the first one, and nothing else. */
export const nobody: Principal = { name: '', isAdmin: false, isKnown: false, may: () => false, holds: () => false, ...unbound }; // prettier-ignore

const granting: Readonly<Record<DatabasePrivilege, Permission>> = {
  read: 'ReadData',
  write: 'WriteData',
};

/** A user with what was granted to them and to their roles, less what is restricted; an admin may do anything. */
export function principalOf(
  user: User,
  { roles = [], acl }: Pick<Catalog, 'roles' | 'acl'> = {},
): Principal {
  const effective = effectiveUser(user, roles);
  const { name, isAdmin } = effective;
  const allowed = (permission: Permission, database: string): boolean => holds(effective, permission, database); // prettier-ignore
  const isBound = acl !== undefined && !isAdmin;
  const own = isBound ? roles.filter(({ users }) => users.includes(name)) : [];
  const ruled = { name, isAdmin, roles: own.map((role) => role.name) };
  return {
    ...{ name, isAdmin, isKnown: true, holds: allowed, isBound },
    may: (asked, database) => allowed(granting[asked], database),
    rules: (permission, database) => rulesOf(acl, ruled, { permission, database }),
  };
}

/** Whether somebody sees that a database is there: who may read or write it. */
export function sees({ may }: Principal, database: string): boolean {
  return may('read', database) || may('write', database);
}
