import { bindAddress, gossipFrequency, notNegative, positive, specified } from './key-checks.ts';
import { enterpriseKeys, loggingKeys, moot, now, tlsKeys, type KeyTable } from './key.ts';

/** Every key of `influxdb-meta.conf` (spec 5.1). */
export const metaKeys = {
  '': {
    // In effect as `true` always: a node reports its usage to nobody.
    'reporting-disabled': now('bool', false),
    'bind-address': moot('string', ''),
    hostname: now('string', ''),
  },
  enterprise: enterpriseKeys,
  meta: {
    dir: now('string', '/var/lib/influxdb/meta', {
      check: specified('Meta.Dir'),
      homeFolder: 'meta',
    }),
    'bind-address': now('string', ':8089', { check: bindAddress }),
    'http-bind-address': now('string', ':8091', { check: bindAddress }),
    'https-enabled': now('bool', false),
    'https-certificate': now('string', ''),
    'https-private-key': now('string', ''),
    'https-insecure-certificate': now('bool', false),
    'https-insecure-tls': now('bool', false),
    'data-use-tls': now('bool', false),
    'data-insecure-tls': now('bool', false),
    'gossip-frequency': now('duration', '5s', { check: gossipFrequency }),
    'announcement-expiration': now('duration', '30s', { check: positive }),
    'retention-autocreate': now('bool', true),
    'election-timeout': now('duration', '1s', { check: positive }),
    'heartbeat-timeout': now('duration', '1s', { check: positive }),
    'leader-lease-timeout': moot('duration', '500ms', { check: positive }),
    'commit-timeout': moot('duration', '50ms', { check: positive }),
    'consensus-timeout': moot('duration', '30s', { check: positive }),
    'cluster-tracing': now('bool', false),
    'logging-enabled': now('bool', true),
    'pprof-enabled': now('bool', true),
    'lease-duration': now('duration', '1m', { check: positive }),
    /** Ours: shards that a plan moves at once. */
    'rebalance-concurrency': now('integer', 1, { check: positive }),
    /** Ours: what a data node owns that is silent for so long is brought to others; 0 for never. */
    'restore-silent-after': now('duration', '0s', { check: notNegative }),
    'auth-enabled': now('bool', false),
    'ldap-allowed': now('bool', false),
    'shared-secret': now('string', ''),
    'internal-shared-secret': now('string', ''),
    'password-hash': now('string', 'bcrypt'),
    'ensure-fips': now('bool', false),
    'raft-portal-auth-required': now('bool', false),
    'raft-dialer-auth-required': now('bool', false),
  },
  logging: loggingKeys,
  tls: tlsKeys,
} as const satisfies KeyTable;
