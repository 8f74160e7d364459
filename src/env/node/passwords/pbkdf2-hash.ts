/**
 * Hashes of `password-hash` pbkdf2-sha256 and pbkdf2-sha512, as an InfluxDB Enterprise makes them (spec F102): the text names the digest, the rounds, the salt and the key, in the form that passlib's schemes of these names have, whose defaults
 * (29,000 rounds, 16 bytes of salt) the reference's are.
 */
import { Buffer } from 'node:buffer';
import { pbkdf2, pbkdf2Sync, timingSafeEqual } from 'node:crypto';
import { exactBytesOf } from '../../../base/exact-text.ts';
import { pbkdf2RoundsMax, type PasswordScheme } from '../../password-scheme.ts';

const pattern = /^\$pbkdf2-(sha256|sha512)\$([1-9]\d{0,6})\$([./+A-Za-z0-9]{0,1366})\$([./+A-Za-z0-9]{1,1366})={0,2}$/; // prettier-ignore
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
  return read.rounds <= pbkdf2RoundsMax && read.key.length === keyBytes[digest] ? read : undefined;
}

export async function checkPbkdf2(password: string, hash: ReadHash): Promise<boolean> {
  return timingSafeEqual(await keyOf(password, hash), hash.key);
}

/** The same on this thread, for the simulation. */
export function checkPbkdf2Sync(password: string, hash: ReadHash): boolean {
  return timingSafeEqual(keyOfSync(password, hash), hash.key);
}

type Pbkdf2Scheme = Extract<PasswordScheme, { kind: 'pbkdf2' }>;

export async function hashPbkdf2(
  password: string,
  { digest, rounds }: Pbkdf2Scheme,
  salt: Uint8Array,
): Promise<string> {
  return textOf({ digest, rounds, salt }, await keyOf(password, { digest, rounds, salt }));
}

/** The same on this thread, for the simulation. */
export function hashPbkdf2Sync(
  password: string,
  { digest, rounds }: Pbkdf2Scheme,
  salt: Uint8Array,
): string {
  return textOf({ digest, rounds, salt }, keyOfSync(password, { digest, rounds, salt }));
}

interface Made {
  readonly digest: 'sha256' | 'sha512';
  readonly rounds: number;
  readonly salt: Uint8Array;
}

function keyOf(password: string, { digest, rounds, salt }: Made): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    pbkdf2(exactBytesOf(password), salt, rounds, keyBytes[digest], digest, (error, made) => {
      if (error === null) resolve(made);
      else reject(error);
    });
  });
}

function keyOfSync(password: string, { digest, rounds, salt }: Made): Buffer {
  return pbkdf2Sync(exactBytesOf(password), salt, rounds, keyBytes[digest], digest);
}

function textOf({ digest, rounds, salt }: Made, key: Uint8Array): string {
  return ['', `pbkdf2-${digest}`, rounds, base64Of(salt), base64Of(key)].join('$');
}

/** Base64 with a dot where others have a plus, and without the filling. */
function base64Of(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64').replaceAll('+', '.').replace(/=+$/, '');
}

function bytesOf(text: string): Buffer {
  return Buffer.from(text.replaceAll('.', '+'), 'base64');
}
