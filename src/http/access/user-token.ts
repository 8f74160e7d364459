/**
 * A user's token (spec F88): a JWT that whoever has `[http] shared-secret` signs with HS256, HS384 or HS512, with a
 * `username` and an end. It is checked in the reference's order, the signature before all that it says, so that a token of
 * nobody tells nothing; texts are those of the reference and of its JWT library.
 */
import { Buffer } from 'node:buffer';
import { createHmac, timingSafeEqual } from 'node:crypto';
import { refused } from './users.ts';

const digests: Readonly<Record<string, string>> = {
  HS256: 'sha256',
  HS384: 'sha384',
  HS512: 'sha512',
};
/** What else the library has: methods with other keys than a secret. */
const otherMethods = /^(?:none|EdDSA|(?:RS|ES|PS)(?:256|384|512))$/;

export type Claims = Readonly<Record<string, unknown>>;

/** The user whom a token names; `nowS` is seconds since 1970. Throws `unauthenticated`. */
export function userOfToken(token: string, secret: string, nowS: number): string {
  const { username, exp } = claimsOfToken(token, () => secret, nowS);
  if (typeof exp !== 'number' || exp <= 0) throw refused('token expiration required');
  if (typeof username !== 'string') throw refused('username in token must be a string');
  if (username === '') throw refused('token must contain a username');
  return username.toWellFormed();
}

/** What a token says, signed with the secret that `secretOf` has for that, in its time. Throws `unauthenticated`. */
export function claimsOfToken(
  token: string,
  secretOf: (claims: Claims) => string,
  nowS: number,
): Claims {
  const [head = '', body = '', signature, ...more] = token.split('.', 4);
  if (signature === undefined || more.length > 0)
    throw refused('token contains an invalid number of segments');
  const { alg } = jsonOf(bytesOf(head));
  const claims = jsonOf(bytesOf(body));
  if (typeof alg !== 'string') throw refused('signing method (alg) is unspecified.');
  const digest = Object.hasOwn(digests, alg) ? digests[alg] : undefined;
  if (digest === undefined) {
    const isOther = otherMethods.test(alg);
    throw refused(isOther ? `unexpected signing method: ${alg}` : 'signing method (alg) is unavailable.'); // prettier-ignore
  }
  const secret = secretOf(claims);
  const expected = createHmac(digest, secret).update(`${head}.${body}`).digest();
  const given = bytesOf(signature);
  if (given.length !== expected.length || !timingSafeEqual(given, expected))
    throw refused('signature is invalid');
  checkTimes(claims, nowS);
  return claims;
}

/** The last thing that is wrong is told, as in the library. */
function checkTimes(claims: Claims, nowS: number): void {
  if (!holds(claims['nbf'], (fromS) => nowS >= fromS)) throw refused('Token is not valid yet');
  if (!holds(claims['iat'], (fromS) => nowS >= fromS)) throw refused('Token used before issued');
  if (!holds(claims['exp'], (endS) => nowS < endS)) throw refused('Token is expired');
}

/**
 * A time that is not given, or 0, asks for nothing; one that is no number never holds. One that no int64 has is the first of all times, as it
 * is in the library: a token that should end after the end of time has ended.
 */
function holds(claim: unknown, isRight: (timeS: number) => boolean): boolean {
  if (claim === undefined || claim === 0) return true;
  return typeof claim === 'number' && isRight(Math.abs(claim) < 2 ** 63 ? claim : -(2 ** 63));
}

function bytesOf(segment: string): Buffer {
  const wrong = /[^A-Za-z0-9_-]/.exec(segment)?.index;
  const cut = segment.length % 4 === 1 ? segment.length - 1 : undefined;
  const at = wrong ?? cut;
  if (at !== undefined) throw refused(`illegal base64 data at input byte ${at}`);
  return Buffer.from(segment, 'base64url');
}

function jsonOf(bytes: Buffer): Claims {
  try {
    const document: unknown = JSON.parse(bytes.toString('utf8'));
    // Go reads null as nothing that is said.
    if (document === null) return {};
    if (typeof document === 'object' && !Array.isArray(document)) return document as Claims;
  } catch {
    // Told below.
  }
  throw refused('token is malformed');
}
