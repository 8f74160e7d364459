import { Buffer } from 'node:buffer';
import { scrypt, scryptSync, timingSafeEqual } from 'node:crypto';

/** scrypt's own defaults, which take 16 MiB and some 50 ms: what a guess of a password costs. */
const cost = { N: 16_384, r: 8, p: 1 } as const;
const keyBytes = 32;

/** `scrypt$N$r$p$salt$key`, base64: the hash says how it was made, so that the cost may grow. */
export async function hashPassword(password: string, salt: Uint8Array): Promise<string> {
  const key = await new Promise<Buffer>((resolve, reject) => {
    scrypt(password, salt, keyBytes, cost, (error, made) => {
      if (error === null) resolve(made);
      else reject(error);
    });
  });
  return hashText(salt, key);
}

/** The same on this thread: deterministic, for the simulation. */
export function hashPasswordSync(password: string, salt: Uint8Array): string {
  return hashText(salt, scryptSync(password, salt, keyBytes, cost));
}

/** The salt that a hash was made with; undefined where it is none of these. */
export function saltOf(hash: string): Uint8Array | undefined {
  const [kind, n, r, p, salt, key] = hash.split('$');
  const isOurs = kind === 'scrypt' && n === String(cost.N) && r === String(cost.r) && p === String(cost.p); // prettier-ignore
  return isOurs && salt !== undefined && key !== undefined
    ? Buffer.from(salt, 'base64')
    : undefined;
}

export function sameHash(left: string, right: string): boolean {
  const [a, b] = [Buffer.from(left), Buffer.from(right)];
  return a.length === b.length && timingSafeEqual(a, b);
}

function hashText(salt: Uint8Array, key: Uint8Array): string {
  const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
  return ['scrypt', cost.N, cost.r, cost.p, base64(salt), base64(key)].join('$');
}
