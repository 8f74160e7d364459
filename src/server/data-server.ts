import { MiB } from '../base/units.ts';
import type { Env } from '../env/env.ts';
import { createDataApi } from '../http/data/data-api.ts';
import type { DataApiOptions } from '../http/data/data-api-options.ts';
import { entitlements } from '../license/license.ts';
import { parseBindAddress } from './addresses.ts';
import { startDataNode, type DataConfig, type DataNodeOptions } from './data-node.ts';
import type { RunningServer } from './run-daemon.ts';
import { requestIds, version } from './version.ts';

const bodiesBytesMax = 256 * MiB;

/** Builds and starts a data node with its HTTP API (spec 1.4, 1.5, 4). */
export async function startDataServer(
  env: Env,
  config: DataConfig,
  options: DataNodeOptions,
): Promise<RunningServer> {
  const { clock, jobs, log } = env;
  const node = await startDataNode(env, config, options);
  const { writer, executor } = node;
  const api = createDataApi(
    {
      clock,
      jobs,
      log: log.child('httpd'),
      writer,
      executor,
      vars: () => ({ entitlements: entitlements(options.license), cmdline: process.argv }),
      requestId: requestIds(env),
    },
    apiOptions(config),
  );
  if (config.get('http', 'enabled')) {
    const { host, port } = parseBindAddress(config.get('http', 'bind-address'));
    await api.listen({ port, host: host === '' ? '0.0.0.0' : host });
    log.info('Listening on HTTP', { addr: config.get('http', 'bind-address') });
  }
  return {
    close: async () => {
      await api.close();
      await node.close();
      await jobs.close();
    },
  };
}

function apiOptions(config: DataConfig): DataApiOptions {
  return {
    version,
    bindAddress: config.get('http', 'bind-address'),
    bodyBytesMax: config.get('http', 'max-body-size'),
    rowsMax: config.get('http', 'max-row-limit'),
    bucketsMax: config.get('cluster', 'max-select-buckets'),
    queryTimeoutMs: config.get('cluster', 'query-timeout'),
    writeTimeoutMs: config.get('cluster', 'write-timeout'),
    logEnabled: config.get('http', 'log-enabled'),
    throttle: {
      concurrentMax: config.get('http', 'max-concurrent-write-limit'),
      enqueuedMax: config.get('http', 'max-enqueued-write-limit'),
      enqueuedTimeoutMs: config.get('http', 'enqueued-write-timeout'),
      bytesMax: bodiesBytesMax,
    },
  };
}
