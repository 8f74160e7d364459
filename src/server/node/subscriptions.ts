import { DbError, errorText } from '../../base/errors.ts';
import type { Config } from '../../config/config.ts';
import type { dataKeys } from '../../config/data-keys.ts';
import type { LocalShards } from '../../data/engine/local-shards.ts';
import type { Disk } from '../../env/disk.ts';
import type { Env } from '../../env/env.ts';
import type { MetaClient } from '../../meta/client/meta-client.ts';
import { Subscriptions } from '../../services/subscriptions/subscriptions.ts';

/** Undefined with `[subscriber] enabled = false`. Throws the reference's text for certificates that are not there. */
export async function openSubscriptions(
  { clock, disk, outbound, log: nodeLog }: Env,
  config: Config<typeof dataKeys>,
  { meta, local }: { readonly meta: MetaClient; readonly local: LocalShards },
): Promise<Subscriptions | undefined> {
  const log = nodeLog.child('subscriber');
  if (!config.get('subscriber', 'enabled')) {
    log.info('Service is disabled');
    return undefined;
  }
  const isVerified = !config.get('subscriber', 'insecure-skip-verify');
  if (!isVerified) log.warn("'insecure-skip-verify' is true. This will skip all certificate verifications."); // prettier-ignore
  const caPem = await certificatesAt(disk, config.get('subscriber', 'ca-certs'));
  const prepare = local.forwardLines.bind(local);
  return new Subscriptions(
    { clock, log, meta, outbound, prepare },
    {
      timeoutMs: config.get('subscriber', 'http-timeout'),
      concurrencyMax: config.get('subscriber', 'write-concurrency'),
      requestsMax: config.get('subscriber', 'write-buffer-size'),
      bytesMax: config.get('subscriber', 'total-buffer-bytes'),
      trust: { isVerified, ...(caPem !== undefined && { caPem }) },
    },
  );
}

async function certificatesAt(disk: Disk, path: string): Promise<string | undefined> {
  if (path === '') return undefined;
  try {
    return new TextDecoder().decode(await disk.readFile(path));
  } catch (error) {
    const text = `ca-certs file ${path} does not exist`;
    throw new DbError('not_found', `${text}: ${errorText(error)}`, { cause: error });
  }
}
