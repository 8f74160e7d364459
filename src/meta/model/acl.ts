/**
 * Fine-grained authorization (spec F96): restrictions take reading or writing of databases, measurements and series from all who are
 * no admins, and grants give it back to some.
 *
 * Invariants:
 * - A rule never changes: it is made and taken away.
 * - A grant is of a user or a role that is there: one that goes takes its grants along, so that nobody who gets the name has them.
 * - Rules name databases that need not be there: a database that is made anew is restricted as the one before.
 */
export const aclPermissions = ['read', 'write'] as const;
export type AclPermission = (typeof aclPermissions)[number];

export const textMatches = ['exact', 'prefix'] as const;

/** Texts that are `value`, or begin with it. */
export interface TextMatch {
  readonly match: (typeof textMatches)[number];
  readonly value: string;
}

/** Series with a tag whose value matches; one without the tag never does. */
export interface TagMatch extends TextMatch {
  readonly key: string;
}

export interface AclRule {
  /** Random, 16 hexadecimal digits. */
  readonly id: string;
  readonly database: TextMatch;
  /** Absent for all of the database. */
  readonly measurement?: TextMatch | undefined;
  /** All of them have to match. */
  readonly tags: readonly TagMatch[];
  /** One at least. */
  readonly permissions: readonly AclPermission[];
}

export interface AclGrant extends AclRule {
  readonly users: readonly string[];
  readonly roles: readonly string[];
}

export interface Acl {
  readonly restrictions: readonly AclRule[];
  readonly grants: readonly AclGrant[];
}

export type AclKind = 'restriction' | 'grant';

export const noAcl: Acl = { restrictions: [], grants: [] };
