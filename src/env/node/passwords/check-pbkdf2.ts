/**
 * Passwords that an InfluxDB Enterprise with `password-hash` pbkdf2-sha256 or pbkdf2-sha512 has hashed (spec F102): the text
 * names the digest, the rounds, the salt and the key, in the form that passlib's schemes of these names have, whose defaults
 * (29,000 rounds, 16 bytes of salt) the reference's are.
 */
import { Buffer } from 'node:buffer';
import { pbkdf2, timingSafeEqual } from 'node:crypto';

const pattern = /^\$pbkdf2-(sha256|sha512)\$([1-9]\d{0,6})\$([./+A-Za-z0-9]{0,1366})\$([./+A-Za-z0-9]{1,1366})={0,2}$/; // prettier-ignore
/** A forged hash must not hold a core for minutes. */
const roundsMax = 2_000_000;
const keyBytes = { sha256: 32, sha512: 64 } as const;

interface ReadHash {
  readonly digest: 'sha256' | 'sha512';
  readonly rounds: number;
  readonly salt: Buffer;
  readonly key: Buffer;
}

/** Undefined for what is none that is worth a check. */
export function readPbkdf2(hash: string): ReadHash | undefined {
  const [, digest, rounds, salt = '', key = ''] = pattern.exec(hash) ?? [];
  if (digest !== 'sha256' && digest !== 'sha512') return undefined;
  const read = { digest, rounds: Number(rounds), salt: bytesOf(salt), key: bytesOf(key) } as const;
  return read.rounds <= roundsMax && read.key.length === keyBytes[digest] ? read : undefined;
}

export function checkPbkdf2(password: string, hash: ReadHash): Promise<boolean> {
  const { digest, rounds, salt, key } = hash;
  return new Promise((resolve, reject) => {
    pbkdf2(password, salt, rounds, key.length, digest, (error, made) => {
      if (error === null) resolve(timingSafeEqual(made, key));
      else reject(error);
    });
  });
}

/** Base64 with a dot where others have a plus. */
function bytesOf(text: string): Buffer {
  return Buffer.from(text.replaceAll('.', '+'), 'base64');
}
