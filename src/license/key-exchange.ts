/**
 * What a node and the portal say to each other (spec F1): a key, `license-key` of the configuration, is exchanged for a
 * temporary licence. Both sides are here, as functions of what came in; HTTP, files and time are their callers'.
 *
 *     POST <portal>/v1/licenses   {"licenseKey":"..."}
 *     200  the text of a licence file, of type `license-key`, with the key's digest
 *     400, 403, 404   {"error":"..."}
 *
 * Invariants:
 * - The portal keeps digests of keys: who reads its file has no key.
 * - A licence given for a key names its digest, and counts for no other.
 */
import { createHash, type KeyObject } from 'node:crypto';
import { licenseInvalid, signLicense, verifyLicense } from './license-file.ts';
import type { License } from './license.ts';

export const exchangePath = '/v1/licenses';

/** Shown as `licenseType`, as the reference does. */
const keyLicenseType = 'license-key';

/** What the portal knows of a key. */
export interface KnownKey {
  readonly digest: string;
  readonly dataNodesMax: number;
  readonly coresMax: number;
  readonly expiresAtMs: number;
}

export interface ExchangeAnswer {
  readonly status: number;
  readonly text: string;
}

/** Lower-case hexadecimal SHA-256. */
export function digestOfKey(key: string): string {
  return createHash('sha256').update(key).digest('hex');
}

export function exchangeRequest(key: string): string {
  return JSON.stringify({ licenseKey: key });
}

/** The portal's side. `lifetimeMs` is how long a licence counts that is given now, at most to the end of its key. */
export function answerExchange(
  body: string,
  keys: readonly KnownKey[],
  issue: { readonly nowMs: number; readonly lifetimeMs: number; readonly privateKey: KeyObject },
): ExchangeAnswer {
  const digest = digestOfRequest(body);
  if (digest === undefined) return refusal(400, 'the body is not {"licenseKey":"<text>"}');
  const known = keys.find((key) => key.digest === digest);
  if (known === undefined) return refusal(404, 'the license key is not known');
  const { nowMs, lifetimeMs, privateKey } = issue;
  if (nowMs >= known.expiresAtMs) {
    const expiry = new Date(known.expiresAtMs).toISOString();
    return refusal(403, `the license key expired at ${expiry}`);
  }
  const license: License = {
    id: digest.slice(0, 16),
    type: keyLicenseType,
    notBeforeMs: nowMs,
    expiresAtMs: Math.min(nowMs + lifetimeMs, known.expiresAtMs),
    dataNodesMax: known.dataNodesMax,
    coresMax: known.coresMax,
    keyDigest: digest,
  };
  return { status: 200, text: signLicense(license, privateKey) };
}

/** The node's side: the text of a licence file, not verified yet. Throws license_invalid with the portal's reason. */
export function licenseTextOf({ status, text }: ExchangeAnswer): string {
  if (status === 200) return text;
  throw licenseInvalid(`the portal answered ${status}: ${reasonIn(text)}`);
}

/** As verifyLicense, and that it was given for `key`. */
export function verifyKeyLicense(
  text: string,
  of: { readonly key: string; readonly publicKeysPem: readonly string[]; readonly nowMs: number },
): License {
  const license = verifyLicense(text, of.publicKeysPem, of.nowMs);
  if (license.keyDigest !== digestOfKey(of.key)) {
    throw licenseInvalid('it was given for another license-key');
  }
  return license;
}

function digestOfRequest(body: string): string | undefined {
  const key = objectIn(body)['licenseKey'];
  return typeof key === 'string' && key !== '' ? digestOfKey(key) : undefined;
}

function reasonIn(text: string): string {
  const reason = objectIn(text)['error'];
  return typeof reason === 'string' ? reason : 'no reason given';
}

function objectIn(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {
    // What is not JSON has no fields: its caller says what it wants.
  }
  return {};
}

function refusal(status: number, error: string): ExchangeAnswer {
  return { status, text: `${JSON.stringify({ error })}\n` };
}
