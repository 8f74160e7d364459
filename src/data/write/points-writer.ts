import { DbError, isDbError } from '../../base/errors.ts';
import type { Database, RetentionPolicy } from '../../meta/model/catalog.ts';
import type { RefusedPoints } from '../engine/lines/point-sieve.ts';
import type { RoutedLines } from '../engine/lines/route-lines.ts';
import type { OwnerReceipt, ShardBatch } from '../engine/shard-access.ts';
import { rowCountOf } from '../../models/point-batch.ts';
import { noStamp, stampBatch, stampNs, stampOfBatch } from '../../models/stamp.ts';
import { Counters } from '../../telemetry/counters.ts';
import type { Statistic } from '../../telemetry/statistics.ts';
import type { Share } from './share.ts';
import type { LaggingOwners } from '../shards/lagging-owners.ts';
import { isShardGone } from '../shards/shard-places.ts';
import {
  BodyRoutes,
  shardsOf,
  type BodyRoutesPorts,
  type RoutedRequest,
  type WriteRequest,
} from './body-routes.ts';
import { mustWriteAll } from './restricted-writes.ts';
import type { ConsistencyLevel } from './consistency.ts';
import { describeDropped } from './dropped-points.ts';
import type { OwnerShares } from './owner-shares.ts';
import { JoinedWrites, type JoinedOutcome, type JoinedWritesPorts } from './joined-writes.ts';
import { awaitOwners } from './owner-writes.ts';
import { BatchCopies } from './settled-calls.ts';

export interface PointsWriterPorts extends BodyRoutesPorts {
  readonly shares: Pick<OwnerShares, 'send'>;
  readonly lagging: Pick<LaggingOwners, 'add' | 'addLost' | 'addKept'>;
  /** Writes small bodies as one; left out where each goes by itself. */
  readonly writeJoined?: JoinedWritesPorts['write'] | undefined;
  /** Whether owners are told who writes. */
  readonly countsLogins?: boolean | undefined;
  /** Hears of points that nobody took: the client is told, and may not look. */
  readonly onDropped?: ((dropped: DroppedWrite) => void) | undefined;
}

export interface DroppedWrite {
  readonly database: string;
  readonly policy: string;
  readonly droppedCount: number;
  readonly reason: string;
}

type LevelledRequest = WriteRequest & {
  readonly level: ConsistencyLevel;
  /** Gets what the memory of its batches is looked at for: each batch until it is over, and each copy. None rejects. */
  readonly inHand: Promise<unknown>[];
};

const counterNames = ['pointReq', 'pointReqHH', 'pointReqLocal', 'pointReqRemote', 'pointsWrittenOK', 'req', 'subWriteDrop', 'subWriteOk', 'valuesWrittenOK', 'writeDrop', 'writeError', 'writeOk', 'writePartial', 'writeTimeout'] as const; // prettier-ignore

/**
 * Takes line protocol on any data node, makes the shard groups it needs and writes to all owners (spec F41, F42, F47,
 * F48). Resolves when every shard's level is met and every point was taken; throws the reference's text otherwise:
 * `parse_error`, `partial_write`, `write_failed`, `timeout`, `field_type_conflict`.
 */
export class PointsWriter {
  readonly #ports: PointsWriterPorts;
  readonly #routes: BodyRoutes;
  readonly #joined: JoinedWrites | undefined;
  readonly #counters = new Counters(counterNames);

  constructor(ports: PointsWriterPorts) {
    this.#ports = ports;
    this.#routes = new BodyRoutes(ports);
    const { clock, writeJoined } = ports;
    const plan = this.#routes.planOf.bind(this.#routes);
    this.#joined = writeJoined && new JoinedWrites({ clock, plan, write: writeJoined });
  }

  /** Writes that it was given so far. */
  get writeCount(): number {
    return this.#counters.get('req');
  }

  write(asked: WriteRequest): Promise<void> {
    this.#counters.add('req');
    const isCounted = this.#ports.countsLogins === true || asked.login === undefined;
    const request = isCounted ? asked : { ...asked, login: undefined };
    const learning = this.#ports.stamps.learned();
    if (learning === undefined) return this.#writeNow(request);
    return this.#writeBehind(learning, request.isLent === true ? withOwnBody(request) : request);
  }

  /** One of the first of a run. */
  async #writeBehind(learning: Promise<void>, request: WriteRequest): Promise<void> {
    await learning;
    await this.#writeNow(request);
  }

  #writeNow(request: WriteRequest): Promise<void> {
    const joined = this.#joined;
    if (joined === undefined) return this.#writeApart(request);
    return new Promise((resolve, reject) => {
      const isTaken = joined.take(request, (outcome) => {
        if (outcome.kind === 'failed') reject(outcome.error);
        else resolve(this.#endJoined(request, outcome));
      });
      if (!isTaken) resolve(this.#writeApart(request));
    });
  }

  #endJoined(
    request: WriteRequest,
    outcome: Exclude<JoinedOutcome, { readonly kind: 'failed' }>,
  ): Promise<void> | undefined {
    if (outcome.kind === 'apart')
      return this.#writeAlone({ ...request, body: outcome.body, bodyRead: undefined });
    this.#countJoined(request, outcome);
    return undefined;
  }

  #writeApart(request: WriteRequest): Promise<void> {
    return this.#writeAlone(request.isLent === true ? withOwnBody(request) : request);
  }

  /** Of a body all of whose points are in one shard, and durable. */
  #countJoined({ counted }: WriteRequest, { pointCount, valueCount }: { readonly pointCount: number; readonly valueCount: number }): void {
    this.#counters.add('subWriteOk');
    this.#counters.add('pointReq', pointCount);
    this.#counters.add('pointsWrittenOK', pointCount);
    this.#counters.add('valuesWrittenOK', valueCount);
    this.#counters.add('pointReqLocal', pointCount);
    if (pointCount > 0) this.#counters.add('writeOk');
    counted?.({ okCount: pointCount, okValueCount: valueCount, droppedCount: 0, failedCount: 0 });
  } // prettier-ignore

  async #writeAlone(request: WriteRequest): Promise<void> {
    const { release, ...work } = await this.#routes.route(request);
    const inHand: Promise<unknown>[] = [];
    try {
      await this.#write(request, work, inHand);
    } finally {
      // Copies are on their way for longer than the client waits, and batches are brought though another one has failed.
      void allOver(inHand).then(release);
    }
  }

  async #write(
    request: WriteRequest,
    { routed, policy, copy }: Omit<RoutedRequest, 'release'>,
    inHand: Promise<unknown>[],
  ): Promise<void> {
    if (routed.pointCount === 0 && routed.errors !== '')
      throw new DbError('parse_error', routed.errors);
    const { retentionPolicy: asked, database, level } = request;
    if (level === undefined) throw new DbError('invalid_argument', 'invalid consistency level');
    if (request.rules !== undefined) await mustWriteAll(routed.batches, { database, rules: request.rules }, this.#ports.clock); // prettier-ignore
    // Whatever becomes of the copies for the owners: subscribers get all points, also those beyond the policy.
    const isTaken = copy === undefined || this.#ports.subscribers?.send(copy) !== false;
    this.#counters.add(isTaken ? 'subWriteOk' : 'subWriteDrop');
    const receipts = await this.#counted(request, routed, this.#writeBatches({ ...request, level, inHand }, policy, routed)); // prettier-ignore
    const place = { database, policy: policy.name };
    const refused = refusedOf(routed, receipts);
    if (refused !== undefined) throw this.#dropped(refused.reason, refused.count, place);
    if (routed.dropped !== undefined) {
      const { retentionCount, windowCount } = routed.dropped;
      const reason = describeDropped(routed.dropped, policy);
      throw this.#dropped(reason, retentionCount + windowCount, place);
    }
    // Of lines that are no points the reference tells before it has looked for the default policy.
    if (routed.errors !== '') throw partialWrite(routed.errors, 0, { database, policy: asked });
  }

  #dropped(
    reason: string,
    droppedCount: number,
    place: { readonly database: string; readonly policy: string },
  ): DbError {
    // Of a field that was stripped the point is there.
    if (droppedCount > 0) this.#ports.onDropped?.({ ...place, droppedCount, reason });
    return partialWrite(reason, droppedCount, place);
  }

  async #counted(
    { counted }: WriteRequest,
    routed: RoutedLines,
    written: Promise<readonly OwnerReceipt[]>,
  ): Promise<readonly OwnerReceipt[]> {
    const { pointCount, valueCount, dropped } = routed;
    this.#counters.add('pointReq', pointCount);
    try {
      const receipts = await written;
      const sieved = (dropped?.retentionCount ?? 0) + (dropped?.windowCount ?? 0);
      const droppedCount = sieved + (refusedOf(routed, receipts)?.count ?? 0);
      const okCount = pointCount - droppedCount;
      // Which points their owners dropped is not known here: values are counted as if all had as many.
      const sentCount = pointCount - sieved - (routed.refused?.count ?? 0);
      const okValueCount = sentCount === 0 ? 0 : Math.round((valueCount * okCount) / sentCount);
      // Only of those whose time has no place in the policy, as it is documented.
      this.#counters.add('writeDrop', sieved);
      this.#counters.add('pointsWrittenOK', okCount);
      this.#counters.add('valuesWrittenOK', okValueCount);
      counted?.({ okCount, okValueCount, droppedCount, failedCount: 0 });
      return receipts;
    } catch (error) {
      counted?.({ okCount: 0, okValueCount: 0, droppedCount: 0, failedCount: pointCount });
      throw error;
    }
  }

  /** As the reference counts them (spec 1.11): requests, and writes of shards by how they ended. */
  statistics(): readonly Statistic[] {
    return [{ name: 'write', tags: {}, values: this.#counters.values() }];
  }

  /** Throws `database_not_found` with the reference's text: asked before the body is read. */
  checkDatabase(name: string): Database {
    return this.#routes.checkDatabase(name);
  }

  async #writeBatches(
    request: LevelledRequest,
    policy: RetentionPolicy,
    routed: RoutedLines,
  ): Promise<readonly OwnerReceipt[]> {
    const written = routed.written ?? [];
    for (const { pointCount } of written) {
      this.#counters.add('pointReqLocal', pointCount);
      this.#counters.add('writeOk');
    }
    if (routed.batches.length === 0) return written;
    const routedBy = (id: number) => shardsOf(policy).find((shard) => shard.id === id);
    // Owners may have come since the body was routed.
    const { catalog } = this.#ports.meta;
    const receipts = await Promise.all(
      routed.batches.map(({ shardId, payload }) => {
        // In the order of the body: of two batches of a shard the later one counts. A worker that tried has put it in.
        if (stampOfBatch(payload) === noStamp) stampBatch(payload, this.#ports.stamps.next());
        const batch = {
          shardId,
          database: request.database,
          retentionPolicy: policy.name,
          payload,
          catalogIndex: catalog.index,
          ...(request.fence !== undefined && { fence: request.fence }),
          ...(request.login !== undefined && { login: request.login }),
        };
        const { owners = [] } = catalog.databases.shard(shardId)?.shard ?? routedBy(shardId) ?? {};
        const writing = this.#writeCounted(request, batch, owners);
        request.inHand.push(writing.catch(() => undefined));
        return writing;
      }),
    );
    return [...written, ...receipts];
  }

  async #writeCounted(
    request: LevelledRequest,
    batch: ShardBatch,
    owners: readonly number[],
  ): Promise<OwnerReceipt> {
    try {
      const receipt = await this.#writeBatch(request, batch, owners);
      this.#counters.add('writeOk');
      return receipt;
    } catch (error) {
      const isPartial = isDbError(error, 'write_failed') && error.message === 'partial write';
      this.#counters.add(isDbError(error, 'timeout') ? 'writeTimeout' : isPartial ? 'writePartial' : 'writeError'); // prettier-ignore
      throw error;
    }
  }

  /** Where the catalog has gone on meanwhile its points go where they belong by now (decision 148). */
  async #writeBatch(
    request: LevelledRequest,
    batch: ShardBatch,
    owners: readonly number[],
  ): Promise<OwnerReceipt> {
    const { clock, meta } = this.#ports;
    const fromMs = clock.monotonicMs();
    try {
      return await this.#bring(request, batch, owners);
    } catch (error) {
      if (!isDbError(error, 'shard_not_found')) throw error;
      const leftMs = request.timeoutMs - (clock.monotonicMs() - fromMs);
      if (leftMs <= 0) throw new DbError('timeout', 'timeout');
      const again = { ...request, timeoutMs: leftMs };
      if (isShardGone(meta.catalog, batch.shardId)) return this.#routeAgain(again, batch.payload);
      const { owners: ownersNow = [] } = meta.catalog.databases.shard(batch.shardId)?.shard ?? {};
      // Also where one has left and none has come: the level is of those that are left.
      if (!isSameOwners(owners, ownersNow)) return this.#writeBatch(again, batch, ownersNow);
      throw new DbError('write_failed', `write failed: ${error.message}`, { cause: error });
    }
  }

  async #routeAgain(request: LevelledRequest, payload: Uint8Array): Promise<OwnerReceipt> {
    const { routed, policy } = await this.#routes.routeAgain(request, payload);
    const refused = refusedOf(routed, await this.#writeBatches(request, policy, routed));
    const { retentionCount = 0, windowCount = 0 } = routed.dropped ?? {};
    const reason = refused?.reason ?? (routed.dropped && describeDropped(routed.dropped, policy));
    return {
      droppedCount: (refused?.count ?? 0) + retentionCount + windowCount,
      reason: reason ?? '',
    };
  }

  /**
   * Brings a batch to its owners. One of them may have what was taken by a clock ahead of this node's, and so counts as later though
   * it was there before: the batch is sent once more then, as later than that, before anybody is told that it is written (decision 135).
   */
  async #bring(
    request: LevelledRequest,
    batch: ShardBatch,
    owners: readonly number[],
  ): Promise<OwnerReceipt> {
    const { clock, stamps } = this.#ports;
    const { timeoutMs } = request;
    const fromMs = clock.monotonicMs();
    const sent = this.#send(request, batch, owners);
    this.#countShares(rowCountOf(batch.payload), sent);
    const receipt = await this.#awaitSent(request, batch.shardId, sent);
    const { newerNs } = receipt;
    if (newerNs === undefined) return receipt;
    const tookMs = clock.monotonicMs() - fromMs;
    // What another node has taken meanwhile is neither before nor behind it.
    if (newerNs <= stampNs(stampOfBatch(batch.payload)) + BigInt(Math.ceil(tookMs * 1e6))) return receipt; // prettier-ignore
    // The first may be on its way to others yet, or wait for them.
    const payload = batch.payload.slice();
    stampBatch(payload, stamps.overtaking(newerNs));
    const again = { ...request, timeoutMs: Math.max(1, timeoutMs - tookMs) };
    const resent = this.#send(again, { ...batch, payload }, owners);
    return this.#awaitSent(again, batch.shardId, resent);
  }

  #send(
    { inHand }: LevelledRequest,
    batch: ShardBatch,
    owners: readonly number[],
  ): ReadonlyMap<number, Share> {
    const { shares } = this.#ports;
    const copies = owners.length > 1 ? new BatchCopies(owners.length) : undefined;
    const sent = new Map(owners.map((owner) => [owner, shares.send(owner, batch, copies)]));
    for (const { outcome } of sent.values()) inHand.push(outcome);
    return sent;
  }

  #awaitSent(
    { level, timeoutMs }: LevelledRequest,
    shardId: number,
    sent: ReadonlyMap<number, Share>,
  ): Promise<OwnerReceipt> {
    const { clock, meta, lagging } = this.#ports;
    if (sent.size === 0)
      return Promise.reject(new DbError('write_failed', `write failed: shard ${shardId} has no owner (DROP SHARD ${shardId} gives it up)`)); // prettier-ignore
    return awaitOwners(clock, sent, {
      level,
      timeoutMs,
      localOwner: sent.has(meta.nodeId) ? meta.nodeId : undefined,
      onAnswered: (owner, outcome) => {
        const lag = lagging.add(shardId, owner);
        void outcome.then((settled) => {
          // One that has refused an old holder of a lease looks for it at the others.
          const isLost = settled.kind === 'lost' && !isDbError(settled.error, 'lease_lost');
          if (isLost) lagging.addLost(shardId, owner);
          const keeperId = settled.kind === 'queued' ? settled.keeperId : undefined;
          if (keeperId !== undefined) lagging.addKept(shardId, owner, keeperId);
          if (settled.kind === 'queued' && keeperId === undefined) lag.wasQueued();
          else lag.caughtUp();
        });
      },
    });
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

function isSameOwners(one: readonly number[], other: readonly number[]): boolean {
  return one.length === other.length && one.every((owner) => other.includes(owner));
}

/** Resolves once they are over, and those that came meanwhile. */
async function allOver(inHand: readonly Promise<unknown>[]): Promise<void> {
  for (let count = 0; count < inHand.length;) {
    count = inHand.length;
    await Promise.all(inHand);
  }
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

/** What is lent is somebody else's once the call returns. */
function withOwnBody(request: WriteRequest): WriteRequest {
  return { ...request, body: new Uint8Array(request.body), isLent: false };
}
