/** Hashes of passwords, made by the scheme that is asked for, checked by the one that each was made by (spec F102). */
import type { PasswordToHash } from '../../jobs.ts';
import { isBcrypt, runBcrypt, toHash } from './bcrypt-hash.ts';
import type { BcryptThreads } from './bcrypt-threads.ts';
import { checkPbkdf2, checkPbkdf2Sync, hashPbkdf2, hashPbkdf2Sync, readPbkdf2 } from './pbkdf2-hash.ts'; // prettier-ignore
import { checkScrypt, checkScryptSync, readScrypt } from './scrypt-hash.ts';

export interface PasswordToCheck {
  readonly password: string;
  readonly hash: string;
}

/** Throws `invalid_argument` for a password that is too long for bcrypt. */
export async function hashPassword(asked: PasswordToHash, threads: BcryptThreads): Promise<string> {
  const { password, scheme, salt } = asked;
  if (scheme.kind === 'pbkdf2') return hashPbkdf2(password, scheme, salt);
  return String(await threads.run(toHash(password, scheme.cost, salt)));
}

export async function checkPassword(
  { password, hash }: PasswordToCheck,
  threads: BcryptThreads,
): Promise<boolean> {
  if (isBcrypt(hash)) return (await threads.run({ kind: 'check', password, hash })) === true;
  const pbkdf2 = readPbkdf2(hash);
  if (pbkdf2 !== undefined) return checkPbkdf2(password, pbkdf2);
  const scrypt = readScrypt(hash);
  return scrypt !== undefined && checkScrypt(password, scrypt);
}

/** The same on this thread: deterministic, for the simulation. */
export function hashPasswordSync({ password, scheme, salt }: PasswordToHash): string {
  if (scheme.kind === 'pbkdf2') return hashPbkdf2Sync(password, scheme, salt);
  return String(runBcrypt(toHash(password, scheme.cost, salt)));
}

/** The same on this thread, for the simulation. */
export function checkPasswordSync({ password, hash }: PasswordToCheck): boolean {
  if (isBcrypt(hash)) return runBcrypt({ kind: 'check', password, hash }) === true;
  const pbkdf2 = readPbkdf2(hash);
  if (pbkdf2 !== undefined) return checkPbkdf2Sync(password, pbkdf2);
  const scrypt = readScrypt(hash);
  return scrypt !== undefined && checkScryptSync(password, scrypt);
}
