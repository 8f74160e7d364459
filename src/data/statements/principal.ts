import type { Permission } from '../../base/permission.ts';
import type { Role, User } from '../../meta/model/catalog.ts';
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
}

/** With `[http] auth-enabled = false` anyone may do anything, as with the reference. */
export const everyone: Principal = { name: '', isAdmin: true, isKnown: true, may: () => true, holds: () => true }; // prettier-ignore

/** With it, until there is an admin: may make the first one, and nothing else. */
export const nobody: Principal = { name: '', isAdmin: false, isKnown: false, may: () => false, holds: () => false }; // prettier-ignore

const granting: Readonly<Record<DatabasePrivilege, Permission>> = {
  read: 'ReadData',
  write: 'WriteData',
};

/** A user with what was granted to them and to their roles; an admin may do anything. */
export function principalOf(user: User, roles: readonly Role[] = []): Principal {
  const effective = effectiveUser(user, roles);
  const { name, isAdmin } = effective;
  const allowed = (permission: Permission, database: string): boolean => holds(effective, permission, database); // prettier-ignore
  return { name, isAdmin, isKnown: true, may: (asked, database) => allowed(granting[asked], database), holds: allowed }; // prettier-ignore
}

/** Whether somebody sees that a database is there: who may read or write it. */
export function sees({ may }: Principal, database: string): boolean {
  return may('read', database) || may('write', database);
}
