import { DbError } from '../../../base/errors.ts';
import { formatGoDuration } from '../../../influxql/duration.ts';
import type { MetaAccess } from '../../../meta/client/meta-access.ts';
import type { OutputSeries, ResultMessage } from '../../../query/emit/result.ts';
import type { RpcClient } from '../../../rpc/rpc-client.ts';
import { serveCall, type ServedMethod } from '../../../rpc/served-method.ts';
import type { Principal } from '../principal.ts';
import type { QueryRegistry, RunningQuery } from './query-registry.ts';
import { killQueryMethod, listQueriesMethod } from './query-methods.ts';

/**
 * A list that is in memory takes a node no time, and nothing keeps its main thread for so long. One that stands still must
 * not keep whoever looks for a query to kill: a second later there is an answer.
 */
const listDeadlineMs = 800;
/** There is nothing else to say to who kills a query of one node than what it answers. */
const killDeadlineMs = 5_000;

export interface ShownQueries {
  readonly series: OutputSeries;
  /** Of each node that did not answer, whose queries are left out. */
  readonly messages: readonly ResultMessage[];
}

/** SHOW QUERIES and KILL QUERY over all data nodes (spec F59, F60). A node that does not answer is left out. */
export class ClusterQueries {
  readonly #registry: QueryRegistry;
  readonly #meta: Pick<MetaAccess, 'catalog' | 'nodeId'>;
  readonly #rpc: RpcClient;

  constructor(
    registry: QueryRegistry,
    meta: Pick<MetaAccess, 'catalog' | 'nodeId'>,
    rpc: RpcClient,
  ) {
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

  /** Those that `principal` may see: of databases that they may read, as of release 1.12.4. */
  async show(principal: Principal, signal: AbortSignal): Promise<ShownQueries> {
    const { dataNodes } = this.#meta.catalog;
    const asked = dataNodes.map(({ id, tcpAddress }) => this.#queriesOf(id, tcpAddress, signal));
    const answers = await Promise.all(asked);
    const rows = dataNodes.flatMap(({ id, tcpAddress }, i) => {
      const seen = answers[i]?.filter(({ database }) => maySee(principal, database)) ?? [];
      return seen.map((query) => [
        query.id,
        id,
        tcpAddress,
        query.text,
        query.database,
        formatGoDuration(shortened(query.durationNs)),
        query.status,
        query.user,
      ]);
    });
    const silent = dataNodes.filter((_, i) => answers[i] === undefined);
    const messages = silent.map(({ tcpAddress }) => ({ level: 'warning', text: `data node ${tcpAddress} does not answer, its queries are left out` })); // prettier-ignore
    const columns = 'qid node_id tcp_host query database duration status user'.split(' ');
    return { series: { kind: 'rows', columns, rows }, messages };
  }

  /** `host` is the TCP address of a data node; '' is this one. */
  async kill(id: number, host: string): Promise<void> {
    const node = this.#meta.catalog.dataNodes.find(({ tcpAddress }) => tcpAddress === host);
    if (host !== '' && node === undefined)
      throw new DbError('node_not_found', `node not found: ${host}`);
    if (node === undefined || node.id === this.#meta.nodeId) this.#registry.kill(id);
    else await this.#rpc.call(host, killQueryMethod, { id }, { deadlineMs: killDeadlineMs });
  }

  /** Undefined where the node does not answer. */
  async #queriesOf(
    nodeId: number,
    address: string,
    signal: AbortSignal,
  ): Promise<readonly RunningQuery[] | undefined> {
    if (nodeId === this.#meta.nodeId) return this.#registry.list();
    try {
      const options = { deadlineMs: listDeadlineMs, signal };
      return (await this.#rpc.call(address, listQueriesMethod, {}, options)).queries;
    } catch {
      return undefined;
    }
  }
}

/** Who may end queries sees them, too. */
function maySee({ isAdmin, holds, may }: Principal, database: string): boolean {
  return isAdmin || database === '' || holds('ManageQuery', database) || may('read', database);
}

/** Cut to whole seconds, milliseconds or microseconds, as the reference shows it. */
function shortened(durationNs: bigint): bigint {
  for (const unitNs of [1_000_000_000n, 1_000_000n, 1_000n])
    if (durationNs >= unitNs) return durationNs - (durationNs % unitNs);
  return durationNs;
}
