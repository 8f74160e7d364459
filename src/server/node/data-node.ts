import { passwordSchemeOf } from './password-policy.ts';
import { ingressUsers } from '../../data/engine/ingress-users.ts';
import type { DataConfig } from './data-config.ts';
import type { GivenPledges } from '../../data/shards/pledges/given-pledges.ts';
import { LocalShards } from '../../data/engine/local-shards.ts';
import { ingressStatistics } from '../../data/engine/ingress-statistics.ts';
import { shardStatistics, type ShardFolders } from '../../data/engine/shard-statistics.ts';
import { MonitorService, type MonitorPorts } from '../../services/monitor.ts';
import { UnendedDeletes } from '../../data/engine/unended-deletes.ts';
import { DroppedShards } from '../../data/shards/dropped-shards.ts';
import { HeardCatalogs } from '../../data/shards/heard-catalogs.ts';
import { ServedCounters } from '../../data/shards/served-counters.ts';
import { servedShards } from '../../data/shards/served-shards.ts';
import { runContinuousSelect } from '../../data/statements/continuous-runs.ts';
import {
  ContinuousQuerier,
  type ContinuousRun,
  type RunRecord,
} from '../../cq/continuous-querier.ts';
import { ClusterQueries } from '../../data/statements/queries/cluster-queries.ts';
import { QueryRegistry, type QueryLimits } from '../../data/statements/queries/query-registry.ts';
import { SelectAccounts, type SelectLimits } from '../../query/run/select-limits.ts';
import {
  StatementExecutor,
  type StatementPorts,
} from '../../data/statements/statement-executor.ts';
import type { PointsWriter } from '../../data/write/points-writer.ts';
import { noDirectory, type Directory } from '../../env/directory.ts';
import type { Env } from '../../env/env.ts';
import type { Log } from '../../env/log.ts';
import type { ListenOptions } from '../../env/transport.ts';
import { databaseStatistics } from '../../hh/hint-databases.ts';
import type { HintedHandoff } from '../../hh/hinted-handoff.ts';
import { servedLdapCache } from '../../ldap/ldap-methods.ts';
import { LdapUsers, rememberedLong } from '../../ldap/ldap-users.ts';
import type { License } from '../../license/license.ts';
import type { MetaClient } from '../../meta/client/meta-client.ts';
import { RpcClient } from '../../rpc/rpc-client.ts';
import {
  Statistics,
  type Diagnostic,
  type DiagnosticTable,
  type Statistic,
} from '../../telemetry/statistics.ts';
import { ImportHandOver, refuseUnfinishedImport } from '../../services/import-hand-over.ts';
import { PrecreationService } from '../../services/precreation.ts';
import { RetentionService, type ServicePorts } from '../../services/retention.ts';
import { endLeaving } from './erase-all.ts';
import { DataListener } from './data-listener.ts';
import type { RunningServer } from '../daemon/run-daemon.ts';
import { openPledges } from './pledges.ts';
import { openSubscriptions } from './subscriptions.ts';
import { servedDigests } from '../../data/copy/served-digests.ts';
import { openAntiEntropy, type AntiEntropyParts } from './anti-entropy.ts';
import { openTransfers } from './transfers.ts';
import { ingressOptions, openMetaAndWorkers } from './meta-and-workers.ts';
import { openWritePath } from './write-path.ts';

export interface DataNodeOptions {
  readonly license: License;
  /** Cores of this machine. */
  readonly coreCount: number;
  readonly onFatal: (error: unknown) => void;
  /** Bytes of a segment of the write-ahead log; 10 MiB when left out. */
  readonly walSegmentBytesMax?: number;
  /** Whether `[monitor]` counts: a simulated cluster has no such points. */
  readonly isMonitored?: boolean;
  /** What SHOW DIAGNOSTICS says; nothing when left out. */
  readonly diagnostics?: () => readonly (Diagnostic | DiagnosticTable)[];
  /** Where statements are told before they run; nowhere when left out. */
  readonly queryLog?: Pick<Log, 'info'> | undefined;
  /** LDAP servers; left out there are none. */
  readonly directory?: Directory | undefined;
  /** What connections of other nodes speak; plain when left out. */
  readonly port?: ListenOptions | undefined;
}

/** A data node without its HTTP API: what a simulated cluster runs too. */
export interface DataNode extends RunningServer {
  readonly meta: MetaClient;
  readonly local: LocalShards;
  readonly writer: PointsWriter;
  readonly executor: StatementExecutor;
  readonly statistics: Statistics;
  readonly registry: QueryRegistry;
  readonly hints: HintedHandoff;
  readonly antiEntropy: AntiEntropyParts;
  readonly ldap: LdapUsers;
}

export async function startDataNode(
  env: Env,
  config: DataConfig,
  options: DataNodeOptions,
): Promise<DataNode> {
  const { clock, log, transport } = env;
  await refuseUnfinishedImport(env.disk, config.get('meta', 'dir'));
  const accounts = SelectAccounts.of(selectLimits(config));
  const { meta, links } = await openMetaAndWorkers(env, config, { ...options, accounts });
  const rpc = new RpcClient(transport, meta.membership);
  const { given, held } = await openPledges(env, config, { meta, rpc });
  const local = openLocal(links, { meta, given, onFatal: options.onFatal });
  const imported = await openImported(env, config, { meta, local });
  const subscribers = await openSubscriptions(env, config, { meta, local });
  const own = subscribers === undefined ? [] : [subscribers];
  const path = await openWritePath(env, config, { meta, local, rpc, subscribers, pledges: held });
  const { writer, shards, owned, deletes, hints, news, stamps, keepDelete, keep } = path;
  const copies = { close: () => path.shares.drained() };
  const registry = new QueryRegistry({ clock, log: log.child('query') }, queryLimits(config));
  const queries = new ClusterQueries(registry, meta, rpc);
  const counters = new ServedCounters();
  const statistics = gathered([registry, hints, writer, counters, local, rpc, ...own]);
  addStored(statistics, config, { hints, meta, local });
  const heard = new HeardCatalogs({ clock, log, meta, rpc });
  const said = {
    meta,
    shards,
    heardByAll: () => heard.hear(),
    registry,
    queries,
    statistics,
    stamps,
    keepDelete,
    writer,
    options,
  };
  const indexBytes = (): Promise<number> => local.facts.indexBytes();
  const ports = statementPorts(env, config, { ...said, accounts, indexBytes });
  const executor = new StatementExecutor(ports);
  const dropped = new DroppedShards({ clock, log, meta, shards: local });
  const unended = new UnendedDeletes({ clock, log, shards: local });
  const services = [
    ...startMonitored(config, { meta, heldMeta: imported.held(meta) }, { ...ports, isMonitored: options.isMonitored === true }), // prettier-ignore
    ...startServices(config, { clock, log, meta }),
  ];
  const transfers = openTransfers(env, config, { meta, local, rpc, deletes });
  const antiEntropy = openAntiEntropy(env, config, { meta, local, shards, rpc, hints, repaired: path.repaired, transfers }); // prettier-ignore
  statistics.add(() => antiEntropy.service?.statistics() ?? []);
  const ldap = openLdap(env, meta, options);
  const port = new DataListener({ env, config, meta, local, imported, transfers, copies, hints, behind: path.behind, port: options.port, onFatal: options.onFatal }); // prettier-ignore
  const listener = await port.listen(
    [
      ...servedShards({ clock, meta, shards: owned, counters, keep, stamps, unsettled: path.inHand.unsettled, settledFor: path.shares.settledFor.bind(path.shares), freshCount: () => writer.writeCount, pledges: given, schemaVersion: () => local.schemaVersion, listVersion: () => local.listVersion }), // prettier-ignore
      ...queries.methods,
      news.method,
      held.method,
      heard.method,
      ...servedDigests({ meta, local: local.digests }),
      ...antiEntropy.repairs.methods,
      ...transfers.methods,
      servedLdapCache(ldap),
    ],
    rpc,
  );
  // Copies reach their owners while calls are still made; those of services that end behind them are queued.
  const calling = [listener, path.unclear, path.heldBatches, path.inHand.passing, copies, transport, antiEntropy, transfers, ...services, ...own]; // prettier-ignore
  // What is being handed over ends with the metas.
  const parts = [...calling, dropped, unended, copies, news, hints, meta, imported, given, held, local, ldap, path.inHand.ended]; // prettier-ignore
  const shown = { meta, local, writer, executor, statistics, registry, hints, antiEntropy, ldap };
  return { ...shown, close: () => closeInTurn(meta, parts) };
}

/** The shards of this node; a worker that dies takes the node along. */
function openLocal(
  links: Parameters<typeof LocalShards.of>[0],
  { meta, given, onFatal }: Pick<DataNodeOptions, 'onFatal'> & { readonly meta: MetaClient; readonly given: GivenPledges }, // prettier-ignore
): LocalShards {
  const local = LocalShards.of(links, {
    clusterId: () => meta.clusterId,
    restoreIndexOf: (shardId) => meta.catalog.databases.shard(shardId)?.shard.restoreIndex,
    whenTold: (listVersion) => given.whenTold(listVersion),
  });
  void local.died.then((error) => {
    if (error !== undefined) onFatal(error);
  });
  return local;
}

/** A node that was ended as it left its cluster has left it by then. */
async function openImported(
  { disk, clock, log }: Env,
  config: DataConfig,
  { meta, local }: { readonly meta: MetaClient; readonly local: LocalShards },
): Promise<ImportHandOver> {
  const ports = { disk, clock, log: log.child('import'), meta };
  const imported = await ImportHandOver.open(ports, config.get('meta', 'dir'));
  await endLeaving(meta, { log, local, imported });
  return imported;
}

/** What is stored here, and came. */
function addStored(
  statistics: Statistics,
  config: DataConfig,
  { hints, meta, local }: { readonly hints: HintedHandoff; readonly meta: MetaClient; readonly local: LocalShards }, // prettier-ignore
): void {
  const folders = foldersOf(config);
  statistics.add(() =>
    databaseStatistics(hints.statistics(), (id) => meta.catalog.databases.shard(id)?.database),
  );
  statistics.add(async () => shardStatistics(await local.facts.numbers(), meta.catalog.databases, folders)); // prettier-ignore
  const ingress = ingressOptions(config);
  if (ingress === undefined) return;
  statistics.add(async () => ingressStatistics(await local.facts.ingress(), ingress));
}

function openLdap(
  { clock, random, log }: Env,
  meta: MetaClient,
  { directory = noDirectory }: DataNodeOptions,
): LdapUsers {
  const config = (): string | undefined => meta.catalog.ldap;
  const ports = { clock, random, log: log.child('ldap'), directory, config };
  return new LdapUsers(ports, rememberedLong);
}

function statementPorts(
  { clock, random, log, jobs }: Env,
  config: DataConfig,
  parts: Pick<StatementPorts, 'meta' | 'shards' | 'accounts' | 'registry' | 'queries' | 'statistics' | 'indexBytes' | 'stamps' | 'keepDelete' | 'heardByAll'> & { readonly writer: PointsWriter; readonly options: DataNodeOptions }, // prettier-ignore
): StatementPorts {
  const { writer, options, ...more } = parts;
  const { diagnostics = () => [], queryLog } = options;
  const timeoutMs = config.get('cluster', 'write-timeout');
  return {
    ...more,
    ...{ clock, random, log, jobs, diagnostics, queryLog },
    passwordScheme: passwordSchemeOf(config),
    turn: () => clock.sleep(0),
    isStrict: config.get('data', 'strict-error-handling'),
    makesBareDatabases: !config.get('meta', 'retention-autocreate'),
    writeLines: (request) =>
      writer.write({
        login: ingressUsers.selectInto,
        ...request,
        stepNs: 1n,
        // Whoever asks is told that no owner has it; a window of a continuous query is done with once it is kept for them.
        level: request.level ?? (request.fence === undefined ? 'one' : 'any'),
        timeoutMs,
      }),
  };
}

async function closeInTurn(
  meta: Pick<MetaClient, 'hasten'>,
  parts: readonly { close(): Promise<void> }[],
): Promise<void> {
  meta.hasten();
  for (const part of parts) await part.close();
}

function gathered(parts: readonly { statistics(): readonly Statistic[] }[]): Statistics {
  const statistics = new Statistics();
  for (const part of parts) statistics.add(() => part.statistics());
  return statistics;
}

function foldersOf(config: DataConfig): ShardFolders {
  return {
    dataFolder: config.get('data', 'dir'),
    walFolder: config.get('data', 'wal-dir'),
    indexType: config.get('data', 'index-version'),
  };
}

function queryLimits(config: DataConfig): QueryLimits {
  return {
    concurrentMax: config.get('cluster', 'max-concurrent-queries'),
    slowAfterMs: config.get('cluster', 'log-queries-after'),
    logsTimedOut: config.get('cluster', 'log-timedout-queries'),
  };
}

function selectLimits(config: DataConfig): SelectLimits {
  return {
    queryBytesMax: config.get('cluster', 'max-query-memory'),
    totalBytesMax: config.get('cluster', 'max-total-query-memory'),
    pointsMax: config.get('cluster', 'max-select-point'),
    seriesMax: config.get('cluster', 'max-select-series'),
  };
}

/** Those that the configuration enables. */
function startServices(
  config: DataConfig,
  { log, ...ports }: ServicePorts,
): readonly { close(): Promise<void> }[] {
  const intervalOf = (section: 'retention' | 'shard-precreation') =>
    config.get(section, 'enabled') ? config.get(section, 'check-interval') : undefined;
  const retentionMs = intervalOf('retention');
  const precreationMs = intervalOf('shard-precreation');
  const services: { close(): Promise<void> }[] = [];
  if (retentionMs !== undefined) {
    const options = { checkIntervalMs: retentionMs };
    services.push(new RetentionService({ ...ports, log: log.child('retention') }, options));
  }
  if (precreationMs !== undefined) {
    const advancePeriodMs = config.get('shard-precreation', 'advance-period');
    const options = { checkIntervalMs: precreationMs, advancePeriodMs };
    services.push(new PrecreationService({ ...ports, log: log.child('shard-precreation') }, options)); // prettier-ignore
  }
  return services;
}

/** Continuous queries and the monitor, which keeps how their runs were. */
function startMonitored(
  config: DataConfig,
  { meta, heldMeta }: { readonly meta: MetaClient; readonly heldMeta: MonitorPorts['meta'] },
  ports: StatementPorts & { readonly isMonitored: boolean },
): readonly { close(): Promise<void> }[] {
  const monitor = ports.isMonitored ? startMonitor(config, heldMeta, ports) : undefined;
  const queriers = startContinuousQuerier(config, meta, { ...ports, monitor });
  return [...queriers, ...(monitor === undefined ? [] : [monitor])];
}

/** Undefined where `[monitor]` stores nothing. */
function startMonitor(
  config: DataConfig,
  meta: MonitorPorts['meta'],
  { clock, log, statistics, writeLines }: StatementPorts,
): MonitorService | undefined {
  if (!config.get('monitor', 'store-enabled')) return undefined;
  return new MonitorService(
    {
      ...{ clock, log: log.child('monitor'), meta, statistics },
      write: (request) => writeLines({ ...request, level: 'any', login: ingressUsers.monitor }),
    },
    {
      database: config.get('monitor', 'store-database'),
      intervalMs: config.get('monitor', 'store-interval'),
      hostname: config.get('', 'hostname'),
    },
  );
}

function startContinuousQuerier(
  config: DataConfig,
  meta: MetaClient,
  ports: StatementPorts & { readonly monitor: MonitorService | undefined },
): readonly ContinuousQuerier[] {
  const section = 'continuous_queries';
  if (!config.get(section, 'enabled')) return [];
  const limits = {
    bucketsMax: config.get('cluster', 'max-select-buckets'),
    timeoutMs: config.get('cluster', 'query-timeout'),
  };
  const { monitor } = ports;
  const isRecorded = monitor !== undefined && config.get(section, 'query-stats-enabled');
  const record = isRecorded
    ? ({ database: db, name: cq, durationNs, writtenCount, startNs, endNs }: RunRecord) => {
        const values = {
          durationNs,
          pointsWrittenOK: writtenCount,
          startTime: startNs,
          endTime: endNs,
        };
        monitor.record({ name: 'cq_query', tags: { db, cq }, values });
      }
    : undefined;
  const run = (one: ContinuousRun) => runContinuousSelect(one, ports, limits);
  const querier = new ContinuousQuerier(
    { clock: ports.clock, log: ports.log.child('continuous_querier'), meta, run, record },
    {
      runIntervalMs: config.get(section, 'run-interval'),
      isLogging: config.get(section, 'log-enabled'),
      parallelism: config.get(section, 'parallelism'),
      lateNs: BigInt(Math.round(config.get(section, 'late-data-window') * 1e6)),
    },
  );
  ports.statistics.add(() => querier.statistics());
  return [querier];
}
