import type { Value } from './config-value.ts';
import type { KeyCheck } from './key-checks.ts';

/**
 * What `[tls]` says (spec F101), in the words of Go in files and in those of OpenSSL where it is used. Names of suites are
 * taken in either case, as are versions with and without `tls`.
 */
export interface TlsPolicy {
  /** `TLSv1` to `TLSv1.3`; undefined: what Node thinks safe. */
  readonly minVersion?: TlsVersion | undefined;
  readonly maxVersion?: TlsVersion | undefined;
  /** OpenSSL's list, the preferred one first. */
  readonly ciphers: string;
}

export type TlsVersion = 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3';

/** SSL 3.0 is a name that is known, and that nothing speaks any more. */
const versions: ReadonlyMap<string, TlsVersion> = new Map([
  ['SSL3.0', 'TLSv1'],
  ['TLS1.0', 'TLSv1'],
  ['TLS1.1', 'TLSv1.1'],
  ['TLS1.2', 'TLSv1.2'],
  ['TLS1.3', 'TLSv1.3'],
]);

/** These are always on: Go has no say over them. */
const suitesOfTls13: readonly Suite[] = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
].map((name) => [name, name]);

/** Go's name, and OpenSSL's; '' for what that has given up. */
type Suite = readonly [string, string];

const kinds = ['ECDSA', 'RSA'];

/** What is on where nothing is said: those whose traffic stays secret when the key is lost. */
const suitesByDefault: readonly Suite[] = [
  ['AES_128_GCM_SHA256', 'AES128-GCM-SHA256'],
  ['AES_256_GCM_SHA384', 'AES256-GCM-SHA384'],
  ['CHACHA20_POLY1305', 'CHACHA20-POLY1305'],
  ['AES_128_CBC_SHA', 'AES128-SHA'],
  ['AES_256_CBC_SHA', 'AES256-SHA'],
].flatMap(([go, openssl]) =>
  kinds.map((kind): Suite => [`TLS_ECDHE_${kind}_WITH_${go}`, `ECDHE-${kind}-${openssl}`]),
);

/** In the order in which Go takes them, whatever the order is in which they are said. */
const suites: ReadonlyMap<string, string> = new Map([
  ...suitesOfTls13,
  ...suitesByDefault,
  ['TLS_RSA_WITH_AES_128_GCM_SHA256', 'AES128-GCM-SHA256'],
  ['TLS_RSA_WITH_AES_256_GCM_SHA384', 'AES256-GCM-SHA384'],
  ['TLS_RSA_WITH_AES_128_CBC_SHA', 'AES128-SHA'],
  ['TLS_RSA_WITH_AES_256_CBC_SHA', 'AES256-SHA'],
  ['TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA', ''],
  ['TLS_RSA_WITH_3DES_EDE_CBC_SHA', ''],
  ['TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256', 'ECDHE-ECDSA-AES128-SHA256'],
  ['TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256', 'ECDHE-RSA-AES128-SHA256'],
  ['TLS_RSA_WITH_AES_128_CBC_SHA256', 'AES128-SHA256'],
  ['TLS_ECDHE_ECDSA_WITH_RC4_128_SHA', ''],
  ['TLS_ECDHE_RSA_WITH_RC4_128_SHA', ''],
  ['TLS_RSA_WITH_RC4_128_SHA', ''],
  ['TLS_FALLBACK_SCSV', ''],
]);

/** OpenSSL speaks versions before 1.2 only where it is told that nothing is too weak. */
const versionsWeak: ReadonlySet<TlsVersion | undefined> = new Set(['TLSv1', 'TLSv1.1']);

/** The values were checked with the configuration. */
export function tlsPolicy(said: {
  readonly ciphers: readonly string[];
  readonly minVersion: string;
  readonly maxVersion: string;
}): TlsPolicy {
  const asked = said.ciphers.map((name) => name.toUpperCase());
  const byDefault = suitesByDefault.map(([name]) => name);
  const on = new Set([...suitesOfTls13.map(([name]) => name), ...(asked.length === 0 ? byDefault : asked)]); // prettier-ignore
  const chosen = [...suites].filter(([name, openssl]) => on.has(name) && openssl !== '');
  const minVersion = versionOf(said.minVersion);
  const level = versionsWeak.has(minVersion) ? ['@SECLEVEL=0'] : [];
  return {
    minVersion,
    maxVersion: versionOf(said.maxVersion),
    ciphers: [...chosen.map(([, openssl]) => openssl), ...level].join(':'),
  };
}

function versionOf(text: string): TlsVersion | undefined {
  const name = text.toUpperCase();
  return versions.get(name) ?? versions.get(`TLS${name}`);
}

export const tlsVersion: KeyCheck = (value) => {
  if (typeof value !== 'string' || value === '' || versionOf(value) !== undefined) return undefined;
  const known = [...versions.keys()].join(', ');
  return `unknown tls version: ${JSON.stringify(value)}. available versions: ${known}`;
};

export const tlsSuites: KeyCheck = (value) => {
  const wrong = listOf(value).find((name) => !suites.has(name.toUpperCase()));
  if (wrong === undefined) return undefined;
  const known = [...suites.keys()].sort().join(', ');
  return `unknown cipher suite: ${JSON.stringify(wrong)}. available ciphers: ${known}`;
};

function listOf(value: Value): readonly string[] {
  return Array.isArray(value) ? (value as readonly string[]) : [];
}
