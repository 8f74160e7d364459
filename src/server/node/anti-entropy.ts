import { ClusterRepairs } from '../../data/repair/cluster-repairs.ts';
import type { RepairedShards } from '../../data/repair/repaired-shards.ts';
import { ShardRepairs } from '../../data/repair/repair-shard.ts';
import type { LocalShards } from '../../data/engine/local-shards.ts';
import type { ClusterShards } from '../../data/shards/cluster-shards.ts';
import type { Config } from '../../config/config.ts';
import type { dataKeys } from '../../config/data-keys.ts';
import type { Clock } from '../../env/clock.ts';
import type { Env } from '../../env/env.ts';
import type { HintedHandoff } from '../../hh/hinted-handoff.ts';
import { statesMethod, type ShardState } from '../../meta/client/data-methods.ts';
import type { MetaClient } from '../../meta/client/meta-client.ts';
import type { RpcClient } from '../../rpc/rpc-client.ts';
import { AntiEntropy, type AntiEntropyOptions, type AntiEntropyPorts } from '../../services/anti-entropy.ts'; // prettier-ignore
import type { Transfers } from './transfers.ts';
import { Throttle } from '../../storage/engine/compaction/throttle.ts';

export interface AntiEntropyParts {
  readonly repairs: ClusterRepairs;
  /** Undefined where it is not enabled. */
  readonly service: AntiEntropy | undefined;
  /** What `[anti-entropy]` says now (SIGHUP); where it does not enable the service any more what is under way is given up. */
  reload(changed: Config<typeof dataKeys>): void;
  close(): Promise<void>;
}

interface Parts {
  readonly meta: MetaClient;
  readonly local: LocalShards;
  readonly shards: ClusterShards;
  readonly rpc: RpcClient;
  readonly hints: HintedHandoff;
  readonly repaired: RepairedShards;
  readonly transfers: Pick<Transfers, 'bring'>;
}

/** What nodes said of their shards counts for so long: one check asks each once. */
const statesMaxAgeMs = 30_000;
const statesDeadlineMs = 15_000;
const minuteNs = 60_000_000_000n;
/** Shards that were equal are looked at again after it, whatever is said of them. */
const equalMaxMs = 24 * 3_600_000;

export function openAntiEntropy(
  env: Env,
  config: Config<typeof dataKeys>,
  { meta, local, shards, rpc, hints, repaired, transfers }: Parts,
): AntiEntropyParts {
  const { clock, random } = env;
  const log = env.log.child('anti-entropy');
  const bytesPerSecond = config.get('cluster', 'shard-copy-throughput');
  const throttle = new Throttle({ clock }, { bytesPerSecond, burstBytes: 0 });
  const repairs = new ShardRepairs({
    ...{ clock, random, log, meta, local, rpc, repaired },
    bring: (shard, nodeId, signal) => transfers.bring(shard, nodeId, signal),
    of: (nodeId) => shards.of(nodeId),
    take: (bytes, signal) => throttle.take(bytes, signal),
    turn: () => clock.sleep(0),
  });
  const servicePorts: AntiEntropyPorts = {
    ...{ clock, log, meta },
    compare: (shardId, nodeId, options) => repairs.compare(shardId, nodeId, options),
    repair: (shardId, options) => repairs.repair(shardId, options),
    versionOf: versionsOf({ clock, meta, local, rpc }),
    isDamaged: (shardId) => repairs.isUnreadable(shardId),
    damagedIds: async () =>
      new Set((await local.facts.health()).damaged.map(({ shardId }) => shardId)),
    awaiting: () => local.facts.awaiting(),
    expectNone: (shardId) => local.expectNone(shardId),
    isWaiting: (shardId) => meta.catalog.dataNodes.some(({ id }) => hints.isQueued(id, shardId)),
  };
  let service: AntiEntropy | undefined;
  let ended: Promise<void> = Promise.resolve();
  const end = (): void => {
    const ending = service?.close();
    service = undefined;
    ended = Promise.all([ended, ending]).then(() => undefined);
  };
  const configure = (changed: Config<typeof dataKeys>): void => {
    const options = optionsOf(changed);
    if (options === undefined) end();
    else if (service === undefined) service = new AntiEntropy(servicePorts, options);
    else service.configure(options);
  };
  configure(config);
  return {
    repairs: new ClusterRepairs({ meta, rpc, service: () => service }),
    get service() {
      return service;
    },
    reload: configure,
    close: async () => {
      end();
      await ended;
    },
  };
}

/** Undefined where the service is not enabled. */
function optionsOf(config: Config<typeof dataKeys>): AntiEntropyOptions | undefined {
  if (!config.get('anti-entropy', 'enabled')) return undefined;
  return {
    checkIntervalMs: config.get('anti-entropy', 'check-interval'),
    verifyIntervalMs: config.get('anti-entropy', 'verify-interval'),
    fetchMax: Math.max(1, config.get('anti-entropy', 'max-fetch')),
    syncMax: Math.max(1, config.get('anti-entropy', 'max-sync')),
    repairsMissing: config.get('anti-entropy', 'auto-repair-missing'),
    repairsHot: config.get('anti-entropy', 'repair-hot-shards'),
  };
}

/** Of a shard that is not all in files nothing can be said. */
function versionsOf({
  clock,
  meta,
  local,
  rpc,
}: Pick<Parts, 'meta' | 'local' | 'rpc'> & { readonly clock: Clock }): (
  shardId: number,
  nodeId: number,
) => Promise<string | undefined> {
  const known = new Map<number, { readonly atMs: number; readonly states: ReadonlyMap<number, ShardState> }>(); // prettier-ignore
  const statesOf = async (nodeId: number): Promise<ReadonlyMap<number, ShardState>> => {
    const nowMs = clock.monotonicMs();
    const before = known.get(nodeId);
    if (before !== undefined && nowMs - before.atMs < statesMaxAgeMs) return before.states;
    const states = new Map<number, ShardState>();
    for (const one of await askStates(nodeId)) states.set(one.shardId, one);
    known.set(nodeId, { atMs: nowMs, states });
    return states;
  };
  const askStates = async (nodeId: number): Promise<readonly ShardState[]> => {
    if (nodeId === meta.nodeId) {
      const nowNs = clock.wallNs();
      return (await local.facts.states()).map(({ idleMs, ...state }) => ({
        ...state,
        modifiedNs: nowNs - BigInt(Math.round(idleMs)) * 1_000_000n,
      }));
    }
    const address = meta.catalog.dataNodes.find(({ id }) => id === nodeId)?.tcpAddress;
    const all: ShardState[] = [];
    if (address === undefined) return all;
    for await (const { states } of rpc.stream(
      address,
      statesMethod,
      { tellsBehind: false },
      { deadlineMs: statesDeadlineMs },
    ))
      // prettier-ignore
      all.push(...states);
    return all;
  };
  return async (shardId, nodeId) => {
    const state = (await statesOf(nodeId)).get(shardId);
    if (state?.isHot !== false) return undefined;
    const day = Math.floor(clock.monotonicMs() / equalMaxMs);
    return `${state.sizeBytes} ${state.modifiedNs / minuteNs} ${day}`;
  };
}
