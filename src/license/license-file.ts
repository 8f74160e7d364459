import { createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { DbError } from '../base/errors.ts';
import type { License } from './license.ts';

/**
 * A licence file is JSON: `{"version":1,"license":"<base64 of JSON>","signature":"<base64>"}`. The signature is Ed25519
 * over the bytes behind `license`, so that no rule about the order or spacing of JSON is needed.
 */
const licenseFileVersion = 1;

/** Clocks differ: a licence that counts from now on where it was issued counts on a machine that is behind too. */
const clockSkewMs = 3_600_000;

/** The file's text. `privateKey` is an Ed25519 key. */
export function signLicense(license: License, privateKey: KeyObject): string {
  const bytes = Buffer.from(JSON.stringify(license));
  const file = {
    version: licenseFileVersion,
    license: bytes.toString('base64'),
    signature: sign(null, bytes, privateKey).toString('base64'),
  };
  return `${JSON.stringify(file, null, 2)}\n`;
}

/**
 * The licence in `text` when one of the keys signed it and it counts at `nowMs`. Throws `license_invalid`; the text
 * begins with the reference's words (spec F4) and says what is wrong.
 */
export function verifyLicense(
  text: string,
  publicKeysPem: readonly string[],
  nowMs: number,
): License {
  const { bytes, signature } = parseFile(text);
  const isSigned = publicKeysPem.some((pem) => verify(null, bytes, publicKey(pem), signature));
  if (!isSigned) throw licenseInvalid('it is not signed by a trusted key, or was changed');
  const license = parseLicense(bytes);
  if (nowMs < license.notBeforeMs - clockSkewMs) {
    throw licenseInvalid(`it is not valid before ${new Date(license.notBeforeMs).toISOString()}`);
  }
  if (nowMs >= license.expiresAtMs) {
    throw licenseInvalid(`it expired at ${new Date(license.expiresAtMs).toISOString()}`);
  }
  return license;
}

function parseFile(text: string): { readonly bytes: Buffer; readonly signature: Buffer } {
  const file = parseObject(text);
  if (file['version'] !== licenseFileVersion) throw licenseInvalid('its version is not known');
  const { license, signature } = file;
  if (typeof license !== 'string' || typeof signature !== 'string') {
    throw licenseInvalid('it lacks the license or its signature');
  }
  return { bytes: Buffer.from(license, 'base64'), signature: Buffer.from(signature, 'base64') };
}

function parseLicense(bytes: Buffer): License {
  const fields = parseObject(bytes.toString());
  const text = (name: string): string => {
    const value = fields[name];
    if (typeof value !== 'string' || value === '') throw licenseInvalid(`${name} is not a text`);
    return value;
  };
  const count = (name: string): number => {
    const value = fields[name];
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
      throw licenseInvalid(`${name} is not a whole number`);
    }
    return value;
  };
  return {
    id: text('id'),
    type: text('type'),
    notBeforeMs: count('notBeforeMs'),
    expiresAtMs: count('expiresAtMs'),
    dataNodesMax: count('dataNodesMax'),
    coresMax: count('coresMax'),
    ...(fields['keyDigest'] !== undefined && { keyDigest: text('keyDigest') }),
  };
}

function parseObject(text: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw licenseInvalid('it is not JSON', error);
  }
  if (typeof value !== 'object' || value === null) throw licenseInvalid('it is not a JSON object');
  return value as Readonly<Record<string, unknown>>;
}

function publicKey(pem: string): KeyObject {
  try {
    const key = createPublicKey(pem);
    if (key.asymmetricKeyType === 'ed25519') return key;
  } catch (error) {
    throw licenseInvalid('a public key is not readable', error);
  }
  throw licenseInvalid('a public key is not an Ed25519 key');
}

/** Begins with the words by which the reference's abort is known (spec F4). */
export function licenseInvalid(reason: string, cause?: unknown): DbError {
  return new DbError('license_invalid', `license key verification failed: ${reason}`, { cause });
}
