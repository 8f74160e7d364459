import { expect, test } from 'vitest';
import type { User } from '../../meta/model/catalog.ts';
import { PasswordChecks } from './password-checks.ts';
import { userOfPassword } from './users.ts';

const said = { kind: 'password', name: 'u', password: 'p' } as const;

/** Asks with password `p` while the user becomes each of `changes` in turn, one during each check. */
async function ask(...changes: readonly (Partial<User> | undefined)[]): Promise<User | string> {
  const first: User = { name: 'u', hash: 'hash of p', isAdmin: true, privileges: [] };
  let users: readonly User[] = [first];
  const left = [...changes];
  const run = (_kind: string, { password, hash }: { password: string; hash: string }) => {
    if (left.length > 0) {
      const change = left.shift();
      users = change === undefined ? [] : [{ ...first, ...change }];
    }
    return Promise.resolve(hash.startsWith(`hash of ${password}`));
  };
  const jobs = { run, close: () => Promise.resolve() };
  const passwords = new PasswordChecks(jobs as never, { u32: () => 1, f64: () => 0 } as never);
  try {
    return await userOfPassword(said, () => ({ users, roles: [] }), passwords);
  } catch (error) {
    return (error as Error).message;
  }
}

test('users: what has changed while a password was checked counts', async () => {
  const isRefused = 'authorization failed';
  expect(await ask()).toMatchObject({ isAdmin: true });
  expect(await ask({ isAdmin: false })).toMatchObject({ isAdmin: false });
  expect(await ask(undefined)).toBe(isRefused);
  expect(await ask({ hash: 'hash of another' })).toBe(isRefused);
  // Dropped, and made again with the same password.
  expect(await ask({ hash: 'hash of p, salted again' })).toMatchObject({ hash: 'hash of p, salted again' }); // prettier-ignore
});
