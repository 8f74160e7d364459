import { DbError, errorText } from '../../base/errors.ts';
import { MiB } from '../../base/units.ts';
import type { Config } from '../../config/config.ts';
import type { dataKeys } from '../../config/data-keys.ts';
import type { LocalShards } from '../../data/engine/local-shards.ts';
import type { ShardAccess } from '../../data/engine/shard-access.ts';
import { RemotePeer } from '../../data/repair/peer.ts';
import { HeldBatches } from '../../data/repair/held-batches.ts';
import { UnclearWrites } from '../../data/repair/unclear-writes.ts';
import { ClusterShards } from '../../data/shards/cluster-shards.ts';
import { FieldTypes } from '../../data/shards/field-types.ts';
import { RepairedShards } from '../../data/repair/repaired-shards.ts';
import { LaggingOwners } from '../../data/shards/lagging-owners.ts';
import { LeaseFences } from '../../data/shards/lease-fences.ts';
import { IncomingDeletes } from '../../data/shards/incoming-deletes.ts';
import { OwnedShards, type OwnedShardsPorts } from '../../data/shards/owned-shards.ts';
import type { HeldPledges } from '../../data/shards/pledges/held-pledges.ts';
import { findShard, isShardGone } from '../../data/shards/shard-places.ts';
import { HintDeliveries } from '../../data/write/hint-deliveries.ts';
import { keepDeletes, type KeepDelete } from '../../data/write/keep-delete.ts';
import { handOverTo, keeperOf, type KeepWrites } from '../../data/write/keep-writes.ts';
import { HintNews } from '../../data/write/hint-news.ts';
import type { HintSink } from '../../data/write/hint-sink.ts';
import { NodeHintSink } from '../../data/write/node-hint-sink.ts';
import { OwnerShares } from '../../data/write/owner-shares.ts';
import type { PointSubscribers } from '../../data/write/body-routes.ts';
import { PointsWriter } from '../../data/write/points-writer.ts';
import { StampClock } from '../../data/write/stamp-clock.ts';
import { StrayCopies } from '../../data/write/stray-copies.ts';
import type { Clock } from '../../env/clock.ts';
import type { Env } from '../../env/env.ts';
import type { Log } from '../../env/log.ts';
import { QuietLog } from '../../env/quiet-log.ts';
import { HintedHandoff } from '../../hh/hinted-handoff.ts';
import type { HintOptions } from '../../hh/hint-options.ts';
import type { ShardInfo } from '../../meta/model/catalog.ts';
import { isCopied, takesWrites } from '../../meta/model/shard-copies.ts';
import type { MetaClient } from '../../meta/client/meta-client.ts';
import type { RpcClient } from '../../rpc/rpc-client.ts';
import { droppedPointsLog } from './dropped-points-log.ts';
import { openInHand, type InHand } from './in-hand.ts';
import { ownersBehind, type OwnersBehind } from './owners-behind.ts';

type DataConfig = Config<typeof dataKeys>;

/** What brings points to the owners of their shards, and knows which of them lack some. */
export interface WritePath {
  readonly writer: PointsWriter;
  readonly shards: ClusterShards;
  /** Those of this node, for everybody who asks. */
  readonly owned: OwnedShards;
  readonly deletes: IncomingDeletes;
  readonly hints: HintedHandoff;
  readonly news: HintNews;
  /** Of this node; others are told. */
  readonly repaired: RepairedShards;
  readonly stamps: StampClock;
  /** Keeps a delete of points for a node that is away; what cannot be kept is logged. */
  readonly keepDelete: KeepDelete;
  /** Keeps writes for nodes whose coordinators can not. */
  readonly keep: KeepWrites;
  /** Copies on their way to owners. */
  readonly shares: Pick<OwnerShares, 'drained' | 'settledFor'>;
  /** What this node and others have not brought to all owners yet. */
  readonly inHand: InHand;
  /** What this node took as the latest of which it could not tell. */
  readonly unclear: UnclearWrites;
  readonly heldBatches: HeldBatches;
  readonly behind: OwnersBehind;
}

/** A replay is not hurried: an owner that is busy would only get it once more. */
const replayDeadlineMsMin = 30_000;
/** Of a call: a copy waits before it, too, and may be sent once more. */
const settledShare = 2;
/** Beside `hints.json`. */
const heldFile = 'unclear';
/** As the reference's. */
const hintSegmentBytesMax = 10 * MiB;
/** Of what may wait for a node: a segment goes as a whole, and what of one is brought or too old takes room until then. */
const hintSegmentsMin = 16;
/** Of copies that an owner lacks for good, by the owner: each write is one. */
const lostQuietMs = 1_000;
/** Writes with new fields wait so long for the lead of their shard. */
const fieldTypesDeadlineMs = 2_000;
/** Deleting a million series takes its time; dead peers are found by the transport. */
const deleteDeadlineMs = 3_600_000;

export async function openWritePath(
  env: Env,
  config: DataConfig,
  parts: { readonly meta: MetaClient; readonly local: LocalShards; readonly rpc: RpcClient; readonly subscribers: PointSubscribers | undefined; readonly pledges: HeldPledges }, // prettier-ignore
): Promise<WritePath> {
  const { clock, disk } = env;
  const { meta, local, rpc, subscribers, pledges } = parts;
  const log = env.log.child('write');
  const lagging = new LaggingOwners((shardId) => !isShardGone(meta.catalog, shardId), () => clock.monotonicMs(), () => meta.clusterId); // prettier-ignore
  meta.watch(({ after }) => {
    // Of a node that is leaving its cluster it says nothing.
    if (after.clusterId !== 0n) lagging.ownersChanged((shardId, nodeId) => takesWrites(after, shardId, nodeId)); // prettier-ignore
  });
  const isAvoiding = config.get('cluster', 'avoid-lagging-owners');
  // Queues that are there already tell of themselves while they are opened.
  const opened: { hints?: HintedHandoff; writer?: PointsWriter; unclear?: UnclearWrites } = {};
  const repaired = new RepairedShards(clock);
  const news = new HintNews({
    ...{ clock, log, meta, rpc, lagging },
    waiting: () => opened.hints?.waiting() ?? [],
    lost: () => (isAvoiding ? lagging.lost : []),
    repaired: () => repaired.recent,
    onHeard: (nodeId) => opened.hints?.wake(nodeId),
  });
  const missedAt = (shardId: number, nodeId: number): number => {
    const own = lagging.missedAt(shardId, nodeId);
    // What waits elsewhere is older than anything that is under way here.
    return own === 0 && isAvoiding && news.isTold(shardId, nodeId) ? 1 : own;
  };
  const asked = (nodeId: number): ShardAccess => shards.of(nodeId);
  const deletes = new IncomingDeletes();
  const owned: OwnedShards = ownedShards({ clock, log, meta, local, deletes, config }, asked, {
    passOn: (nodeId, batch) => shares.send(nodeId, batch).outcome,
    isBehind: (nodeId, shardId) => hints.isQueued(nodeId, shardId),
    onUnclear: (batch) => opened.unclear?.note(batch),
  });
  const shards: ClusterShards = new ClusterShards(meta, owned, { rpc, missedAt, pledges, readerTimeoutMs: config.get('cluster', 'shard-reader-timeout') || undefined }); // prettier-ignore
  const target = new HintDeliveries({
    meta,
    shards,
    nowMs: () => clock.monotonicMs(),
    lagging: isAvoiding ? lagging : undefined,
    onChange: () => {
      news.changed();
    },
  });
  const hints = await HintedHandoff.open(
    {
      ...{ disk, clock, log: env.log.child('handoff'), target, clusterId: () => meta.clusterId },
      freshCount: () => opened.writer?.writeCount ?? 0,
    },
    hintOptions(config),
  );
  opened.hints = hints;
  await news.tell();
  const noteIndex = target.noteIndex.bind(target);
  const hintsOf = (nodeId: number): HintSink => new NodeHintSink({ hints, log, noteIndex }, nodeId);
  const deadlineMs = config.get('cluster', 'write-timeout');
  const shares = ownerShares({ clock, log, meta, rpc, shards, hints, hintsOf }, { deadlineMs, run: env.random.u32() }); // prettier-ignore
  const doubts = await openUnclear(env, config, { meta, local, rpc, owned, hints, news });
  opened.unclear = doubts.unclear;
  const inHand = await openInHand(env, config, { meta, local, rpc, shares });
  const [routeLines, partBatch, writeJoined] = [local.routeLines.bind(local), local.partBatch.bind(local), local.writeJoined.bind(local)]; // prettier-ignore
  const stamps = new StampClock({ clock, random: env.random, nodeId: () => meta.nodeId, latestStored: () => local.latestStamp() }); // prettier-ignore
  const writer = new PointsWriter({ clock, stamps, meta, shares, lagging, routeLines, partBatch, isOwnAlone: (shard) => isOwnAlone(shard, { meta, hints }), subscribers, writeJoined, countsLogins: config.get('data', 'ingress-metric-by-login-enabled'), onDropped: droppedPointsLog(clock, log) }); // prettier-ignore
  opened.writer = writer;
  const keepers = {
    ...{ inHand, ...doubts, behind: ownersBehind({ unsettled: inHand.unsettled, shares, hints, lagging, news }) }, // prettier-ignore
    keepDelete: keepDeletes({ hints, log, noteIndex }),
    keep: keeperOf({ meta, hintsOf, standing: target.standing.bind(target) }),
  };
  return { writer, shards, owned, deletes, hints, news, repaired, stamps, shares, ...keepers };
}

function isOwnAlone(
  { id, owners }: ShardInfo,
  { meta, hints }: { readonly meta: MetaClient; readonly hints: HintedHandoff },
): boolean {
  return (
    owners.length === 1 &&
    owners[0] === meta.nodeId &&
    !hints.isQueued(meta.nodeId, id) &&
    // What is being copied from here has to be passed on.
    !isCopied(meta.catalog, id)
  );
}

/** What this node is in doubt of, with what the run before was. */
async function openUnclear(
  { clock, disk, log: all }: Env,
  config: DataConfig,
  { meta, local, rpc, owned, hints, news }: Pick<WritePath, 'owned' | 'hints' | 'news'> & { readonly meta: MetaClient; readonly local: LocalShards; readonly rpc: RpcClient }, // prettier-ignore
): Promise<Pick<WritePath, 'unclear' | 'heldBatches'>> {
  const log = all.child('write');
  const heldBatches = new HeldBatches({ clock, disk, log, clusterId: () => meta.clusterId }, `${config.get('meta', 'dir')}/${heldFile}`); // prettier-ignore
  const unclear = new UnclearWrites(
    {
      ...{ clock, log, meta },
      hearAll: () => news.tell(),
      replayed: () => local.replayedDoubts(),
      isAwaited: (shardId, nodeId) => hints.isQueued(nodeId, shardId) || news.isTold(shardId, nodeId), // prettier-ignore
      points: (nodeId, task, signal) => peerOf({ meta, rpc }, nodeId).rangePoints(task, signal),
      save: (batches) => {
        heldBatches.save(batches);
      },
      write: async (batch) => {
        const [outcome] = await owned.writeMany([batch]);
        return outcome ?? { kind: 'failed', error: new DbError('outcome_unknown', 'a batch has no outcome') }; // prettier-ignore
      },
    },
    // No call to an owner takes longer than the half of it.
    { settledMs: config.get('cluster', 'write-timeout') * settledShare },
  );
  unclear.resume(await heldBatches.read());
  return { unclear, heldBatches };
}

function peerOf(
  { meta, rpc }: { readonly meta: MetaClient; readonly rpc: RpcClient },
  nodeId: number,
): RemotePeer {
  const { catalog } = meta;
  return new RemotePeer({ nodeId, catalogIndex: catalog.index }, rpc, () => {
    const node = catalog.dataNodes.find(({ id }) => id === nodeId);
    if (node === undefined) throw new DbError('node_not_found', 'node not found');
    return node.tcpAddress;
  });
}

/** Copies for owners, and what becomes of those that they do not take; a call takes `deadlineMs` at most. */
function ownerShares(
  parts: { readonly clock: Clock; readonly log: Log; readonly meta: MetaClient; readonly rpc: RpcClient; readonly shards: ClusterShards; readonly hints: HintedHandoff; readonly hintsOf: (nodeId: number) => HintSink }, // prettier-ignore
  { deadlineMs, run }: { readonly deadlineMs: number; readonly run: number },
): OwnerShares {
  const { clock, log, meta, rpc, shards, hints, hintsOf } = parts;
  const quiet = new QuietLog(clock, lostQuietMs);
  return new OwnerShares(
    {
      localNodeId: () => meta.nodeId,
      clusterId: () => meta.clusterId,
      shards,
      hintsOf,
      strays: new StrayCopies({ clock, meta, hintsOf }),
      handOver: handOverTo({ meta, rpc }, { deadlineMs }),
      onReached: (nodeId) => {
        hints.wake(nodeId);
      },
      onLost: (nodeId, shardId, error) => {
        quiet.say(nodeId, (others) => {
          log.warn('An owner did not take a write', { nodeId, shardId, error: errorText(error), ...others }); // prettier-ignore
        });
      },
    },
    { callDeadlineMs: deadlineMs, run },
  );
}

function hintOptions(config: DataConfig): HintOptions {
  const sizeBytesMax = config.get('hinted-handoff', 'max-size');
  return {
    folder: config.get('hinted-handoff', 'dir'),
    endsFolder: config.get('meta', 'dir'),
    isEnabled: config.get('hinted-handoff', 'enabled'),
    sizeBytesMax,
    ageMsMax: config.get('hinted-handoff', 'max-age'),
    pendingMax: config.get('hinted-handoff', 'max-writes-pending'),
    batchBytesMax: config.get('hinted-handoff', 'batch-size'),
    concurrencyMax: config.get('hinted-handoff', 'retry-concurrency'),
    rateBytes: config.get('hinted-handoff', 'retry-rate-limit'),
    retryMs: config.get('hinted-handoff', 'retry-interval'),
    retryMsMax: config.get('hinted-handoff', 'retry-max-interval'),
    purgeMs: config.get('hinted-handoff', 'purge-interval'),
    mayOvertake: config.get('cluster', 'allow-out-of-order-writes'),
    segmentBytesMax: Math.min(hintSegmentBytesMax, sizeBytesMax / hintSegmentsMin),
    deadlineMs: Math.max(replayDeadlineMsMin, config.get('cluster', 'write-timeout')),
  };
}

/** The shards of this node, and what is passed on of theirs. */
function ownedShards(
  parts: Pick<Env, 'clock' | 'log'> & { readonly meta: MetaClient; readonly local: LocalShards; readonly deletes: IncomingDeletes; readonly config: DataConfig }, // prettier-ignore
  of: (nodeId: number) => ShardAccess,
  { isBehind, ...ports }: Pick<OwnedShardsPorts, 'passOn' | 'onUnclear'> & { readonly isBehind: (nodeId: number, shardId: number) => boolean }, // prettier-ignore
): OwnedShards {
  const { clock, log, meta, local, deletes, config } = parts;
  const takesLongTexts = config.get('data', 'skip-field-size-validation');
  const { fieldTypes, fences } = typeDecisions(local, { clock, log, meta, takesLongTexts }, of);
  return new OwnedShards({
    ...{ meta, local, fieldTypes, fences, deletes, ...ports },
    passOnDelete: async (nodeId, request) => {
      // What waits would come behind the delete.
      const behind = request.shardIds.find((shardId) => isBehind(nodeId, shardId));
      if (behind !== undefined)
        throw new DbError('unavailable', `writes of shard ${behind} wait for node ${nodeId}`);
      await of(nodeId).deletePoints(request, { deadlineMs: deleteDeadlineMs });
    },
  });
}

/** Types of new fields, which the leads of their shards decide, and who may write at all. */
function typeDecisions(
  local: LocalShards,
  { clock, log, meta, takesLongTexts }: Pick<Env, 'clock' | 'log'> & { readonly meta: MetaClient; readonly takesLongTexts: boolean }, // prettier-ignore
  of: (nodeId: number) => ShardAccess,
): { readonly fieldTypes: FieldTypes; readonly fences: LeaseFences } {
  const fieldTypes = new FieldTypes(
    {
      write: (batch) => local.write(batch),
      isLate: (batch) => local.isLate(batch),
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
    { askDeadlineMs: fieldTypesDeadlineMs, takesLongTexts },
  );
  local.watchFields((shardIds) => {
    fieldTypes.forget(shardIds);
  });
  return { fieldTypes, fences: new LeaseFences(meta) };
}
