import { readFileSync } from 'node:fs';
import { hostAndPort } from '../base/bind-address.ts';
import { quoteGo } from '../base/go-format.ts';
import { DbError, errorText } from '../base/errors.ts';
import type { Flags } from '../base/go-flags.ts';
import { decodeConfigText } from '../config/config-text.ts';
import { Config } from '../config/config.ts';
import { metaKeys } from '../config/meta-keys.ts';
import { parseTomlDurationNs } from '../config/toml-duration.ts';
import type { DataTls, MetaHttpOptions } from './meta-http.ts';

/** The flags before the command (spec 2.1). */
export const globalFlags = {
  'auth-type': 'text',
  bind: 'text',
  'bind-tls': 'switch',
  config: 'text',
  k: 'switch',
  pwd: 'text',
  secret: 'text',
  timeout: 'text',
  user: 'text',
} as const;

const authTypes = ['none', 'basic', 'jwt'] as const;

type Environment = Readonly<Record<string, string | undefined>>;

export interface CtlOptions extends MetaHttpOptions {
  /** `[meta] internal-shared-secret`, which the nodes of a cluster show each other; '' for none. */
  readonly internalSecret: string;
}

/** Throws invalid_argument with the reference's texts. */
export function optionsOf({ values }: Flags, environment: Environment): CtlOptions {
  const text = (flag: keyof typeof globalFlags, fallback: string): string => {
    const value = values[flag];
    return typeof value === 'string' ? value : fallback;
  };
  const given = text('auth-type', 'none');
  const authType = authTypes.find((one) => one === given.toLowerCase());
  if (authType === undefined) throw new DbError('invalid_argument', `invalid -auth-type: ${given}`);
  const file = readConfig(text('config', ''), environment[secretVariable]);
  return {
    authType,
    bind: text('bind', file.bind),
    tls: values['bind-tls'] === true || (values['bind'] === undefined && file.tls),
    skipVerify: values['k'] === true,
    user: text('user', ''),
    password: text('pwd', ''),
    secret: text('secret', ''),
    timeoutMs: durationOf('timeout', text('timeout', '10s')),
    internalSecret: file.internalSecret,
    dataTls: dataTlsOf(file, {
      tls: values['bind-tls'] === true,
      skipVerify: values['k'] === true,
    }),
  };
}

/** Without a file data nodes are taken to speak what the meta node does. */
function dataTlsOf(
  { dataTls }: ConfigFile,
  flags: { readonly tls: boolean; readonly skipVerify: boolean },
): DataTls | undefined {
  const said = dataTls === 'unknown' ? (flags.tls ? { isVerified: true } : undefined) : dataTls;
  return said && { isVerified: said.isVerified && !flags.skipVerify };
}

/** A duration above 0, with Go's text for what is none. */
export function durationOf(flag: string, text: string): number {
  try {
    const durationNs = parseTomlDurationNs(text);
    // Timers know no less than a millisecond.
    if (durationNs > 0n) return Math.max(1, Number(durationNs / 1_000_000n));
  } catch {
    // The text below says it.
  }
  const reason = `invalid value ${quoteGo(text)} for flag -${flag}: parse error`;
  throw new DbError('invalid_argument', reason);
}

/** Of the environment of a node, of which no more than this is asked. */
const secretVariable = 'INFLUXDB_META_INTERNAL_SHARED_SECRET';

interface ConfigFile {
  readonly bind: string;
  readonly tls: boolean;
  readonly internalSecret: string;
  readonly dataTls: DataTls | undefined | 'unknown';
}

/** Where the meta node of a configuration file listens: what -bind is without it; and the secret of its cluster. */
function readConfig(path: string, secret: string | undefined): ConfigFile {
  if (path === '') return { bind: 'localhost:8091', tls: false, internalSecret: secret ?? '', dataTls: 'unknown' }; // prettier-ignore
  try {
    const text = decodeConfigText(readFileSync(path));
    const environment = secret === undefined ? {} : { [secretVariable]: secret };
    const config = Config.read({ text, environment, keys: metaKeys });
    const [, host = '', port = ''] = /^(.*):(\d+)$/.exec(config.get('meta', 'http-bind-address')) ?? []; // prettier-ignore
    const name = config.get('', 'hostname') || 'localhost';
    return {
      bind: host === '' ? hostAndPort(name, port) : `${host}:${port}`,
      tls: config.get('meta', 'https-enabled'),
      internalSecret: config.get('meta', 'internal-shared-secret'),
      dataTls: config.get('meta', 'data-use-tls')
        ? { isVerified: !config.get('meta', 'data-insecure-tls') }
        : undefined,
    };
  } catch (error) {
    throw new DbError('invalid_argument', `parse config: ${errorText(error)}`, { cause: error });
  }
}
