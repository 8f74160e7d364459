import type { Kind, KindValues } from './config-value.ts';
import { logLevel, type KeyCheck } from './key-checks.ts';
import { tlsSuites, tlsVersion } from './tls-policy.ts';

/**
 * - now: in effect.
 * - moot: accepted and kept, and nothing hangs on it: what it sets is not there in this project. Nobody is warned;
 *   docs/operating/configuration.md says of each why.
 */
export type KeyStatus = 'now' | 'moot';

export interface Key<K extends Kind = Kind> {
  readonly kind: K;
  /** As it stands in a file. */
  readonly fallback:
    boolean | number | string | readonly string[] | Readonly<Record<string, string>>;
  readonly status: KeyStatus;
  readonly check?: KeyCheck | undefined;
  /** Without any file it is this folder under `~/.influxdb` (spec 5). */
  readonly homeFolder?: string | undefined;
  /** A second variable that sets it: where the reference's documents print an irregular one. */
  readonly alias?: string | undefined;
  /** A duration that the reference takes, and `influxd config` of it prints, as a count of nanoseconds. */
  readonly takesWholeNs?: boolean | undefined;
  /** A negative number is 0 for who reads it. */
  readonly isNoneBelowZero?: boolean | undefined;
  /** Printed as `[]` too: the reference has a list there, and nothing for others. */
  readonly isShownEmpty?: boolean | undefined;
}

export interface KeyMore {
  readonly check?: KeyCheck;
  readonly homeFolder?: string;
  readonly alias?: string;
  readonly takesWholeNs?: boolean;
  readonly isNoneBelowZero?: boolean;
  readonly isShownEmpty?: boolean;
}

export type KeyTable = Readonly<Record<string, Readonly<Record<string, Key>>>>;
export type { KindValues };

export function now<K extends Kind>(kind: K, fallback: Key['fallback'], more?: KeyMore): Key<K> {
  return { kind, fallback, status: 'now', ...more };
}

export function moot<K extends Kind>(kind: K, fallback: Key['fallback'], more?: KeyMore): Key<K> {
  return { kind, fallback, status: 'moot', ...more };
}

/** What both daemons know alike. Section '' holds the keys outside of sections. */
export const enterpriseKeys = {
  'license-key': now('string', ''),
  'license-path': now('string', ''),
  /** Ours: PEM of the keys that may have signed the licence. */
  'license-public-key-path': now('string', ''),
  /** Ours: where `license-key` is exchanged for a licence. */
  'license-portal-url': now('string', ''),
} as const;

export const loggingKeys = {
  // No check: the reference runs on with its own form, and says so.
  format: now('string', 'logfmt'),
  level: now('string', 'info', { check: logLevel }),
  'suppress-logo': now('bool', false),
} as const;

export const tlsKeys = {
  ciphers: now('list', [], { check: tlsSuites }),
  'min-version': now('string', '', { check: tlsVersion }),
  'max-version': now('string', '', { check: tlsVersion }),
  'advanced-expiration': now('duration', '5d', { isNoneBelowZero: true }),
} as const;
