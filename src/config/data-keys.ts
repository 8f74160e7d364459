import { graphiteTags, graphiteTemplates } from './graphite-checks.ts';
import {
  noFlux,
  aboveZero,
  bindAddress,
  bindAddressOrNone,
  collectdMultiValue,
  collectdSecurity,
  consistencyLevel,
  gossipFrequency,
  httpHeaders,
  indexVersion,
  notNegative,
  positive,
  positiveWhenEnabled,
  positiveWhenStored,
  specified,
  statusFilters,
  storeDatabase,
} from './key-checks.ts';
import { enterpriseKeys, loggingKeys, moot, now, tlsKeys, type KeyTable } from './key.ts';

/** Limits and counts: 0 is none. */
const count = { check: notNegative };
/** Where 1.12.4 runs with a negative one, which it takes for none. */
const limit = { isNoneBelowZero: true };

/** Every key of `influxdb.conf` outside of the repeated sections (spec 5.2). */
export const dataKeys = {
  '': {
    // In effect as `true` always: a node reports its usage to nobody.
    'reporting-disabled': now('bool', false),
    'bind-address': now('string', ':8088', { check: bindAddress }),
    hostname: now('string', 'localhost'),
    'gossip-frequency': now('duration', '3s', { check: gossipFrequency }),
    'compact-series-file': moot('bool', false),
  },
  enterprise: enterpriseKeys,
  meta: {
    dir: now('string', '/var/lib/influxdb/meta', {
      check: specified('Meta.Dir'),
      homeFolder: 'meta',
    }),
    'meta-tls-enabled': now('bool', false),
    'meta-insecure-tls': now('bool', false),
    // The metas ask; a node shows its secret wherever it has one.
    'meta-auth-enabled': moot('bool', false),
    'meta-internal-shared-secret': now('string', ''),
    'retention-autocreate': now('bool', true),
    'logging-enabled': now('bool', true),
    'password-hash': now('string', 'bcrypt'),
    'ensure-fips': now('bool', false),
  },
  data: {
    dir: now('string', '/var/lib/influxdb/data', {
      check: specified('Data.Dir'),
      homeFolder: 'data',
    }),
    'index-version': now('string', 'inmem', { check: indexVersion }),
    'wal-dir': now('string', '/var/lib/influxdb/wal', {
      check: specified('Data.WALDir'),
      homeFolder: 'wal',
    }),
    'wal-fsync-delay': now('duration', '0s', limit),
    'validate-keys': now('bool', false),
    'strict-error-handling': now('bool', false),
    'skip-field-size-validation': now('bool', false),
    'query-log-enabled': now('bool', true),
    'query-log-path': now('string', ''),
    'ingress-metric-by-measurement-enabled': now('bool', false),
    'ingress-metric-by-login-enabled': now('bool', false),
    'cache-max-memory-size': now('size', '1g'),
    'cache-snapshot-memory-size': now('size', '25m'),
    'cache-snapshot-write-cold-duration': now('duration', '10m', limit),
    'compact-full-write-cold-duration': now('duration', '4h', limit),
    'compact-throughput': now('size', '48m'),
    'compact-throughput-burst': now('size', '48m'),
    'aggressive-points-per-block': now('integer', 10000, count),
    /** Ours: pages of indexes that are held in memory. */
    'index-cache-size': now('size', '128m'),
    /** Ours: pieces of files with blocks that queries read, so that they are neither read nor checked again. */
    'block-cache-size': now('size', '128m'),
    /** Ours: series that stay in memory after a flush, since they may be written to again. */
    'index-resident-size': now('size', '384m'),
    'max-series-per-database': now('integer', 1000000, limit),
    'max-values-per-tag': now('integer', 100000, limit),
    'max-concurrent-compactions': now('integer', 0, {
      check: notNegative,
      alias: 'INFLUXDB_DATA_CACHE_MAX_CONCURRENT_COMPACTIONS',
    }),
    'max-concurrent-optimized-compactions': now('integer', 0, count),
    'max-index-log-file-size': moot('size', '1m'),
    'series-id-set-cache-size': moot('integer', 100, count),
    'series-file-max-concurrent-snapshot-compactions': moot('integer', 0, count),
    'max-concurrent-deletes': now('integer', 1, { check: positive }),
    'trace-logging-enabled': now('bool', false),
    'tsm-use-madv-willneed': moot('bool', false),
    'tar-stream-buffer-size': moot('size', '1m', { check: aboveZero }),
  },
  cluster: {
    'dial-timeout': now('duration', '1s', count),
    'pool-max-idle-time': moot('duration', '60s', count),
    'pool-max-idle-streams': moot('integer', 100, count),
    'allow-out-of-order-writes': now('bool', false, {
      alias: 'INFLUXDB_CLUSTER_ALLOW_OUT_OF_ORDER',
    }),
    /** Ours: an owner that lacks writes which wait for it in hinted handoff is read only when no other is up. */
    'avoid-lagging-owners': now('bool', true),
    /** Ours: so long a node gives others its word that its lists of series stay, so that they need not ask; a minute at most, 0 for never. */
    'list-pledge-duration': now('duration', '500ms', count),
    /** Ours: bytes per second that copies of shards bring to this node, all together; 0 for no limit. */
    'shard-copy-throughput': now('size', '0'),
    /** Ours: copies that are brought to this node at once; others wait. */
    'max-concurrent-shard-copies': now('integer', 2, count),
    'shard-reader-timeout': now('duration', '0', count),
    'rpc-resettable-read-timeout': moot('duration', '15m', count),
    'rpc-resettable-write-timeout': moot('duration', '15m', count),
    'https-enabled': now('bool', false),
    'https-certificate': now('string', ''),
    'https-private-key': now('string', ''),
    'https-insecure-tls': now('bool', false),
    'https-insecure-certificate': now('bool', false),
    'cluster-tracing': now('bool', false),
    'write-timeout': now('duration', '10s', { check: positive }),
    'max-concurrent-queries': now('integer', 0, limit),
    'max-concurrent-deletes': now('integer', 1, { check: positive }),
    'query-timeout': now('duration', '0s', limit),
    'log-queries-after': now('duration', '0s', limit),
    'log-timedout-queries': now('bool', false),
    'max-query-memory': now('bytes', 536870912, count),
    'max-total-query-memory': now('bytes', 1073741824, count),
    'max-select-point': now('integer', 0, limit),
    'max-select-series': now('integer', 0, limit),
    'max-select-buckets': now('integer', 0, limit),
    'termination-query-log': now('bool', false),
  },
  'hinted-handoff': {
    'batch-size': now('bytes', 512000, count),
    'max-writes-pending': now('integer', 1024, count),
    dir: now('string', '/var/lib/influxdb/hh', {
      check: specified('HintedHandoff.Dir'),
      homeFolder: 'hh',
    }),
    enabled: now('bool', true),
    'max-size': now('bytes', 10737418240, count),
    'max-age': now('duration', '168h', count),
    'retry-concurrency': now('integer', 20, count),
    'retry-rate-limit': now('bytes', 0, count),
    'retry-interval': now('duration', '1s', count),
    'retry-max-interval': now('duration', '200s', count),
    'purge-interval': now('duration', '1m', count),
  },
  'anti-entropy': {
    enabled: now('bool', false),
    'check-interval': now('duration', '5m', { check: positiveWhenEnabled }),
    'max-fetch': now('integer', 10, count),
    'max-sync': now('integer', 1, count),
    'auto-repair-missing': now('bool', true),
    // Ours: a shard that is written to is repaired when asked for. The reference waits until its time has passed.
    'repair-hot-shards': now('bool', true),
    // Ours: how often all of a shard is read, as bytes rot where nobody reads them.
    'verify-interval': now('duration', '168h', { check: positiveWhenEnabled }),
  },
  retention: {
    enabled: now('bool', true),
    'check-interval': now('duration', '30m', { check: positiveWhenEnabled }),
  },
  'shard-precreation': {
    enabled: now('bool', true),
    'check-interval': now('duration', '10m', { check: positiveWhenEnabled }),
    'advance-period': now('duration', '30m', { check: positiveWhenEnabled }),
  },
  monitor: {
    'store-enabled': now('bool', true),
    'store-database': now('string', '_internal', { check: storeDatabase }),
    'store-interval': now('duration', '10s', { check: positiveWhenStored }),
    'remote-collect-interval': moot('duration', '10s', { check: positiveWhenStored }),
  },
  subscriber: {
    enabled: now('bool', true),
    'http-timeout': now('duration', '30s', { check: aboveZero }),
    'insecure-skip-verify': now('bool', false),
    'ca-certs': now('string', ''),
    'write-concurrency': now('integer', 40, { check: aboveZero }),
    'write-buffer-size': now('integer', 1000, { check: aboveZero }),
    'total-buffer-bytes': now('bytes', 0, limit),
  },
  http: {
    enabled: now('bool', true),
    'bind-address': now('string', ':8086', { check: bindAddress }),
    'auth-enabled': now('bool', false),
    'log-enabled': now('bool', true),
    'suppress-write-log': now('bool', false),
    'write-tracing': now('bool', false),
    'flux-enabled': now('bool', false, { check: noFlux }),
    'flux-log-enabled': moot('bool', false),
    'flux-testing': moot('bool', false),
    'pprof-enabled': now('bool', true),
    'pprof-auth-enabled': now('bool', false),
    'debug-pprof-enabled': now('bool', false),
    'ping-auth-enabled': now('bool', false),
    'prom-read-auth-enabled': now('bool', false),
    'user-query-bytes-enabled': now('bool', false),
    'https-enabled': now('bool', false),
    'https-certificate': now('string', '/etc/ssl/influxdb.pem'),
    'https-private-key': now('string', ''),
    'https-insecure-certificate': now('bool', false),
    'max-row-limit': now('integer', 0, limit),
    'max-connection-limit': now('integer', 0, limit),
    'shared-secret': now('string', ''),
    realm: now('string', 'InfluxDB'),
    'unix-socket-enabled': now('bool', false),
    'unix-socket-group': now('group', ''),
    'unix-socket-permissions': now('mode', '0777'),
    'bind-socket': now('string', '/var/run/influxdb.sock'),
    'max-body-size': now('bytes', 25000000, limit),
    'access-log-path': now('string', ''),
    'access-log-status-filters': now('list', [], { check: statusFilters, isShownEmpty: true }),
    'max-concurrent-write-limit': now('integer', 0, limit),
    'max-enqueued-write-limit': now('integer', 0, limit),
    'enqueued-write-timeout': now('duration', '30s', { ...limit, takesWholeNs: true }),
    headers: now('headers', {}, { check: httpHeaders }),
  },
  logging: loggingKeys,
  continuous_queries: {
    'log-enabled': now('bool', true),
    enabled: now('bool', true),
    'query-stats-enabled': now('bool', false),
    'run-interval': now('duration', '1s', { check: positiveWhenEnabled }),
    /** Ours: queries that run at once. */
    parallelism: now('integer', 1, { check: positive }),
    /** Ours: windows that ended so long ago run again with each run, for points that came late. */
    'late-data-window': now('duration', '0s', count),
  },
  tls: tlsKeys,
  'flux-controller': {
    'query-concurrency': moot('integer', 0),
    'query-initial-memory-bytes': moot('bytes', 0),
    'query-max-memory-bytes': moot('bytes', 0),
    'total-max-memory-bytes': moot('bytes', 0),
    'query-queue-size': moot('integer', 0),
  },
} as const satisfies KeyTable;

const listener = (database: string, address: string) =>
  ({
    enabled: now('bool', false),
    'bind-address': now('string', address, { check: bindAddressOrNone }),
    database: now('string', database),
    'retention-policy': now('string', ''),
  }) as const;
const batches = (size: number, pending: number) =>
  ({
    'batch-size': now('integer', size, count),
    'batch-pending': now('integer', pending, count),
  }) as const;

/** The sections that may be there several times, `[[graphite]]`. */
export const dataArrayKeys = {
  graphite: {
    ...listener('graphite', ':2003'),
    protocol: now('string', 'tcp'),
    ...batches(5000, 10),
    'batch-timeout': now('duration', '1s', count),
    'consistency-level': now('string', 'one'),
    templates: now('list', [], { check: graphiteTemplates }),
    tags: now('list', [], { check: graphiteTags }),
    separator: now('string', '.'),
    'udp-read-buffer': now('integer', 0, limit),
  },
  collectd: {
    ...listener('collectd', ':25826'),
    ...batches(5000, 10),
    'batch-timeout': now('duration', '10s', count),
    'read-buffer': now('integer', 0, limit),
    typesdb: now('string', '/usr/share/collectd/types.db'),
    'security-level': now('string', 'none', { check: collectdSecurity }),
    'auth-file': now('string', '/etc/collectd/auth_file'),
    'parse-multivalue-plugin': now('string', 'split', { check: collectdMultiValue }),
  },
  opentsdb: {
    ...listener('opentsdb', ':4242'),
    'consistency-level': now('string', 'one', { check: consistencyLevel }),
    'tls-enabled': now('bool', false),
    certificate: now('string', '/etc/ssl/influxdb.pem'),
    'private-key': now('string', ''),
    'insecure-certificate': now('bool', false),
    ...batches(1000, 5),
    'batch-timeout': now('duration', '1s', count),
    'log-point-errors': now('bool', true),
  },
  udp: {
    ...listener('udp', ':8089'),
    'bind-address': now('string', ':8089', { check: bindAddress }),
    ...batches(5000, 10),
    'read-buffer': now('integer', 0, limit),
    'batch-timeout': now('duration', '1s', count),
    precision: now('string', ''),
  },
} as const satisfies KeyTable;
