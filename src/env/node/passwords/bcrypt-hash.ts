/** Hashes of bcrypt, the reference's default (spec F102): `$2a$COST$`, 22 characters of salt, 31 of the key. */
import { Buffer } from 'node:buffer';
import { compareSync, encodeBase64, hashSync } from 'bcryptjs';
import { DbError } from '../../../base/errors.ts';
import { bcryptCostMax } from '../../password-scheme.ts';

const hashPattern = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/;
/** What comes behind would not count; the reference refuses it, with this text. */
const passwordBytesMax = 72;
const tooLongText = `bcrypt: password length exceeds ${passwordBytesMax} bytes`;

export type BcryptTask =
  | { readonly kind: 'check'; readonly password: string; readonly hash: string }
  | { readonly kind: 'hash'; readonly password: string; readonly salt: string };

/** Whether it is a bcrypt hash that is worth a check. */
export function isBcrypt(hash: string): boolean {
  const [, cost] = hashPattern.exec(hash) ?? [];
  return cost !== undefined && Number(cost) >= 4 && Number(cost) <= bcryptCostMax;
}

/** `salt` has 16 bytes. Throws `invalid_argument` with the reference's text for a password that is too long. */
export function toHash(password: string, cost: number, salt: Uint8Array): BcryptTask {
  if (Buffer.byteLength(password) > passwordBytesMax)
    throw new DbError('invalid_argument', tooLongText);
  const head = `$2a$${String(cost).padStart(2, '0')}$`;
  return { kind: 'hash', password, salt: `${head}${encodeBase64(salt, salt.length)}` };
}

/** Some tenths of a second of arithmetic. */
export function runBcrypt(task: BcryptTask): boolean | string {
  if (task.kind === 'hash') return hashSync(task.password, task.salt);
  return compareSync(task.password, task.hash);
}
