import { DbError, isDbError } from '../../base/errors.ts';
import type { Clock } from '../../env/clock.ts';
import type { MetaAccess } from '../../meta/client/meta-access.ts';
import {
  findDatabase,
  findRetentionPolicy,
  type Database,
  type RetentionPolicy,
  type ShardInfo,
} from '../../meta/model/catalog.ts';
import { endOfGroup, truncateTime } from '../../meta/model/shard-groups.ts';
import type { RefusedPoints, TimeBounds } from '../engine/point-sieve.ts';
import type { ForwardTask } from '../engine/forward-lines.ts';
import type { LinesTask, RoutedLines } from '../engine/route-lines.ts';
import type { LeaseFence, OwnerReceipt, ShardBatch } from '../engine/shard-access.ts';
import { rowCountOf } from '../../models/point-batch.ts';
import { Counters } from '../../telemetry/counters.ts';
import type { Statistic } from '../../telemetry/statistics.ts';
import type { Share } from './share.ts';
import type { LaggingOwners } from '../shards/lagging-owners.ts';
import type { ConsistencyLevel } from './consistency.ts';
import { describeDropped } from './dropped-points.ts';
import type { OwnerShares } from './owner-shares.ts';
import { awaitOwners } from './owner-writes.ts';

export interface PointsWriterPorts {
  readonly clock: Clock;
  readonly meta: MetaAccess;
  readonly shares: Pick<OwnerShares, 'send'>;
  readonly lagging: Pick<LaggingOwners, 'add' | 'addLost'>;
  readonly routeLines: (task: LinesTask) => Promise<RoutedLines>;
  /** Left out where nobody may subscribe. */
  readonly subscribers?: PointSubscribers | undefined;
}

/** Who gets a copy of what is written (spec F53). Neither call waits for anything or throws. */
export interface PointSubscribers {
  areFor(database: string, retentionPolicy: string): boolean;
  /** `body` is theirs to move. */
  send(written: WrittenBody): void;
}

export interface WrittenBody extends ForwardTask {
  readonly database: string;
  readonly retentionPolicy: string;
}

export interface CountedPoints {
  readonly okCount: number;
  /** Beyond the policy, or refused by their owners. */
  readonly droppedCount: number;
  readonly failedCount: number;
}

export interface WriteRequest {
  readonly database: string;
  /** As the request named it; '' for the default. */
  readonly retentionPolicy: string;
  /** Line protocol; has to own its buffer, as it moves to a worker. */
  readonly body: Uint8Array;
  readonly stepNs: bigint;
  /** Undefined when the request named none that there is: that is told after the errors of the body. */
  readonly level: ConsistencyLevel | undefined;
  readonly timeoutMs: number;
  /** Told what became of the points, once some were found in the body. */
  readonly counted?: ((points: CountedPoints) => void) | undefined;
  /** What only the holder of a lease may write. */
  readonly fence?: LeaseFence | undefined;
}

type LevelledRequest = WriteRequest & { readonly level: ConsistencyLevel };

const counterNames = ['pointReq', 'pointReqHH', 'pointReqLocal', 'pointReqRemote', 'pointsWrittenOK', 'req', 'subWriteOk', 'writeDrop', 'writeError', 'writeOk', 'writePartial', 'writeTimeout'] as const; // prettier-ignore

/** Groups made for one body are few; a body that needs ever more is answered all the same. */
const routeAttemptsMax = 5;

/**
 * Takes line protocol on any data node, makes the shard groups it needs and writes to all owners (spec F41, F42, F47,
 * F48). Resolves when every shard's level is met and every point was taken; throws the reference's text otherwise:
 * `parse_error`, `partial_write`, `write_failed`, `timeout`, `field_type_conflict`.
 */
export class PointsWriter {
  readonly #ports: PointsWriterPorts;
  readonly #counters = new Counters(counterNames);

  constructor(ports: PointsWriterPorts) {
    this.#ports = ports;
  }

  async write(request: WriteRequest): Promise<void> {
    this.#counters.add('req');
    const { routed, policy, copy } = await this.#route(request);
    if (routed.pointCount === 0 && routed.errors !== '')
      throw new DbError('parse_error', routed.errors);
    const { retentionPolicy: asked, database, level } = request;
    if (level === undefined) throw new DbError('invalid_argument', 'invalid consistency level');
    // Whatever becomes of the copies for the owners: subscribers get all points, also those beyond the policy.
    if (copy !== undefined) this.#ports.subscribers?.send(copy);
    this.#counters.add('subWriteOk');
    const receipts = await this.#counted(request, routed, this.#writeBatches({ ...request, level }, policy, routed)); // prettier-ignore
    const place = { database, policy: policy.name };
    const refused = refusedOf(routed, receipts);
    if (refused !== undefined) throw partialWrite(refused.reason, refused.count, place);
    if (routed.dropped !== undefined) {
      const { retentionCount, windowCount } = routed.dropped;
      const reason = describeDropped(routed.dropped, policy);
      throw partialWrite(reason, retentionCount + windowCount, place);
    }
    // Of lines that are no points the reference tells before it has looked for the default policy.
    if (routed.errors !== '') throw partialWrite(routed.errors, 0, { database, policy: asked });
  }

  async #counted(
    { counted }: WriteRequest,
    routed: RoutedLines,
    written: Promise<readonly OwnerReceipt[]>,
  ): Promise<readonly OwnerReceipt[]> {
    const { pointCount, dropped } = routed;
    this.#counters.add('pointReq', pointCount);
    try {
      const receipts = await written;
      const sieved = (dropped?.retentionCount ?? 0) + (dropped?.windowCount ?? 0);
      const droppedCount = sieved + (refusedOf(routed, receipts)?.count ?? 0);
      this.#counters.add('writeDrop', droppedCount);
      this.#counters.add('pointsWrittenOK', pointCount - droppedCount);
      counted?.({ okCount: pointCount - droppedCount, droppedCount, failedCount: 0 });
      return receipts;
    } catch (error) {
      counted?.({ okCount: 0, droppedCount: 0, failedCount: pointCount });
      throw error;
    }
  }

  /** As the reference counts them (spec 1.11): requests, and writes of shards by how they ended. */
  statistics(): readonly Statistic[] {
    return [{ name: 'write', tags: {}, values: this.#counters.values() }];
  }

  /** Parses and parts the body, with the shard groups made that it lacks. */
  async #route(request: WriteRequest): Promise<{
    readonly routed: RoutedLines;
    readonly policy: RetentionPolicy;
    readonly copy: WrittenBody | undefined;
  }> {
    const nowNs = this.#ports.clock.wallNs();
    let { body } = request;
    const copy = this.#copyOf(request, nowNs);
    for (let attempt = 0; attempt < routeAttemptsMax; attempt++) {
      const policy = this.#policyOf(request);
      const { stepNs } = request;
      const bounds = boundsOf(policy, nowNs);
      const groups = policy.shardGroups
        .filter((group) => group.deletedAtNs === undefined)
        .map((group) => ({
          startNs: group.startNs,
          endNs: endOfGroup(group),
          shardIds: group.shards.map(({ id }) => id),
        }));
      const task = { body, stepNs, defaultTimeNs: nowNs, bounds, groups };
      const routed = await this.#ports.routeLines(task);
      if (routed.unroutedNs.length === 0 || request.level === undefined) return { routed, policy, copy }; // prettier-ignore
      body = routed.body ?? body;
      await this.#createGroups(request.database, policy, routed.unroutedNs);
    }
    throw new DbError('write_failed', 'write failed: shard groups keep changing');
  }

  /** For subscribers: the body itself moves to a worker. */
  #copyOf(request: WriteRequest, nowNs: bigint): WrittenBody | undefined {
    const { subscribers } = this.#ports;
    const { database, body, stepNs } = request;
    const { name } = this.#policyOf(request);
    if (subscribers?.areFor(database, name) !== true) return undefined;
    return { database, retentionPolicy: name, body: body.slice(), stepNs, defaultTimeNs: nowNs };
  }

  /** Throws `database_not_found` with the reference's text: asked before the body is read. */
  checkDatabase(name: string): Database {
    const database = findDatabase(this.#ports.meta.catalog, name);
    if (database !== undefined) return database;
    throw new DbError('database_not_found', `database not found: ${JSON.stringify(name)}`);
  }

  #policyOf({ database: name, retentionPolicy }: WriteRequest): RetentionPolicy {
    const database = this.checkDatabase(name);
    const policy = findRetentionPolicy(database, retentionPolicy);
    if (policy !== undefined) return policy;
    const missing = retentionPolicy === '' ? database.defaultRetentionPolicy : retentionPolicy;
    throw new DbError('retention_policy_not_found', `retention policy not found: ${missing}`);
  }

  async #createGroups(
    database: string,
    policy: RetentionPolicy,
    timesNs: readonly bigint[],
  ): Promise<void> {
    // One time of each group is enough, and a body of a year would name thousands.
    const starts = new Map(
      timesNs.map((timeNs) => [truncateTime(timeNs, policy.shardGroupDurationNs), timeNs]),
    );
    await this.#ports.meta.execute({
      kind: 'create-shard-groups',
      database,
      retentionPolicy: policy.name,
      timesNs: [...starts.values()],
    });
  }

  async #writeBatches(
    request: LevelledRequest,
    policy: RetentionPolicy,
    routed: RoutedLines,
  ): Promise<readonly OwnerReceipt[]> {
    const shards = new Map(
      policy.shardGroups.flatMap((group) => group.shards).map((shard) => [shard.id, shard]),
    );
    return Promise.all(
      routed.batches.map(({ shardId, payload }) => {
        const batch = {
          shardId,
          database: request.database,
          retentionPolicy: policy.name,
          payload,
          ...(request.fence !== undefined && { fence: request.fence }),
        };
        return this.#writeBatch(request, batch, shards.get(shardId));
      }),
    );
  }

  async #writeBatch(
    { level, timeoutMs }: LevelledRequest,
    batch: ShardBatch,
    shard: ShardInfo | undefined,
  ): Promise<OwnerReceipt> {
    const { clock, meta, shares, lagging } = this.#ports;
    const { shardId } = batch;
    const owners = shard?.owners ?? [];
    const sent = new Map(owners.map((owner) => [owner, shares.send(owner, batch)]));
    this.#countShares(rowCountOf(batch.payload), sent);
    const written = awaitOwners(clock, sent, {
      level,
      timeoutMs,
      localOwner: owners.find((owner) => owner === meta.nodeId),
      onAnswered: (owner, outcome) => {
        const lag = lagging.add(shardId, owner);
        void outcome.then(({ kind }) => {
          if (kind === 'lost') lagging.addLost(shardId, owner);
          lag.caughtUp();
        });
      },
    });
    try {
      const receipt = await written;
      this.#counters.add('writeOk');
      return receipt;
    } catch (error) {
      const isPartial = isDbError(error, 'write_failed') && error.message === 'partial write';
      this.#counters.add(isDbError(error, 'timeout') ? 'writeTimeout' : isPartial ? 'writePartial' : 'writeError'); // prettier-ignore
      throw error;
    }
  }

  #countShares(pointCount: number, sent: ReadonlyMap<number, Share>): void {
    for (const [owner, { outcome }] of sent) {
      const isLocal = owner === this.#ports.meta.nodeId;
      this.#counters.add(isLocal ? 'pointReqLocal' : 'pointReqRemote', pointCount);
      void outcome.then(({ kind }) => {
        if (kind === 'queued') this.#counters.add('pointReqHH', pointCount);
      });
    }
  }
}

/** Points that no shard may take, and those that their owners refused. */
function refusedOf(
  { refused }: RoutedLines,
  receipts: readonly OwnerReceipt[],
): RefusedPoints | undefined {
  const first = receipts.find(({ droppedCount }) => droppedCount > 0);
  if (first === undefined) return refused;
  const { count: ownCount = 0, reason } = refused ?? {};
  const count = receipts.reduce((sum, receipt) => sum + receipt.droppedCount, ownCount);
  return { count, reason: (ownCount > 0 ? reason : undefined) ?? first.reason };
}

function boundsOf(policy: RetentionPolicy, nowNs: bigint): TimeBounds {
  const { durationNs, pastLimitNs, futureLimitNs } = policy;
  return {
    retentionMinNs: durationNs > 0n ? nowNs - durationNs : undefined,
    windowMinNs: pastLimitNs > 0n ? nowNs - pastLimitNs : undefined,
    windowMaxNs: futureLimitNs > 0n ? nowNs + futureLimitNs : undefined,
  };
}

/** The places are named since 1.12.0 (spec 4.2). */
function partialWrite(
  reason: string,
  droppedCount: number,
  place: { readonly database: string; readonly policy: string },
): DbError {
  const policy = place.policy === '' ? '' : ` for retention policy: ${place.policy}`;
  const text = `partial write: ${reason} dropped=${droppedCount} for database: ${place.database}${policy}`;
  return new DbError('partial_write', text);
}
