/** What is signed and encrypted in collectd's datagrams (spec F128): HMAC-SHA-256, and AES-256-OFB with a SHA-1 of what is in it. */
import { createDecipheriv, createHash, createHmac, timingSafeEqual } from 'node:crypto';

export interface Secret {
  readonly password: Uint8Array;
  /** Of the cipher: SHA-256 of the password. */
  readonly key: Uint8Array;
}

export interface Secrets {
  /** A text says why there is none. */
  find(user: string): Secret | string;
}

const signatureBytes = 32;
const vectorBytes = 16;
const checksumBytes = 20;
/** The reference's least of what is behind the length of a user's name, beside that name. */
const sealedBytesMin = 43;

/** Undefined when `part`, a signature and a user, has signed `rest`, which is all that follows it; or the reference's text. */
export function signatureFault(
  part: Uint8Array,
  rest: Uint8Array,
  secrets: Secrets,
): string | undefined {
  if (part.length <= signatureBytes) return `part too small (${part.length} bytes)`;
  const user = part.subarray(signatureBytes);
  const secret = secrets.find(textOf(user));
  if (typeof secret === 'string') return secret;
  const made = createHmac('sha256', secret.password).update(user).update(rest).digest();
  const isSame = timingSafeEqual(made, part.subarray(0, signatureBytes));
  return isSame ? undefined : 'SHA256 verification failure';
}

/** The parts that are encrypted in `part`; undefined when it cannot be opened, for whatever reason. */
export function openSealed(part: Uint8Array, secrets: Secrets): Uint8Array | undefined {
  const userEnd = 2 + (((part[0] ?? 0) << 8) | (part[1] ?? 0));
  if (part.length < userEnd + sealedBytesMin) return undefined;
  const secret = secrets.find(textOf(part.subarray(2, userEnd)));
  if (typeof secret === 'string') return undefined;
  const vector = part.subarray(userEnd, userEnd + vectorBytes);
  const opened = createDecipheriv('aes-256-ofb', secret.key, vector).update(
    part.subarray(userEnd + vectorBytes),
  );
  const plain = opened.subarray(checksumBytes);
  const checksum = createHash('sha1').update(plain).digest();
  return timingSafeEqual(checksum, opened.subarray(0, checksumBytes)) ? plain : undefined;
}

/** Users and their passwords, a line `user: password` each, as collectd's own server reads them. */
export function readSecrets(text: string): ReadonlyMap<string, Secret> {
  const secrets = new Map<string, Secret>();
  for (const line of text.split('\n')) {
    const colon = line.indexOf(':');
    const user = line.slice(0, colon).trim();
    if (colon < 0 || user.startsWith('#')) continue;
    const password = Buffer.from(line.slice(colon + 1).trim());
    secrets.set(user, { password, key: createHash('sha256').update(password).digest() });
  }
  return secrets;
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString();
}
