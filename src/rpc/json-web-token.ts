/**
 * The token by which nodes of a cluster know each other (spec F91): a JWT, HS512 over the shared secret, with an empty
 * user and an end. A token says nothing of who sent it or of what was asked: it is as good as the secret until it ends.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { DbError } from '../base/errors.ts';

/** Seconds that a token lives (spec F91). */
const lifetimeS = 300;
/** Seconds by which the clocks of two nodes may differ. */
const skewS = 60;
const tokenLengthMax = 1_024;
const header = encodePart({ alg: 'HS512', typ: 'JWT' });

/**
 * What a token is good for: all that members do, or no more than to ask a node to join. The latter goes to addresses that
 * somebody has typed, so it must be of no use to who listens there.
 */
export type TokenUse = 'member' | 'join';

export function signToken(secret: string, use: TokenUse, nowS: number): string {
  const claims = { username: '', exp: nowS + lifetimeS, ...(use === 'join' && { use }) };
  const signed = `${header}.${encodePart(claims)}`;
  return `${signed}.${signatureOf(secret, signed).toString('base64url')}`;
}

/** Gives the second since 1970 after which the token is worth nothing. Throws `unauthenticated`. */
export function checkToken(
  token: string,
  { secret, use, nowS }: { readonly secret: string; readonly use: TokenUse; readonly nowS: number },
): number {
  const [head = '', claims = '', signature = '', ...more] = token.slice(0, tokenLengthMax).split('.'); // prettier-ignore
  if (token.length > tokenLengthMax || more.length > 0) throw refused('it is malformed');
  const expected = signatureOf(secret, `${head}.${claims}`);
  const shown = Buffer.from(signature, 'base64url');
  if (shown.length !== expected.length || !timingSafeEqual(shown, expected))
    throw refused('signature is invalid');
  // From here on it was made by one who has the secret.
  if (decodePart(head)['alg'] !== 'HS512') throw refused('its algorithm is not HS512');
  const { username, exp, use: given = 'member' } = decodePart(claims);
  if (given !== use) throw refused('it is for another use');
  if (username !== '') throw refused('it is of a user, not of a node');
  if (typeof exp !== 'number' || !Number.isFinite(exp)) throw refused('it has no end');
  if (exp + skewS < nowS) throw refused('it has expired');
  if (exp > nowS + lifetimeS + skewS) throw refused('it lives longer than is allowed');
  return exp + skewS;
}

function signatureOf(secret: string, text: string): Buffer {
  return createHmac('sha512', secret).update(text).digest();
}

function encodePart(part: unknown): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}

function decodePart(text: string): Readonly<Record<string, unknown>> {
  try {
    const part: unknown = JSON.parse(Buffer.from(text, 'base64url').toString());
    if (typeof part === 'object' && part !== null) return part as Record<string, unknown>;
  } catch {
    // Told below.
  }
  throw refused('it is malformed');
}

function refused(why: string): DbError {
  return new DbError('unauthenticated', `internal token: ${why}`);
}
