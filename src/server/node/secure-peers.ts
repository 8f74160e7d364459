/** TLS between nodes as a configuration wants it (spec F99, F100): who is called so, and what this node's ports speak. */
import { createSecureContext, type SecureContext } from 'node:tls';
import type { Config } from '../../config/config.ts';
import type { tlsKeys } from '../../config/key.ts';
import type { metaKeys } from '../../config/meta-keys.ts';
import { tlsPolicy, type TlsPolicy } from '../../config/tls-policy.ts';
import { DbError, errorText } from '../../base/errors.ts';
import { minuteMs } from '../../base/units.ts';
import type { Env } from '../../env/env.ts';
import { NodeSecureSockets, type SecureSettings } from '../../env/node/network/node-secure-sockets.ts'; // prettier-ignore
import { trustedRoots } from '../../env/node/network/trusted-roots.ts';
import type { ListenOptions } from '../../env/transport.ts';
import type { SecureDial, SecureDialOf } from '../../rpc/grpc/secure-dial.ts';
import type { DataConfig } from './data-config.ts';

type MetaConfig = Config<typeof metaKeys>;
/** The part that says how TLS is spoken, alike in both daemons. */
export type TlsConfig = Config<{ readonly tls: typeof tlsKeys }>;

/** Services of this package are those of meta nodes, all others those of data nodes. */
const metaPackage = '/varve.meta.';

export function dataSecureDial(config: DataConfig): SecureDialOf {
  const policy = policyOf(config);
  return dialOf({
    meta: config.get('meta', 'meta-tls-enabled') && peer(policy, config.get('meta', 'meta-insecure-tls')), // prettier-ignore
    data: config.get('cluster', 'https-enabled') && peer(policy, config.get('cluster', 'https-insecure-tls')), // prettier-ignore
  });
}

export function metaSecureDial(config: MetaConfig): SecureDialOf {
  const policy = policyOf(config);
  return dialOf({
    meta: config.get('meta', 'https-enabled') && peer(policy, config.get('meta', 'https-insecure-tls')), // prettier-ignore
    data: config.get('meta', 'data-use-tls') && peer(policy, config.get('meta', 'data-insecure-tls')), // prettier-ignore
  });
}

function dialOf({
  meta,
  data,
}: {
  readonly meta: SecureDial | false;
  readonly data: SecureDial | false;
}): SecureDialOf {
  // prettier-ignore
  return (method) => (method.startsWith(metaPackage) ? meta : data) || undefined;
}

function peer(policy: TlsPolicy, isInsecure: boolean): SecureDial {
  let context: SecureContext | undefined;
  const make = (): SecureContext =>
    createSecureContext({ ...policy, ...(!isInsecure && { ca: [...trustedRoots()] }) });
  return { isVerified: !isInsecure, context: () => (context ??= make()) };
}

/** Of 8088; undefined without `https-enabled`. Throws `invalid_argument` for a certificate that will not do. */
export function openDataPort(env: Env, config: DataConfig): Promise<NodeSecureSockets | undefined> {
  return openPort(env, 'cluster', dataPortSettings(config));
}

export function dataPortSettings(config: DataConfig): SecureSettings | undefined {
  if (!config.get('cluster', 'https-enabled')) return undefined;
  return settingsOf(config, {
    certificatePath: config.get('cluster', 'https-certificate'),
    keyPath: config.get('cluster', 'https-private-key'),
    isOpenTaken: config.get('cluster', 'https-insecure-certificate'),
  });
}

/** Of 8089 and 8091; undefined without `https-enabled`. Throws as openDataPort(). */
export function openMetaPorts(
  env: Env,
  config: MetaConfig,
): Promise<NodeSecureSockets | undefined> {
  return openPort(env, 'meta', metaPortSettings(config));
}

export function metaPortSettings(config: MetaConfig): SecureSettings | undefined {
  if (!config.get('meta', 'https-enabled')) return undefined;
  return settingsOf(config, {
    certificatePath: config.get('meta', 'https-certificate'),
    keyPath: config.get('meta', 'https-private-key'),
    isOpenTaken: config.get('meta', 'https-insecure-certificate'),
  });
}

async function openPort(
  { clock, log }: Env,
  name: string,
  settings: SecureSettings | undefined,
): Promise<NodeSecureSockets | undefined> {
  if (settings === undefined) return undefined;
  try {
    return await NodeSecureSockets.open({ clock, log: log.child(name) }, settings);
  } catch (error) {
    const text = `open service: ${name}: error creating TLS manager: ${errorText(error)}`;
    throw new DbError('invalid_argument', text, { cause: error });
  }
}

/** A port with TLS; of callers that speak none the log hears once a minute. */
export function secureListening(
  { clock, log }: Pick<Env, 'clock' | 'log'>,
  secureSockets: NodeSecureSockets | undefined,
): ListenOptions {
  if (secureSockets === undefined) return {};
  let saidMs = -Infinity;
  const onPlain = (): void => {
    const nowMs = clock.monotonicMs();
    if (nowMs - saidMs < minuteMs) return;
    saidMs = nowMs;
    log.warn('A connection without TLS was closed: this port speaks TLS only');
  };
  return { secureSockets, onPlain };
}

export function settingsOf(config: TlsConfig, files: SecureSettings['files']): SecureSettings {
  const warnAheadMs = config.get('tls', 'advanced-expiration');
  return { files, policy: policyOf(config), warnAheadMs };
}

function policyOf(config: TlsConfig): TlsPolicy {
  return tlsPolicy({
    ciphers: config.get('tls', 'ciphers'),
    minVersion: config.get('tls', 'min-version'),
    maxVersion: config.get('tls', 'max-version'),
  });
}
