import { DbError } from '../../base/errors.ts';
import type { Config } from '../../config/config.ts';
import type { metaKeys } from '../../config/meta-keys.ts';
import type { Env } from '../../env/env.ts';
import type { KvStore } from '../../env/kv.ts';
import { NodeDirectory } from '../../env/node/directory/node-directory.ts';
import { LdapUsers, notRemembered } from '../../ldap/ldap-users.ts';
import { PasswordChecks } from '../../http/access/password-checks.ts';
import { createMetaApi } from '../../http/meta/meta-api.ts';
import type { ProbeMeta } from '../../http/meta/meta-api-options.ts';
import type { MetaAccess } from '../../http/meta/meta-gate.ts';
import type { License } from '../../license/license.ts';
import { announceMethod, type Announcement } from '../../meta/client/meta-methods.ts';
import { announceTo, Announcements, anyOf } from '../../meta/server/announcements.ts';
import { CopyKeeper } from '../../meta/server/copy-keeper.ts';
import { PlanKeeper } from '../../meta/server/plan-keeper.ts';
import { Leases } from '../../meta/server/leases.ts';
import { MetaNode } from '../../meta/server/meta-node.ts';
import { endingCalls } from '../../rpc/ending-calls.ts';
import { RpcClient } from '../../rpc/rpc-client.ts';
import { createRpcHandlers } from '../../rpc/rpc-service.ts';
import { serveCall, type ServedMethod } from '../../rpc/served-method.ts';
import { probeMeta } from './probe-meta.ts';
import { tickMs, ticksOf } from './raft-ticks.ts';
import { metaPortSettings, openMetaPorts, secureListening } from './secure-peers.ts';
import { passwordSchemeOf } from './password-policy.ts';
import { advertised, listenAt } from './addresses.ts';
import { markForm } from './form-mark.ts';
import { metaLog } from './meta-log.ts';
import type { RunningServer } from '../daemon/run-daemon.ts';
import { announcedVersion, requestIds, version } from '../daemon/version.ts';

const snapshotEntries = 1_024;

export interface MetaServerOptions {
  readonly license: License;
  readonly onFatal: (error: unknown) => void;
  readonly isSingleServer: boolean;
}

/** SIGHUP reads the certificate anew. */
export interface MetaServer extends RunningServer {
  readonly reload: (changed: Config<typeof metaKeys>) => void;
}

/** Builds and starts a meta node (spec 1.2). */
export async function startMetaServer(
  env: Env,
  config: Config<typeof metaKeys>,
  { license, onFatal, isSingleServer }: MetaServerOptions,
): Promise<MetaServer> {
  const { clock, random, transport } = env;
  const log = metaLog(env.log, config.get('meta', 'logging-enabled'));
  const secrets = secretsOf(config);
  const hostname = config.get('', 'hostname');
  const bind = config.get('meta', 'bind-address');
  const httpBind = config.get('meta', 'http-bind-address');
  const [tcpAddress, httpAddress] = [advertised(hostname, bind), advertised(hostname, httpBind)];
  const secureSockets = await openMetaPorts(env, config);
  const kv = await openStore(env, config.get('meta', 'dir'));
  const node = await MetaNode.open(
    { clock, random, log: log.child('raft'), kv, transport, onFatal },
    { httpAddress, tcpAddress, tickMs, snapshotEntries, ...ticksOf(config), ...raftAuthOf(config), makesBareDatabases: !config.get('meta', 'retention-autocreate') }, // prettier-ignore
  );
  // Who administrates comes seldom: the servers are asked each time.
  const ldap = new LdapUsers({ ...env, log: log.child('ldap'), directory: new NodeDirectory(), config: () => node.catalog.ldap }, notRemembered); // prettier-ignore
  const identities = { ldap, passwords: new PasswordChecks(env.jobs, random) };
  const rpc = new RpcClient(transport, node.membership);
  const announcements = new Announcements(clock, config.get('meta', 'announcement-expiration'));
  const leases = new Leases({ clock, node }, { durationMs: config.get('meta', 'lease-duration') });
  const { copies, plans } = startKeepers({ clock, log }, config, { node, rpc });
  const methods = [...node.methods, ...leases.methods, noting(announcements)];
  const port = secureListening(env, secureSockets);
  const listener = await transport.listen(bind, createRpcHandlers(node.membership, methods), port);
  const self = announcementOf(tcpAddress, secureSockets !== undefined);
  const gossiper = startGossip(config, { clock, random, node, announcements, self });
  const ending = new AbortController();
  const known = { node, rpc: endingCalls(rpc, ending.signal), announcements, leases, copies, plans }; // prettier-ignore
  const api = createMetaApi(
    {
      ...known,
      ...{ clock, random, jobs: env.jobs, passwordScheme: passwordSchemeOf(config) },
      log: log.child('meta'),
      profiler: config.get('meta', 'pprof-enabled') ? env.profiler : undefined,
      // Anybody may listen there: a token goes only where nodes ask who comes.
      probe: metaProbe(config, () => secrets && node.membership.credentials('newcomer')),
      requestId: requestIds(env),
      secureSockets,
    },
    {
      ...{ version, httpAddress, tcpAddress, identities },
      dataNodesMax: license.dataNodesMax,
      tracing: config.get('meta', 'cluster-tracing'),
      allowsLdap: config.get('meta', 'ldap-allowed'),
      access: secrets && { ...identities, ...secrets },
    },
  );
  // One meta node that is a cluster by itself (spec F9); one that has joined stays what it is.
  if (isSingleServer && !node.isJoined) await node.found();
  await listenAt(api, httpBind);
  env.log.info('Listening', { http: httpBind, raft: bind });
  return {
    reload: (changed) => {
      const settings = metaPortSettings(changed);
      if (settings !== undefined) void secureSockets?.reload(settings);
    },
    close: async () => {
      gossiper.cancel();
      for (const keeper of [plans, copies]) await keeper.close();
      ending.abort(new DbError('shutdown', 'the node stops'));
      await api.close();
      // While the others' answers still come in: with the listener closed nobody could take over.
      await node.stepAside();
      await listener.close();
      secureSockets?.close();
      await node.close();
      await kv.close();
    },
  };
}

function announcementOf(tcpAddress: string, isSecure: boolean): Announcement {
  return { tcpAddress, version: announcedVersion, ...(isSecure && { httpScheme: 'https' }) };
}

/** Asks by TLS where this node itself speaks it: all metas of a cluster do, or none (spec F100). */
function metaProbe(
  config: Config<typeof metaKeys>,
  headers: () => Readonly<Record<string, string>> | undefined,
): ProbeMeta {
  const isSecure = config.get('meta', 'https-enabled');
  const trust = isSecure ? { isVerified: !config.get('meta', 'https-insecure-tls') } : undefined;
  return (address) => probeMeta(address, { headers: headers(), trust });
}

/** Of Raft (spec F92). Without a token nobody is let in where there is a secret, whatever `raft-portal-auth-required` says. */
function raftAuthOf(config: Config<typeof metaKeys>): {
  readonly secret: string;
  readonly provesPeers: boolean;
} {
  const secret = config.get('meta', 'internal-shared-secret');
  const isPortalGuarded = config.get('meta', 'raft-portal-auth-required');
  const provesPeers = config.get('meta', 'raft-dialer-auth-required');
  const refused = (text: string): DbError => new DbError('invalid_argument', text);
  if (isPortalGuarded && secret === '')
    throw refused('internal-shared-secret is blank and must be set in config when raft-portal-auth-required is enabled'); // prettier-ignore
  // As the reference's documents ask for it: a portal that asks nobody could not be trusted with what a dialer shows.
  if (provesPeers && !isPortalGuarded)
    throw refused('raft-portal-auth-required must be enabled when raft-dialer-auth-required is');
  return { secret, provesPeers };
}

/** Throws the reference's text where nodes could not show that they are some. */
function secretsOf(
  config: Config<typeof metaKeys>,
): Pick<MetaAccess, 'sharedSecret' | 'internalSecret'> | undefined {
  if (!config.get('meta', 'auth-enabled')) return undefined;
  const internalSecret = config.get('meta', 'internal-shared-secret');
  if (internalSecret === '')
    throw new DbError('invalid_argument', 'internal-shared-secret is blank and must be set in config when auth is enabled'); // prettier-ignore
  const sharedSecret = config.get('meta', 'shared-secret');
  return { sharedSecret, internalSecret };
}

async function openStore({ disk, kv }: Env, folder: string): Promise<KvStore> {
  await markForm(disk, folder);
  return kv.open(folder);
}

/** What sees copies and moves of shards through, while this node leads. */
function startKeepers(
  { clock, log }: Pick<Env, 'clock' | 'log'>,
  config: Config<typeof metaKeys>,
  ports: { readonly node: MetaNode; readonly rpc: RpcClient },
): { readonly copies: CopyKeeper; readonly plans: PlanKeeper } {
  const copies = new CopyKeeper({ ...ports, clock, log: log.child('copy') });
  const options = {
    movesAtOnce: config.get('meta', 'rebalance-concurrency'),
    restoreAfterMs: config.get('meta', 'restore-silent-after'),
  };
  const plans = new PlanKeeper({ ...ports, copies, clock, log: log.child('plan') }, options);
  return { copies, plans };
}

interface GossipPorts {
  readonly clock: Env['clock'];
  readonly random: Env['random'];
  readonly node: MetaNode;
  readonly announcements: Announcements;
  readonly self: Announcement;
}

/** Tells the other metas of this one and of those that it has heard of: all at the start, then one now and then. */
function startGossip(config: Config<typeof metaKeys>, ports: GossipPorts): { cancel(): void } {
  const { clock, random, node, announcements, self } = ports;
  const others = (): readonly string[] => {
    const addresses = node.catalog.metaNodes.map((one) => one.tcpAddress);
    return addresses.filter((address) => address !== self.tcpAddress);
  };
  const gossip = (addresses: readonly string[]): void => {
    announcements.note(self);
    void announceTo(node.peers, addresses, { ...self, heard: announcements.heard });
  };
  gossip(others());
  return clock.every(config.get('meta', 'gossip-frequency'), () => {
    gossip(anyOf(others(), random));
  });
}

function noting(announcements: Announcements): ServedMethod {
  return serveCall(announceMethod, (announcement) => {
    announcements.note(announcement);
    return Promise.resolve({});
  });
}
