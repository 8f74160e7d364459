/** What a licence says (spec F2, F3). Times are milliseconds since 1970. */
export interface License {
  readonly id: string;
  /** Shown as `licenseType` by /debug/vars. */
  readonly type: string;
  readonly notBeforeMs: number;
  readonly expiresAtMs: number;
  /** How many data nodes the cluster may have. */
  readonly dataNodesMax: number;
  /** How many cores a data node uses: the number of its engine workers. */
  readonly coresMax: number;
  /** Of one that a portal gave for a key: `digestOfKey` of it. It counts for that key only. */
  readonly keyDigest?: string;
}

/** How long a running data node goes on after its licence has expired; the reference documents no figure (spec F5). */
export const graceMs = 7 * 24 * 3_600_000;

export interface Entitlements {
  readonly name: 'entitlements';
  readonly tags: null;
  readonly values: { readonly licenseExpiry: string; readonly licenseType: string };
}

/** The `entitlements` object of /debug/vars (spec F6); Go's RFC 3339 has whole seconds. */
export function entitlements(license: License): Entitlements {
  const licenseExpiry = new Date(license.expiresAtMs).toISOString().replace(/\.\d+Z$/, 'Z');
  return { name: 'entitlements', tags: null, values: { licenseExpiry, licenseType: license.type } };
}

/** When one that is renewed by itself is to be: half of its time is left for a portal that is away. */
export function renewalAtMs({ notBeforeMs, expiresAtMs }: License): number {
  return notBeforeMs + Math.floor((expiresAtMs - notBeforeMs) / 2);
}

export type LicensePhase = 'valid' | 'grace' | 'expired';

/** Where a running node stands; at start only `valid` will do. */
export function licensePhase(license: License, nowMs: number): LicensePhase {
  if (nowMs < license.expiresAtMs) return 'valid';
  return nowMs < license.expiresAtMs + graceMs ? 'grace' : 'expired';
}
