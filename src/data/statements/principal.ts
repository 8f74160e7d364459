import type { GrantedPrivilege, User } from '../../meta/model/catalog.ts';

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
}

/** With `[http] auth-enabled = false` anyone may do anything, as with the reference. */
export const everyone: Principal = { name: '', isAdmin: true, isKnown: true, may: () => true };

/** With it, until there is an admin: may make the first one, and nothing else. */
export const nobody: Principal = { name: '', isAdmin: false, isKnown: false, may: () => false };

const granting: Readonly<Record<DatabasePrivilege, GrantedPrivilege>> = {
  read: 'READ',
  write: 'WRITE',
};

/** A user with what was granted to them; an admin may do anything. */
export function principalOf({ name, isAdmin, privileges }: User): Principal {
  return {
    name,
    isAdmin,
    isKnown: true,
    may: (asked, database) => {
      if (isAdmin) return true;
      const granted = privileges.find((one) => one.database === database)?.privilege;
      return granted === 'ALL PRIVILEGES' || granted === granting[asked];
    },
  };
}

/** Whether somebody sees that a database is there: who may read or write it. */
export function sees({ may }: Principal, database: string): boolean {
  return may('read', database) || may('write', database);
}
