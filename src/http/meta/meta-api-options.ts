import type { Clock } from '../../env/clock.ts';
import type { Jobs } from '../../env/jobs.ts';
import type { PasswordScheme } from '../../env/password-scheme.ts';
import type { Profiler } from '../../env/profiler.ts';
import type { SecureSockets } from '../../env/secure-sockets.ts';
import type { Random } from '../../env/random.ts';
import type { Log } from '../../env/log.ts';
import type { Announcements } from '../../meta/server/announcements.ts';
import type { CopyKeeper } from '../../meta/server/copy-keeper.ts';
import type { PlanKeeper } from '../../meta/server/plan-keeper.ts';
import type { Leases } from '../../meta/server/leases.ts';
import type { MetaNode } from '../../meta/server/meta-node.ts';
import type { RpcClient } from '../../rpc/rpc-client.ts';
import type { MetaAccess, MetaIdentities } from './meta-gate.ts';
import type { NodeTurns } from './node-turns.ts';

/** What another meta node's `/status` says. */
export interface MetaProbe {
  readonly nodeType: string;
  readonly leader: string;
  readonly raftAddr: string;
  readonly peers: readonly string[] | null;
}
/** Throws `unavailable` when nobody answers there. */
export type ProbeMeta = (httpAddress: string) => Promise<MetaProbe>;

export interface MetaApiPorts {
  readonly clock: Clock;
  readonly jobs: Jobs;
  readonly passwordScheme: PasswordScheme;
  readonly random: Random;
  readonly log: Log;
  readonly node: MetaNode;
  readonly rpc: Pick<RpcClient, 'call' | 'stream'>;
  readonly announcements: Announcements;
  readonly leases: Leases;
  readonly copies: Pick<CopyKeeper, 'copy' | 'kill'>;
  readonly plans: Pick<PlanKeeper, 'propose' | 'begin' | 'pause' | 'stop'>;
  /** Left out where `pprof-enabled` is false. */
  readonly profiler?: Profiler | undefined;
  /** Asks another meta node's `/status`. */
  readonly probe: ProbeMeta;
  readonly requestId: () => string;
  /** TLS over each connection; left out, they speak plain HTTP. */
  readonly secureSockets?: SecureSockets | undefined;
}

export interface MetaApiOptions {
  readonly version: string;
  /** host:8091 and host:8089, as others reach them. */
  readonly httpAddress: string;
  readonly tcpAddress: string;
  readonly dataNodesMax: number;
  readonly tracing: boolean;
  /** `ldap-allowed`: an LDAP configuration may be enabled. */
  readonly allowsLdap?: boolean;
  readonly identities: MetaIdentities;
  /** Left out where anyone may come in. */
  readonly access?: MetaAccess | undefined;
}

export interface MetaApi {
  readonly ports: MetaApiPorts;
  readonly options: MetaApiOptions;
  /** Of requests that add, move or remove data nodes. */
  readonly turns: NodeTurns;
}
