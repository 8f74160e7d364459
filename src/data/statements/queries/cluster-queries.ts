import { DbError } from '../../../base/errors.ts';
import { formatGoDuration } from '../../../influxql/duration.ts';
import type { MetaAccess } from '../../../meta/client/meta-access.ts';
import type { OutputSeries } from '../../../query/emit/result.ts';
import type { RpcClient } from '../../../rpc/rpc-client.ts';
import { serveCall, type ServedMethod } from '../../../rpc/served-method.ts';
import type { QueryRegistry, RunningQuery } from './query-registry.ts';
import { killQueryMethod, listQueriesMethod } from './query-methods.ts';

const askDeadlineMs = 5_000;

/** SHOW QUERIES and KILL QUERY over all data nodes (spec F59, F60). A node that does not answer is left out. */
export class ClusterQueries {
  readonly #registry: QueryRegistry;
  readonly #meta: MetaAccess;
  readonly #rpc: RpcClient;

  constructor(registry: QueryRegistry, meta: MetaAccess, rpc: RpcClient) {
    this.#registry = registry;
    this.#meta = meta;
    this.#rpc = rpc;
  }

  /** What this node answers to the others. */
  get methods(): readonly ServedMethod[] {
    return [
      serveCall(listQueriesMethod, () => Promise.resolve({ queries: this.#registry.list() })),
      serveCall(killQueryMethod, ({ id }) => {
        this.#registry.kill(id);
        return Promise.resolve({});
      }),
    ];
  }

  async show(): Promise<OutputSeries> {
    const parts = await Promise.all(
      this.#meta.catalog.dataNodes.map(async ({ id, tcpAddress }) => {
        const queries = await this.#queriesOf(id, tcpAddress);
        return queries.map((query) => [
          query.id,
          id,
          tcpAddress,
          query.text,
          query.database,
          formatGoDuration(shortened(query.durationNs)),
          query.status,
          query.user,
        ]);
      }),
    );
    const columns = 'qid node_id tcp_host query database duration status user'.split(' ');
    return { kind: 'rows', columns, rows: parts.flat() };
  }

  /** `host` is the TCP address of a data node; '' is this one. */
  async kill(id: number, host: string): Promise<void> {
    const node = this.#meta.catalog.dataNodes.find(({ tcpAddress }) => tcpAddress === host);
    if (host !== '' && node === undefined)
      throw new DbError('node_not_found', `node not found: ${host}`);
    if (node === undefined || node.id === this.#meta.nodeId) this.#registry.kill(id);
    else await this.#rpc.call(host, killQueryMethod, { id }, { deadlineMs: askDeadlineMs });
  }

  async #queriesOf(nodeId: number, address: string): Promise<readonly RunningQuery[]> {
    if (nodeId === this.#meta.nodeId) return this.#registry.list();
    try {
      const options = { deadlineMs: askDeadlineMs };
      return (await this.#rpc.call(address, listQueriesMethod, {}, options)).queries;
    } catch {
      return [];
    }
  }
}

/** Cut to whole seconds, milliseconds or microseconds, as the reference shows it. */
function shortened(durationNs: bigint): bigint {
  for (const unitNs of [1_000_000_000n, 1_000_000n, 1_000n])
    if (durationNs >= unitNs) return durationNs - (durationNs % unitNs);
  return durationNs;
}
