import { inLanes } from '../../base/async/in-lanes.ts';
import { DbError } from '../../base/errors.ts';
import type { LocalShards } from '../../data/engine/local-shards.ts';
import { takesWrites } from '../../meta/model/shard-copies.ts';
import type { Env } from '../../env/env.ts';
import type { ListenOptions } from '../../env/transport.ts';
import type { HintedHandoff } from '../../hh/hinted-handoff.ts';
import {
  dataStatusMethod,
  discardMethod,
  joinDataMethod,
  leaveDataMethod,
  statesMax,
  statesMethod,
  type LeaveRequest,
  type SharedShard,
  type ShardState,
} from '../../meta/client/data-methods.ts';
import type { WaitingHints } from '../../meta/client/hint-news-method.ts';
import type { MetaClient } from '../../meta/client/meta-client.ts';
import { announceTo, anyOf } from '../../meta/server/announcements.ts';
import type { RpcClient } from '../../rpc/rpc-client.ts';
import { createRpcHandlers } from '../../rpc/rpc-service.ts';
import { traced } from '../../rpc/traced-handlers.ts';
import { serveCall, serveStream, type ServedMethod } from '../../rpc/served-method.ts';
import type { ImportHandOver } from '../../services/import-hand-over.ts';
import { advertised } from './addresses.ts';
import { eraseAll } from './erase-all.ts';
import type { DataConfig } from './data-config.ts';
import type { RunningServer } from '../daemon/run-daemon.ts';
import { announcedVersion } from '../daemon/version.ts';
import type { OwnersBehind } from './owners-behind.ts';
import { ReplacedWatch } from './replaced-watch.ts';
import type { Transfers } from './transfers.ts';

/** Each makes a folder and syncs it. */
const lostAtOnce = 16;

interface StatesPart {
  readonly states: readonly ShardState[];
  readonly behind: readonly WaitingHints[];
}

/** The RPC port, 8088: what other nodes ask of this one, and `/status` for influxd-ctl join. */
export class DataListener {
  readonly #env: Env;
  readonly #config: DataConfig;
  readonly #meta: MetaClient;
  readonly #local: LocalShards;
  readonly #imported: ImportHandOver;
  readonly #transfers: Pick<Transfers, 'cancel'>;
  readonly #copies: RunningServer;
  readonly #hints: Pick<HintedHandoff, 'waiting'>;
  readonly #behind: OwnersBehind;
  readonly #port: ListenOptions;
  readonly #onFatal: (error: unknown) => void;
  readonly #tcpAddress: string;
  readonly #httpAddress: string;

  constructor(parts: {
    readonly env: Env;
    readonly config: DataConfig;
    readonly meta: MetaClient;
    readonly local: LocalShards;
    readonly imported: ImportHandOver;
    readonly transfers: Pick<Transfers, 'cancel'>;
    readonly copies: RunningServer;
    readonly hints: Pick<HintedHandoff, 'waiting'>;
    readonly behind: OwnersBehind;
    readonly port?: ListenOptions | undefined;
    readonly onFatal: (error: unknown) => void;
  }) {
    this.#env = parts.env;
    this.#config = parts.config;
    this.#meta = parts.meta;
    this.#local = parts.local;
    this.#imported = parts.imported;
    this.#transfers = parts.transfers;
    this.#copies = parts.copies;
    this.#hints = parts.hints;
    this.#behind = parts.behind;
    this.#port = parts.port ?? {};
    this.#onFatal = parts.onFatal;
    const hostname = parts.config.get('', 'hostname');
    this.#tcpAddress = advertised(hostname, parts.config.get('', 'bind-address'));
    this.#httpAddress = advertised(hostname, parts.config.get('http', 'bind-address'));
  }

  async listen(methods: readonly ServedMethod[], rpc: RpcClient): Promise<RunningServer> {
    const { clock, random, transport } = this.#env;
    const handlers = createRpcHandlers(
      this.#meta.membership,
      [...methods, ...this.#ownMethods(rpc)],
      (path) => this.#httpGet(path),
    );
    const isTraced = this.#config.get('cluster', 'cluster-tracing');
    const listener = await transport.listen(
      this.#config.get('', 'bind-address'),
      isTraced ? traced(handlers, { clock, log: this.#env.log.child('cluster') }) : handlers,
      this.#port,
    );
    const metas = (): readonly string[] =>
      this.#meta.isJoined ? this.#meta.catalog.metaNodes.map(({ tcpAddress }) => tcpAddress) : [];
    const own = { tcpAddress: this.#tcpAddress, httpAddress: this.#httpAddress };
    const meta = this.#meta;
    const replaced = new ReplacedWatch({ clock, meta, rpc, onFatal: this.#onFatal }, own);
    this.#announce(rpc, metas());
    const announcer = clock.every(this.#config.get('', 'gossip-frequency'), () => {
      this.#announce(rpc, anyOf(metas(), random));
      replaced.look().catch(this.#onFatal);
    });
    const unwatch = meta.watch(({ before, after }) => {
      if (after.dataNodes !== before.dataNodes) replaced.follow().catch(this.#onFatal);
    });
    return {
      close: async () => {
        announcer.cancel();
        unwatch();
        replaced.close();
        await listener.close();
      },
    };
  }

  #announce(rpc: RpcClient, metas: readonly string[]): void {
    const httpScheme = this.#config.get('http', 'https-enabled') ? 'https' : undefined;
    const self = { tcpAddress: this.#tcpAddress, version: announcedVersion, httpScheme };
    void announceTo(rpc, metas, self);
  }

  #ownMethods(rpc: RpcClient): readonly ServedMethod[] {
    const meta = this.#meta;
    return [
      serveCall(dataStatusMethod, ({ clusterId }) => {
        const cluster = !meta.isJoined ? 'none' : clusterId === meta.clusterId ? 'same' : 'other';
        return Promise.resolve({ cluster, nodeId: meta.nodeId, httpAddress: this.#httpAddress });
      }),
      serveCall(joinDataMethod, async ({ sharedShards, ...identity }) => {
        const wasJoined = meta.isJoined;
        if (!wasJoined) await this.#expectLost(sharedShards, identity.clusterId);
        // Before anybody writes, or makes a database: shards of an import have the ids that they came with.
        await meta.join(identity, () => this.#handOver());
        if (wasJoined) await this.#imported.handOver();
        // Not only at the next turn of gossip: until a version is heard of, a node looks as if it were not well.
        this.#announce(rpc, identity.metaAddresses);
        return {};
      }),
      serveCall(leaveDataMethod, async (request) => {
        await this.#leave(request);
        return {};
      }),
      serveCall(discardMethod, async ({ shardId, catalogIndex }) => {
        await this.#discard(shardId, catalogIndex);
        return {};
      }),
      serveStream(statesMethod, ({ tellsBehind }) => this.#states(tellsBehind)),
    ];
  }

  /**
   * A member whose import is refused would take what the cluster writes to new shards into those that it has of the same ids: it throws
   * what is to be done, keeps what it has, and is none.
   */
  async #handOver(): Promise<void> {
    const refusal = await this.#imported.handOver();
    if (refusal !== undefined) throw new DbError('invalid_argument', `the cluster does not take what was imported into this node: ${refusal.message}`); // prettier-ignore
  }

  /**
   * What a node on an empty disk owns with others is at the others: it takes writes, and nobody reads it before it is here. Durably,
   * before the node learns of a database that it could be written to in.
   */
  async #expectLost(shards: readonly SharedShard[], clusterId: bigint): Promise<void> {
    if (shards.length === 0) return;
    const holdings = await this.#local.facts.holdings();
    const held = new Set(holdings.filter((one) => one.isHalfway !== true).map((one) => one.shardId)); // prettier-ignore
    const lost = shards.filter(({ shardId }) => !held.has(shardId));
    await inLanes(lost, lostAtOnce, (shard) =>
      this.#local.expectCopy({ ...shard, copyIndex: 0 }, clusterId),
    );
    if (lost.length > 0)
      this.#env.log.warn('This node has nothing of shards that it owns: others are read until their files have come', { shards: lost.length }); // prettier-ignore
  }

  /** A node that has left already answers the same. Throws `conflict` for one that is meant for another node. */
  async #leave({ nodeId, clusterId }: LeaveRequest): Promise<void> {
    const [meta, local] = [this.#meta, this.#local];
    if (!meta.isJoined) return;
    if (nodeId !== meta.nodeId || clusterId !== meta.clusterId)
      throw new DbError('conflict', 'it is another data node');
    // Most of it while all of them take it.
    await this.#copies.close();
    await meta.leave({
      settle: async () => {
        // No write finds its database any more. What came before is at its owners, or the node goes on and is asked again.
        await this.#copies.close();
        if (this.#hints.waiting().length > 0)
          throw new DbError('unavailable', 'writes for other nodes wait on this one');
      },
      erase: () => eraseAll(local, this.#imported),
    });
    this.#env.log.info('This node has left its cluster, and erased what it had', { nodeId });
  }

  /** Once this node's catalog is as new as that of who asks: it must not delete what it owns. */
  async #discard(shardId: number, catalogIndex: number): Promise<void> {
    const [meta, local] = [this.#meta, this.#local];
    await meta.reach(catalogIndex);
    if (takesWrites(meta.catalog, shardId, meta.nodeId))
      throw new DbError('conflict', `shard ${shardId} is owned by this node`);
    await this.#transfers.cancel(shardId);
    await local.deleteShards([shardId]);
    this.#env.log.info('Deleted shard', { shard: shardId });
  }

  async *#states(tellsBehind: boolean): AsyncGenerator<StatesPart> {
    if (tellsBehind)
      for (const { nodeId, shardIds } of await this.#behind())
        for (let at = 0; at < shardIds.length; at += statesMax)
          yield { states: [], behind: [{ nodeId, shardIds: shardIds.slice(at, at + statesMax) }] };
    const nowNs = this.#env.clock.wallNs();
    const states = (await this.#local.facts.states()).map(({ idleMs, ...state }) => {
      return { ...state, modifiedNs: nowNs - BigInt(Math.round(idleMs)) * 1_000_000n };
    });
    for (let at = 0; at < states.length; at += statesMax)
      yield { states: states.slice(at, at + statesMax), behind: [] };
  }

  #httpGet(path: string): { contentType: string; body: string } | undefined {
    if (path !== '/status') return undefined;
    const status = {
      nodeType: 'data',
      hostname: this.#config.get('', 'hostname'),
      tcpBind: this.#config.get('', 'bind-address'),
      tcpAddr: this.#tcpAddress,
      httpAddr: this.#httpAddress,
      nodeStatus: this.#meta.isJoined ? 'joined' : 'disjoined',
      metaAddrs: this.#meta.metaHttpAddresses,
    };
    return { contentType: 'application/json', body: `${JSON.stringify(status)}\n` };
  }
}
