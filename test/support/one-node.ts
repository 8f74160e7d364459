import type { Duplex } from 'node:stream';
import type { PasswordScheme } from '../../src/env/password-scheme.ts';
import { MiB } from '../../src/base/units.ts';
import { LocalShards } from '../../src/data/engine/local-shards.ts';
import { ClusterShards } from '../../src/data/shards/cluster-shards.ts';
import { HeldPledges } from '../../src/data/shards/pledges/held-pledges.ts';
import { ClusterQueries } from '../../src/data/statements/queries/cluster-queries.ts';
import { QueryRegistry } from '../../src/data/statements/queries/query-registry.ts';
import { SelectAccounts } from '../../src/query/run/select-limits.ts';
import { StatementExecutor } from '../../src/data/statements/statement-executor.ts';
import { LaggingOwners } from '../../src/data/shards/lagging-owners.ts';
import { noHints } from '../../src/data/write/hint-sink.ts';
import { OwnerShares } from '../../src/data/write/owner-shares.ts';
import { StampClock } from '../../src/data/write/stamp-clock.ts';
import { PointsWriter } from '../../src/data/write/points-writer.ts';
import type { Env } from '../../src/env/env.ts';
import { nodeRawSockets } from '../../src/env/node/network/node-raw-sockets.ts';
import { createNodeEnv } from '../../src/env/node/node-env.ts';
import type { RpcTransport } from '../../src/env/transport.ts';
import { openAccess, type AccessOptions } from '../../src/http/data/access/access-options.ts';
import type { AccessLogOptions } from '../../src/http/data/requests/access-log.ts';
import { createDataApi } from '../../src/http/data/data-api.ts';
import { Statistics } from '../../src/telemetry/statistics.ts';
import { RpcClient } from '../../src/rpc/rpc-client.ts';
import { MemoryMeta } from './memory-meta.ts';

export { MemoryMeta } from './memory-meta.ts';

export interface OneNode {
  readonly env: Env;
  readonly writer: PointsWriter;
  readonly statistics: Statistics;
  readonly url: string;
  readonly meta: MemoryMeta;
  /** Takes a connection that did not come by its address. */
  readonly acceptPlain: (socket: Duplex) => void;
  readonly close: () => Promise<void>;
}

/** What a hash costs is no matter of who asks for answers: at the cost of a node each takes a sixth of a second. */
const passwordScheme: PasswordScheme = { kind: 'bcrypt', cost: 4 };

/** A data node in this process, without metas: the real engine workers, storage and HTTP API. */
export async function startOneNode(
  folder: string,
  options: {
    readonly workerCount: number;
    readonly access?: AccessOptions;
    readonly headers?: Readonly<Record<string, string>>;
    readonly connectionsMax?: number;
    /** Hears each line of the access log. */
    readonly accessLine?: (line: string) => void;
    readonly accessLog?: Partial<AccessLogOptions>;
  },
): Promise<OneNode> {
  const env = createNodeEnv({
    log: { format: 'logfmt', level: 'error' },
    engineWorkerUrl: new URL('../../src/server/node/engine-worker.ts', import.meta.url),
    createTransport: () => ({}) as RpcTransport,
  });
  const { clock, random, log, jobs } = env;
  const meta = new MemoryMeta();
  const addresses = { httpAddress: 'localhost:8086', tcpAddress: 'localhost:8088' };
  await meta.execute({ kind: 'create-data-node', ...addresses, dataNodesMax: 1 });
  const local = await LocalShards.start(env.engines, options.workerCount, {
    dataFolder: `${folder}/data`,
    walFolder: `${folder}/wal`,
    segmentBytesMax: 10 * MiB,
    queueBytesMax: 64 * MiB,
    arenaBytesMax: 512 * MiB,
    snapshotBytes: 25 * MiB,
    snapshotColdMs: 600_000,
    cacheBytesMax: 1_024 * MiB,
    memtablesBytesMax: 256 * MiB,
    compaction: { fullColdMs: 14_400_000, fileBytesMax: 2_048 * MiB, bytesPerSecond: 48 * MiB, burstBytes: 48 * MiB }, // prettier-ignore
  });
  const rpc = new RpcClient(env.transport, { credentials: () => ({}) });
  const shards = new ClusterShards(meta, local, {
    rpc,
    missedAt: () => 0,
    pledges: new HeldPledges({ clock, log, meta }),
  });
  const registry = new QueryRegistry({ clock, log });
  const queries = new ClusterQueries(registry, meta, rpc);
  const statistics = new Statistics();
  const base = {
    clock,
    random,
    meta,
    shards,
    log,
    jobs,
    passwordScheme,
    registry,
    queries,
    statistics,
  };
  const [routeLines, partBatch] = [local.routeLines.bind(local), local.partBatch.bind(local)];
  const lagging = new LaggingOwners(
    () => true,
    () => 0,
  );
  const shares = new OwnerShares(
    {
      localNodeId: () => 1,
      clusterId: () => 1n,
      shards,
      hintsOf: () => noHints,
      handOver: { settle: (_nodeId, _batch, outcome) => Promise.resolve(outcome) },
      onReached: () => undefined,
      onLost: () => undefined,
    },
    { callDeadlineMs: 10_000, run: 1 },
  );
  const stamps = new StampClock({ clock, random, nodeId: () => 1 });
  const writer = new PointsWriter({ clock, stamps, meta, shares, lagging, routeLines, partBatch });
  const executor = new StatementExecutor({
    ...base,
    diagnostics: () => [],
    indexBytes: () => local.facts.indexBytes(),
    stamps,
    keepDelete: () => Promise.resolve(),
    heardByAll: () => Promise.resolve(),
    turn: () => clock.sleep(0),
    accounts: new SelectAccounts(),
    writeLines: (request) =>
      writer.write({ ...request, stepNs: 1n, level: 'any', timeoutMs: 10_000 }),
  });
  let requests = 0;
  const api = createDataApi(
    {
      clock,
      jobs,
      random,
      log,
      accessLine: options.accessLine ?? (() => undefined),
      writer,
      executor,
      statistics,
      vars: () => ({}),
      health: () =>
        Promise.resolve({ opened: 0, total: 0, damaged: [], failing: [], isMember: true }),
      rawSockets: nodeRawSockets,
      requestId: () => `${++requests}`,
    },
    {
      version: '1.12.4-c1.12.4',
      bindAddress: '127.0.0.1:0',
      bodyBytesMax: 25_000_000,
      rowsMax: 0,
      bucketsMax: 0,
      queryTimeoutMs: 0,
      writeTimeoutMs: 10_000,
      accessLog: {
        isEnabled: options.accessLine !== undefined,
        statusFilters: [],
        leavesWritesOut: false,
        ...options.accessLog,
      },
      tracesWrites: false,
      headers: options.headers ?? {},
      connectionsMax: options.connectionsMax ?? 0,
      access: options.access ?? openAccess,
      countsUserBytes: false,
      throttle: {
        concurrentMax: 0,
        enqueuedMax: 0,
        enqueuedTimeoutMs: 30_000,
      },
      bodiesBytesMax: 256 * MiB,
      idleMs: 10_000,
      readerIdleMs: 60_000,
    },
  );
  const url = await api.listen({ host: '127.0.0.1', port: 0 });
  const { acceptPlain } = api;
  const close = async (): Promise<void> => {
    await api.close();
    await local.close();
    await jobs.close();
  };
  return { url, env, meta, writer, statistics, acceptPlain, close };
}
