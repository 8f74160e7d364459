import { DbError, errorText } from '../../base/errors.ts';
import type { Env } from '../../env/env.ts';
import {
  NodeSecureSockets,
  type SecureSettings,
} from '../../env/node/network/node-secure-sockets.ts';
import type { DataConfig } from './data-config.ts';
import { settingsOf } from './secure-peers.ts';

/** TLS of the HTTP API as `[http]` and `[tls]` want it (spec F98, F101); undefined without `https-enabled`. */
export async function openSecureSockets(
  { clock, log }: Env,
  config: DataConfig,
): Promise<NodeSecureSockets | undefined> {
  if (!config.get('http', 'enabled') || !config.get('http', 'https-enabled')) return undefined;
  try {
    const ports = { clock, log: log.child('httpd') };
    return await NodeSecureSockets.open(ports, secureSettings(config));
  } catch (error) {
    const text = `open service: httpd: error creating TLS manager: ${errorText(error)}`;
    throw new DbError('invalid_argument', text, { cause: error });
  }
}

export function secureSettings(config: DataConfig): SecureSettings {
  return settingsOf(config, {
    certificatePath: config.get('http', 'https-certificate'),
    keyPath: config.get('http', 'https-private-key'),
    isOpenTaken: config.get('http', 'https-insecure-certificate'),
  });
}
