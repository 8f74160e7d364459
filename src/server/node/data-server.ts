import { MiB } from '../../base/units.ts';
import type { Env } from '../../env/env.ts';
import { NodeDirectory } from '../../env/node/directory/node-directory.ts';
import { nodeRawSockets } from '../../env/node/network/node-raw-sockets.ts';
import { listenOnUnixSocket, type UnixListener } from '../../env/node/network/unix-listener.ts';
import type { SecureSockets } from '../../env/secure-sockets.ts';
import { createDataApi } from '../../http/data/data-api.ts';
import type { AccessOptions } from '../../http/data/access/access-options.ts';
import type { DataApiOptions, DataApiPorts } from '../../http/data/data-api-options.ts';
import type { NodeHealth } from '../../http/data/health-route.ts';
import { healthStatistics } from '../../http/data/health-statistics.ts';
import { entitlements, type License } from '../../license/license.ts';
import type { Diagnostic } from '../../telemetry/statistics.ts';
import { openSecureSockets, secureSettings } from './secure-http.ts';
import { dataPortSettings, openDataPort, secureListening } from './secure-peers.ts';
import { listenAt } from './addresses.ts';
import { hearOfUsers } from './hear-of-users.ts';
import { openLogFiles, type LogFiles } from './log-files.ts';
import { markForm } from './form-mark.ts';
import { lockFolders } from '../../env/lock-folders.ts';
import { openDebugProfiles } from './debug-profiles.ts';
import { configDiagnostics } from './config-diagnostics.ts';
import type { DataConfig } from './data-config.ts';
import { openListeners, type Listeners } from './listeners/open-listeners.ts';
import { startDataNode, type DataNode, type DataNodeOptions } from './data-node.ts';
import type { LicenseKeeper } from '../license/license-keeper.ts';
import { passwordVars } from './password-policy.ts';
import { processDiagnostics, processVars, RuntimeStatistics, shownConfig } from './monitor.ts';
import type { DaemonEnv, RunningServer } from '../daemon/run-daemon.ts';
import { requestIds, version } from '../daemon/version.ts';
import { workerCountOf } from './worker-count.ts';

const bodiesBytesMax = 256 * MiB;
const clientIdleMs = 10_000;
const readerIdleMs = 60_000;

/** SIGHUP reads the certificate anew. */
export interface DataServer extends RunningServer {
  reload(changed: DataConfig): void;
}

/** Builds and starts a data node with its HTTP API (spec 1.4, 1.5, 4). */
export async function startDataServer(
  env: DaemonEnv,
  config: DataConfig,
  options: Omit<DataNodeOptions, 'license'> & { readonly licenses: LicenseKeeper },
): Promise<DataServer> {
  const { clock, jobs, log } = env;
  const { licenses } = options;
  const license = licenses.current;
  const profiles = await openDebugProfiles(env, config);
  const secure = await openSecureSockets(env, config);
  const peers = await openDataPort(env, config);
  const folders = foldersOf(config);
  const locks = await lockFolders(env.disk, folders);
  await markForm(env.disk, config.get('meta', 'dir'));
  const workers = workerCountOf(license, options.coreCount);
  log.info('Engine workers', { workers, licensed: license.coresMax, cores: options.coreCount });
  const logs = await openLogFiles(env, config);
  const hostname = config.get('', 'hostname');
  const ofProcess = processDiagnostics(clock, { hostname, coreCount: options.coreCount });
  const diagnostics = () => [...ofProcess(), ...configDiagnostics(config)];
  const opened: { listeners?: Listeners } = {};
  const node = await startDataNode(env, config, {
    ...options,
    license,
    queryLog: logs.queryLog,
    diagnostics: () => [...diagnostics(), ...(opened.listeners?.diagnostics() ?? [])],
    isMonitored: true,
    directory: new NodeDirectory(),
    port: secureListening(env, peers),
  });
  const runtime = new RuntimeStatistics();
  node.statistics.add(() => runtime.read());
  node.statistics.add(async () => healthStatistics(await healthOf(node)));
  const shown = { vars: () => ({ ...varsOf(config, diagnostics(), licenses.current), memstats: runtime.memstats() }) }; // prettier-ignore
  const api = createDataApi(
    apiPorts(env, config, { node, secure, logs, shown }),
    apiOptions(config),
  );
  if (config.get('http', 'auth-enabled')) await hearOfUsers({ meta: node.meta, log });
  const unix = await listenOnHttp(api, config, { log, https: secure !== undefined });
  const listeners = await openListeners(config, { ...env, ...node });
  opened.listeners = listeners;
  return {
    reload: (changed) => {
      logs.reopen();
      node.antiEntropy.reload(changed);
      void secure?.reload(secureSettings(changed));
      const ofPort = dataPortSettings(changed);
      if (ofPort !== undefined) void peers?.reload(ofPort);
    },
    close: async () => {
      if (config.get('cluster', 'termination-query-log')) node.registry.logRunning();
      // Points whose database is not there, and statements, wait for a leader.
      node.meta.hasten();
      await listeners.close();
      unix?.close();
      await api.close();
      await node.close();
      peers?.close();
      await logs.close();
      await profiles?.close();
      await jobs.close();
      await locks.release();
    },
  };
}

interface ApiParts {
  readonly node: DataNode;
  readonly secure: SecureSockets | undefined;
  readonly logs: LogFiles;
  readonly shown: Pick<DataApiPorts, 'vars'>;
}

function apiPorts(
  env: DaemonEnv,
  config: DataConfig,
  { node, secure, logs, shown }: ApiParts,
): DataApiPorts {
  const { clock, jobs, random, log } = env;
  const { writer, executor, statistics, ldap } = node;
  return {
    clock,
    jobs,
    random,
    log: log.child('httpd'),
    accessLine: logs.accessLine,
    writer,
    executor,
    settleCatalog: () => node.meta.settle(),
    statistics,
    ldap,
    profiler: config.get('http', 'pprof-enabled') ? env.profiler : undefined,
    ...shown,
    health: () => healthOf(node),
    repairs: repairsOf(node),
    // What is encrypted goes through Node's HTTP.
    rawSockets: secure === undefined ? nodeRawSockets : undefined,
    secureSockets: secure,
    requestId: requestIds(env),
  };
}

async function healthOf({ local, hints, meta }: DataNode): Promise<NodeHealth> {
  const { failing, ...health } = await local.facts.health();
  return { ...health, failing: [...failing, ...hints.failing], isMember: meta.isJoined };
}

function repairsOf({ meta, local, antiEntropy: { repairs } }: DataNode): DataApiPorts['repairs'] {
  return {
    catalog: () => meta.catalog,
    nodeId: () => meta.nodeId,
    states: () => local.facts.states(),
    repairs,
  };
}

/** What `/debug/vars` says beside the statistics. */
function varsOf(
  config: DataConfig,
  diagnostics: readonly Diagnostic[],
  license: License,
): Readonly<Record<string, unknown>> {
  return {
    ...processVars(diagnostics),
    crypto: passwordVars(config),
    entitlements: entitlements(license),
    config: shownConfig(config.shown('data')),
    // Not measured: writes of compactions wait for the throttle, and are not counted.
    stats: { 'compact-throughput-usage-percentage': 0 },
  };
}

async function listenOnHttp(
  api: ReturnType<typeof createDataApi>,
  config: DataConfig,
  { log, https }: Pick<Env, 'log'> & { readonly https: boolean },
): Promise<UnixListener | undefined> {
  if (!config.get('http', 'enabled')) return undefined;
  if (config.get('http', 'auth-enabled') && config.get('http', 'shared-secret') === '')
    log.info('Auth is enabled but shared-secret is blank. BearerAuthentication is disabled.');
  const addr = config.get('http', 'bind-address');
  await listenAt(api, addr);
  log.info('Listening on HTTP', { addr, https });
  if (!config.get('http', 'unix-socket-enabled')) return undefined;
  const path = config.get('http', 'bind-socket');
  const permissions = config.get('http', 'unix-socket-permissions');
  const settings = { path, permissions, group: config.get('http', 'unix-socket-group') };
  // Plain also where others are encrypted, as in the reference: whoever may open it is on this machine.
  const unix = await listenOnUnixSocket(settings, api.acceptPlain);
  log.info('Listening on unix socket', { addr: path });
  return unix;
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
    accessLog: {
      isEnabled: config.get('http', 'log-enabled'),
      statusFilters: config.get('http', 'access-log-status-filters'),
      leavesWritesOut: config.get('http', 'suppress-write-log'),
    },
    tracesWrites: config.get('http', 'write-tracing'),
    headers: config.get('http', 'headers'),
    connectionsMax: config.get('http', 'max-connection-limit'),
    access: accessOptions(config),
    countsUserBytes: config.get('http', 'user-query-bytes-enabled'),
    throttle: {
      concurrentMax: config.get('http', 'max-concurrent-write-limit'),
      enqueuedMax: config.get('http', 'max-enqueued-write-limit'),
      enqueuedTimeoutMs: config.get('http', 'enqueued-write-timeout'),
    },
    bodiesBytesMax,
    idleMs: clientIdleMs,
    readerIdleMs,
  };
}

function accessOptions(config: DataConfig): AccessOptions {
  return {
    isEnabled: config.get('http', 'auth-enabled'),
    guardsPing: config.get('http', 'ping-auth-enabled'),
    guardsProfiles: config.get('http', 'pprof-auth-enabled'),
    guardsPrometheusReads: config.get('http', 'prom-read-auth-enabled'),
    sharedSecret: config.get('http', 'shared-secret'),
    realm: config.get('http', 'realm'),
  };
}

function foldersOf(config: DataConfig): readonly string[] {
  const folders = [config.get('meta', 'dir'), config.get('data', 'dir'), config.get('data', 'wal-dir')]; // prettier-ignore
  const hasHints = config.get('hinted-handoff', 'enabled');
  return hasHints ? [...folders, config.get('hinted-handoff', 'dir')] : folders;
}
