/**
 * Hashes that releases before `password-hash` made of passwords: `scrypt$N$r$p$salt$key`, base64. They are checked, and made no
 * more.
 */
import { Buffer } from 'node:buffer';
import { scrypt, scryptSync, timingSafeEqual } from 'node:crypto';
import { exactBytesOf } from '../../../base/exact-text.ts';

const cost = { N: 16_384, r: 8, p: 1 } as const;
const keyBytes = 32;
const pattern = /^scrypt\$16384\$8\$1\$([A-Za-z0-9+/]{2,128}={0,2})\$([A-Za-z0-9+/]{43}=)$/;

export interface ScryptHash {
  readonly salt: Buffer;
  readonly key: Buffer;
}

/** Undefined for what is none of these. */
export function readScrypt(hash: string): ScryptHash | undefined {
  const [, salt, key] = pattern.exec(hash) ?? [];
  if (salt === undefined || key === undefined) return undefined;
  return { salt: Buffer.from(salt, 'base64'), key: Buffer.from(key, 'base64') };
}

export function checkScrypt(password: string, { salt, key }: ScryptHash): Promise<boolean> {
  return new Promise((resolve, reject) => {
    scrypt(exactBytesOf(password), salt, keyBytes, cost, (error, made) => {
      if (error === null) resolve(timingSafeEqual(made, key));
      else reject(error);
    });
  });
}

/** The same on this thread, for the simulation. */
export function checkScryptSync(password: string, { salt, key }: ScryptHash): boolean {
  return timingSafeEqual(scryptSync(exactBytesOf(password), salt, keyBytes, cost), key);
}
