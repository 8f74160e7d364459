import type { Clock } from '../../env/clock.ts';
import type { Jobs } from '../../env/jobs.ts';
import type { Profiler } from '../../env/profiler.ts';
import type { RawSockets } from '../../env/raw-sockets.ts';
import type { SecureSockets } from '../../env/secure-sockets.ts';
import type { Log } from '../../env/log.ts';
import type { Random } from '../../env/random.ts';
import type { StatementExecutor } from '../../data/statements/statement-executor.ts';
import type { PointsWriter } from '../../data/write/points-writer.ts';
import type { LdapUsers } from '../../ldap/ldap-users.ts';
import type { Statistics } from '../../telemetry/statistics.ts';
import type { RepairRoutesPorts } from './repair-routes.ts';
import type { NodeHealth } from './health-route.ts';
import type { AccessOptions } from './access/access-options.ts';
import type { AccessLogOptions } from './requests/access-log.ts';
import type { WriteThrottleOptions } from './requests/write-throttle.ts';

export interface DataApiPorts {
  readonly clock: Clock;
  readonly jobs: Jobs;
  readonly random: Random;
  readonly log: Log;
  /** Takes a line of the access log, without its newline. */
  readonly accessLine: (line: string) => void;
  readonly writer: PointsWriter;
  readonly executor: StatementExecutor;
  /** Resolves once this node knows of each database that was made before; left out where nobody else makes any. */
  readonly settleCatalog?: (() => Promise<void>) | undefined;
  /** Where this API says what it counts, and what /debug/vars shows. */
  readonly statistics: Statistics;
  /** Who users are where an LDAP configuration is enabled; left out where there can be none. */
  readonly ldap?: Pick<LdapUsers, 'isEnabled' | 'authenticate' | 'identify'> | undefined;
  /** Left out where `pprof-enabled` is false. */
  readonly profiler?: Profiler | undefined;
  /** What /debug/vars shows besides. */
  readonly vars: () => Readonly<Record<string, unknown>>;
  /** How many of the shards that were there at the start are open. */
  readonly health: () => Promise<NodeHealth>;
  /** Left out where there is nothing to compare with. */
  readonly repairs?: Omit<RepairRoutesPorts, 'clock'> | undefined;
  /** Plain writes are read from their sockets; left out, all go through Node's HTTP. */
  readonly rawSockets?: RawSockets | undefined;
  /** TLS over each connection; left out, they speak plain HTTP. */
  readonly secureSockets?: SecureSockets | undefined;
  /** A random 128-bit id as the reference's v1 UUIDs look. */
  readonly requestId: () => string;
}

/** Of `[http]`, `[coordinator]` and `[cluster]` (spec 5). */
export interface DataApiOptions {
  readonly version: string;
  readonly bindAddress: string;
  /** Bytes of a body, before and after gzip; 0 is no limit. */
  readonly bodyBytesMax: number;
  /** Rows of an answer that is not chunked; 0 is no limit. */
  readonly rowsMax: number;
  readonly bucketsMax: number;
  readonly queryTimeoutMs: number;
  readonly writeTimeoutMs: number;
  readonly accessLog: AccessLogOptions;
  /** Bodies of writes go to the log (`write-tracing`). */
  readonly tracesWrites: boolean;
  /** `[http.headers]`: in every answer. */
  readonly headers: Readonly<Record<string, string>>;
  /** Of TCP, of which one too many is closed as it comes; 0 is no limit. */
  readonly connectionsMax: number;
  readonly access: AccessOptions;
  /** `user-query-bytes-enabled` (spec F123). */
  readonly countsUserBytes: boolean;
  readonly throttle: WriteThrottleOptions;
  /** Bytes of all bodies held at once. */
  readonly bodiesBytesMax: number;
  /** A client that sends nothing of its body for so long is left. */
  readonly idleMs: number;
  /** And one that takes nothing of its answer. */
  readonly readerIdleMs: number;
}
