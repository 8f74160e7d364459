/** The users of a cluster, as both APIs know them again (spec 3.2, 4.0). */
import { DbError } from '../../base/errors.ts';
import type { Catalog, User } from '../../meta/model/catalog.ts';
import { effectiveUser } from '../../meta/model/permissions.ts';
import type { Credentials } from './credentials.ts';
import type { PasswordChecks } from './password-checks.ts';

type Known = Pick<Catalog, 'users' | 'roles'>;

/** Whether anybody could come in at all: until there is an admin nobody is asked who they are. */
export function hasAdmin({ users = [], roles }: Known): boolean {
  return users.some((user) => user.isAdmin || effectiveUser(user, roles).isAdmin);
}

/**
 * The user as the catalog has it once the password was checked, which may take seconds where many wait for that. Throws
 * `unauthenticated` with the reference's texts.
 */
export async function userOfPassword(
  { name, password }: Credentials & { readonly kind: 'password' },
  catalogOf: () => Known,
  passwords: PasswordChecks,
): Promise<User> {
  if (name === '') throw refused('username required');
  for (;;) {
    const user = findUser(catalogOf(), name);
    if (user === undefined || !(await passwords.isRight(user, password)))
      throw refused('authorization failed');
    const now = findUser(catalogOf(), name);
    if (now?.hash === user.hash) return now;
  }
}

/** The user whom a token has named. Throws `unauthenticated`. */
export function userNamed(catalog: Known, name: string): User {
  const user = findUser(catalog, name);
  if (user === undefined) throw refused('user not found');
  return user;
}

function findUser({ users = [] }: Known, name: string): User | undefined {
  return users.find((one) => one.name === name);
}

export function refused(text: string): DbError {
  return new DbError('unauthenticated', text);
}
