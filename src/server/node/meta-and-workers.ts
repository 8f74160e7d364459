import { MiB } from '../../base/units.ts';
import type { StorageEngineOptions } from '../../data/engine/engine-tasks.ts';
import { startWorkers } from '../../data/engine/start-workers.ts';
import type { EngineLink } from '../../env/engine-host.ts';
import type { Env } from '../../env/env.ts';
import type { License } from '../../license/license.ts';
import { MetaClient } from '../../meta/client/meta-client.ts';
import type { SelectAccounts } from '../../query/run/select-limits.ts';
import type { RowChecks } from '../../storage/engine/limits/row-checks.ts';
import type { SeriesLimits } from '../../storage/engine/limits/series-limits.ts';
import { compactionLimits } from '../../storage/store/compaction/compaction-slots.ts';
import type { IngressOptions } from '../../storage/store/ingress.ts';
import type { CompactionSettings } from '../../storage/store/store-options.ts';
import type { DataConfig } from './data-config.ts';
import { metaLog } from './meta-log.ts';
import { workerCountOf } from './worker-count.ts';

const walQueueBytesMax = 64 * MiB;
const arenaBytesMax = 1_024 * MiB;
/** Of one worker, all shards together. */
const memtablesBytesMax = 256 * MiB;
/** Larger blocks than ten times the reference's would be much to read for one value. */
const aggressiveRowsMax = 100_000;
/** The reference's limit of a file. */
const tsmFileBytesMax = 2_048 * MiB;

export interface MetaAndWorkersOptions {
  readonly license: License;
  /** Cores of this machine. */
  readonly coreCount: number;
  readonly accounts: SelectAccounts;
  /** Bytes of a segment of the write-ahead log; 10 MiB when left out. */
  readonly walSegmentBytesMax?: number;
}

export interface MetaAndWorkers {
  readonly meta: MetaClient;
  readonly links: readonly EngineLink[];
}

/** Side by side: the workers read the log while this thread reads the catalog. Where one cannot be had the other is ended. */
export async function openMetaAndWorkers(
  env: Env,
  config: DataConfig,
  options: MetaAndWorkersOptions,
): Promise<MetaAndWorkers> {
  const count = workerCountOf(options.license, options.coreCount);
  const [started, opened] = await Promise.allSettled([
    startWorkers(env.engines, count, workerOptions(config, count, options)),
    MetaClient.open(
      { ...env, log: metaLog(env.log, config.get('meta', 'logging-enabled')).child('meta') },
      config.get('meta', 'dir'),
      {
        secret: config.get('meta', 'meta-internal-shared-secret'),
      },
    ),
  ]);
  // Who this node is comes first: nothing else is of use without.
  if (opened.status === 'rejected') {
    if (started.status === 'fulfilled') await closeAll(started.value);
    throw opened.reason;
  }
  if (started.status === 'fulfilled') return { meta: opened.value, links: started.value };
  await opened.value.close();
  throw started.reason;
}

async function closeAll(links: readonly EngineLink[]): Promise<void> {
  await Promise.all(links.map((link) => link.close()));
}

function workerOptions(
  config: DataConfig,
  workerCount: number,
  { accounts, walSegmentBytesMax = 10 * MiB }: MetaAndWorkersOptions,
): StorageEngineOptions {
  return {
    dataFolder: config.get('data', 'dir'),
    walFolder: config.get('data', 'wal-dir'),
    segmentBytesMax: walSegmentBytesMax,
    queueBytesMax: walQueueBytesMax,
    syncDelayMs: config.get('data', 'wal-fsync-delay'),
    ingress: ingressOptions(config),
    isTraced: config.get('data', 'trace-logging-enabled'),
    arenaBytesMax,
    snapshotBytes: config.get('data', 'cache-snapshot-memory-size'),
    snapshotColdMs: config.get('data', 'cache-snapshot-write-cold-duration'),
    cacheBytesMax: config.get('data', 'cache-max-memory-size'),
    indexCacheBytesMax: config.get('data', 'index-cache-size') / workerCount,
    blockCacheBytesMax: config.get('data', 'block-cache-size') / workerCount,
    residentBytesMax: config.get('data', 'index-resident-size') / workerCount,
    memtablesBytesMax,
    compaction: compactionSettings(config, workerCount),
    seriesLimits: seriesLimits(config),
    rowChecks: rowChecks(config),
    queryAccounts: accounts.shared,
    rosterFolder: config.get('meta', 'dir'),
    keepsRunsBefore: true,
    deletesMax: deletesMax(config),
  };
}

/** By what the points that come are counted; undefined for nothing. */
export function ingressOptions(config: DataConfig): IngressOptions | undefined {
  const byMeasurement = config.get('data', 'ingress-metric-by-measurement-enabled');
  const byLogin = config.get('data', 'ingress-metric-by-login-enabled');
  return byMeasurement || byLogin ? { byMeasurement, byLogin } : undefined;
}

/** Of the index `inmem` only, as in the reference: there is one index here, whatever it is called. */
function seriesLimits(config: DataConfig): SeriesLimits | undefined {
  if (config.get('data', 'index-version') !== 'inmem') return undefined;
  return {
    seriesMax: config.get('data', 'max-series-per-database'),
    valuesPerTagMax: config.get('data', 'max-values-per-tag'),
  };
}

function rowChecks(config: DataConfig): RowChecks {
  return {
    validatesKeys: config.get('data', 'validate-keys'),
    takesLongTexts: config.get('data', 'skip-field-size-validation'),
  };
}

/** The reference has the key in both sections: whichever was raised counts. */
function deletesMax(config: DataConfig): number {
  const ofData = config.get('data', 'max-concurrent-deletes');
  return Math.max(ofData, config.get('cluster', 'max-concurrent-deletes'));
}

/** The limits of `[data]` are the node's: each worker has its share. */
function compactionSettings(config: DataConfig, workerCount: number): CompactionSettings {
  const asked = {
    concurrent: config.get('data', 'max-concurrent-compactions'),
    optimized: config.get('data', 'max-concurrent-optimized-compactions'),
  };
  return {
    fullColdMs: config.get('data', 'compact-full-write-cold-duration'),
    fileBytesMax: tsmFileBytesMax,
    aggressiveRows: Math.min(config.get('data', 'aggressive-points-per-block'), aggressiveRowsMax),
    limits: compactionLimits(asked, workerCount),
    bytesPerSecond: config.get('data', 'compact-throughput') / workerCount,
    burstBytes: config.get('data', 'compact-throughput-burst') / workerCount,
  };
}
