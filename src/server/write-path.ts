import { errorText } from '../base/errors.ts';
import { MiB } from '../base/units.ts';
import type { Config } from '../config/config.ts';
import type { dataKeys } from '../config/data-keys.ts';
import type { LocalShards } from '../data/engine/local-shards.ts';
import type { ShardAccess } from '../data/engine/shard-access.ts';
import { ClusterShards } from '../data/shards/cluster-shards.ts';
import { FieldTypes } from '../data/shards/field-types.ts';
import { LaggingOwners } from '../data/shards/lagging-owners.ts';
import { LeaseFences } from '../data/shards/lease-fences.ts';
import { OwnedShards } from '../data/shards/owned-shards.ts';
import { findShard, isShardGone } from '../data/shards/shard-places.ts';
import { HintDeliveries } from '../data/write/hint-deliveries.ts';
import { HintNews } from '../data/write/hint-news.ts';
import { NodeHintSink } from '../data/write/node-hint-sink.ts';
import { OwnerShares } from '../data/write/owner-shares.ts';
import type { PointSubscribers } from '../data/write/body-routes.ts';
import { PointsWriter } from '../data/write/points-writer.ts';
import { StampClock } from '../data/write/stamp-clock.ts';
import type { Env } from '../env/env.ts';
import { HintedHandoff } from '../hh/hinted-handoff.ts';
import type { HintOptions } from '../hh/hint-options.ts';
import type { ShardInfo } from '../meta/model/catalog.ts';
import type { MetaClient } from '../meta/client/meta-client.ts';
import type { RpcClient } from '../rpc/rpc-client.ts';

type DataConfig = Config<typeof dataKeys>;

/** What brings points to the owners of their shards, and knows which of them lack some. */
export interface WritePath {
  readonly writer: PointsWriter;
  readonly shards: ClusterShards;
  /** Those of this node, for everybody who asks. */
  readonly owned: OwnedShards;
  readonly hints: HintedHandoff;
  readonly news: HintNews;
  readonly stamps: StampClock;
}

/** A replay is not hurried: an owner that is busy would only get it once more. */
const replayDeadlineMsMin = 30_000;
/** As the reference's. */
const hintSegmentBytesMax = 10 * MiB;
/** Writes with new fields wait so long for the lead of their shard. */
const fieldTypesDeadlineMs = 2_000;

export async function openWritePath(
  env: Env,
  config: DataConfig,
  parts: { readonly meta: MetaClient; readonly local: LocalShards; readonly rpc: RpcClient; readonly subscribers: PointSubscribers | undefined }, // prettier-ignore
): Promise<WritePath> {
  const { clock, disk } = env;
  const { meta, local, rpc, subscribers } = parts;
  const log = env.log.child('write');
  const lagging = new LaggingOwners((shardId) => !isShardGone(meta.catalog, shardId));
  const isAvoiding = config.get('cluster', 'avoid-lagging-owners');
  // Queues that are there already tell of themselves while they are opened.
  const opened: { hints?: HintedHandoff } = {};
  const news = new HintNews({
    clock,
    log,
    meta,
    rpc,
    waiting: () => opened.hints?.waiting() ?? [],
    onHeard: (nodeId) => opened.hints?.wake(nodeId),
  });
  const missedAt = (shardId: number, nodeId: number): number => {
    const own = lagging.missedAt(shardId, nodeId);
    // What waits elsewhere is older than anything that is under way here.
    return own === 0 && isAvoiding && news.isTold(shardId, nodeId) ? 1 : own;
  };
  const asked = (nodeId: number): ShardAccess => shards.of(nodeId);
  const owned = ownedShards(local, { clock, log, meta }, asked);
  const shards: ClusterShards = new ClusterShards(meta, owned, { rpc, missedAt });
  const target = new HintDeliveries({
    meta,
    shards,
    lagging: isAvoiding ? lagging : undefined,
    onChange: () => {
      news.changed();
    },
  });
  const hints = await HintedHandoff.open(
    { disk, clock, log: env.log.child('handoff'), target, clusterId: () => meta.clusterId },
    hintOptions(config),
  );
  opened.hints = hints;
  await news.tell();
  const shares = new OwnerShares(
    {
      localNodeId: () => meta.nodeId,
      shards,
      hintsOf: (nodeId) => new NodeHintSink(hints, log, nodeId),
      onReached: (nodeId) => {
        hints.wake(nodeId);
      },
      onLost: (nodeId, shardId, error) => {
        log.warn('An owner did not take a write', { nodeId, shardId, error: errorText(error) });
      },
    },
    { callDeadlineMs: config.get('cluster', 'write-timeout') },
  );
  const routeLines = local.routeLines.bind(local);
  const stamps = new StampClock({ clock, random: env.random, nodeId: () => meta.nodeId });
  // A clock that went back while the node was down must not put what is written now behind what was written before.
  stamps.seen(await local.latestStamp());
  const isOwnAlone = ({ id, owners }: ShardInfo): boolean =>
    owners.length === 1 && owners[0] === meta.nodeId && !hints.isQueued(meta.nodeId, id);
  const writer = new PointsWriter({ clock, stamps, meta, shares, lagging, routeLines, isOwnAlone, subscribers }); // prettier-ignore
  return { writer, shards, owned, hints, news, stamps };
}

function hintOptions(config: DataConfig): HintOptions {
  return {
    folder: config.get('hinted-handoff', 'dir'),
    isEnabled: config.get('hinted-handoff', 'enabled'),
    sizeBytesMax: config.get('hinted-handoff', 'max-size'),
    ageMsMax: config.get('hinted-handoff', 'max-age'),
    pendingMax: config.get('hinted-handoff', 'max-writes-pending'),
    batchBytesMax: config.get('hinted-handoff', 'batch-size'),
    concurrencyMax: config.get('hinted-handoff', 'retry-concurrency'),
    rateBytes: config.get('hinted-handoff', 'retry-rate-limit'),
    retryMs: config.get('hinted-handoff', 'retry-interval'),
    retryMsMax: config.get('hinted-handoff', 'retry-max-interval'),
    purgeMs: config.get('hinted-handoff', 'purge-interval'),
    mayOvertake: config.get('cluster', 'allow-out-of-order-writes'),
    segmentBytesMax: hintSegmentBytesMax,
    deadlineMs: Math.max(replayDeadlineMsMin, config.get('cluster', 'write-timeout')),
  };
}

/** The shards of this node, the types of whose new fields their leads decide. */
function ownedShards(
  local: LocalShards,
  { clock, log, meta }: Pick<Env, 'clock' | 'log'> & { readonly meta: MetaClient },
  of: (nodeId: number) => ShardAccess,
): OwnedShards {
  const fieldTypes = new FieldTypes(
    {
      write: (batch) => local.write(batch),
      nowMs: () => clock.monotonicMs(),
      leadOf: (shardId) => {
        const [lead] = findShard(meta.catalog, shardId)?.owners ?? [];
        return lead === meta.nodeId ? undefined : lead;
      },
      askLead: async (nodeId, request, options) => of(nodeId).decideFieldTypes(request, options),
      onAlone: (shardId, error) => {
        log.warn('Types of new fields are decided alone', { shardId, error: errorText(error) });
      },
    },
    { askDeadlineMs: fieldTypesDeadlineMs },
  );
  return new OwnedShards(local, fieldTypes, new LeaseFences(meta));
}
