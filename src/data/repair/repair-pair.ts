/**
 * Makes two owners of a shard have the same points: what one lacks is written to it as any batch is, under the earliest stamp that
 * its write may have had, so that whatever a client wrote or deleted since counts more.
 *
 * Invariants:
 * - Deletes that one has not heard of come first, under their own stamps: so nothing comes back that was deleted, and nothing
 *   goes that was written later.
 * - A delete that neither has heard of yet finds what was brought as it would have found it at the one that had it: if that loses a
 *   point that was written after the delete, the other still has it, and the next repair brings it under a later stamp.
 * - A value is put over another only where stamps say that it is later, or nothing does.
 * - What travels is a digest, and of parts of which one lacks much the sums of their series, and of slices that differ their
 *   points; of parts that differ a little a sketch of their values, and of these the points that one lacks.
 * - A repair that ends half way has brought what it has brought; the next one finds the rest.
 */
import { DbError } from '../../base/errors.ts';
import type { DigestRange } from '../../models/digest-grid.ts';
import { PointBatchBuilder } from '../../models/point-batch-builder.ts';
import { latestOf, stampBatch, stampNs, stampOf, type Stamp } from '../../models/stamp.ts';
import type { RepairReport } from '../../services/anti-entropy.ts';
import { HashFilter } from '../engine/digests/hash-filter.ts';
import { packPoints } from '../engine/digests/packed-points.ts';
import type { RangePoints, SeriesSlices } from '../engine/digests/range-points.ts';
import type { SaltedTask } from '../engine/digests/sketch-parts.ts';
import { digestWords } from '../engine/digests/shard-digest.ts';
import type { BatchOutcome, NamedShard, ShardBatch } from '../engine/shard-access.ts';
import type { StoredDelete } from '../../storage/store/deletes/stored-deletes.ts';
import { differingParts, type DifferingParts } from './differing-parts.ts';
import { differingSeries } from './find-differences.ts';
import { findScattered } from './find-scattered.ts';
import { lackingValues, type LackingValue } from './merge-points.ts';
import { heldValues, lackingOfPicked } from './merge-picked.ts';
import type { MovedPoints, RepairPeer } from './peer.ts';
import { SurvivedDeletes } from './survived-deletes.ts';

export interface RepairPorts {
  /** To one of the two. */
  readonly write: (nodeId: number, batch: ShardBatch) => Promise<BatchOutcome>;
  readonly delete: (nodeId: number, one: StoredDelete) => Promise<void>;
  /** Waits for the turn of so many bytes. */
  readonly take: (bytes: number) => Promise<void>;
  /** Lets others run once a slice of time is over. */
  readonly pace: () => Promise<unknown>;
  /** Of the node that repairs, and a number drawn for this repair: no two batches have one stamp. */
  readonly origin: bigint;
  readonly signal: AbortSignal;
}

export const nothingDone: RepairReport = { ownCount: 0, otherCount: 0, deleteCount: 0, conflictCount: 0, refusedCount: 0, movedBytes: 0 }; // prettier-ignore

/** Of one request for points. */
const valuesPerRequest = 50_000;
const seriesPerRequest = 2_000;
const batchValuesMax = 5_000;
/** Of the texts of a batch; one text is 64 KiB at most, and a node is sent some of 128 MiB at the most. */
const batchTextLengthMax = 1 << 20;
const writeFailure = 'an owner did not take what it lacks';

export async function repairPair(
  peers: readonly [RepairPeer, RepairPeer],
  shard: NamedShard & DigestRange,
  ports: RepairPorts,
): Promise<RepairReport> {
  return new PairRepair(peers, shard, ports).run();
}

class PairRepair {
  readonly #peers: readonly [RepairPeer, RepairPeer];
  readonly #shard: NamedShard & DigestRange;
  readonly #ports: RepairPorts;
  readonly #fills: Readonly<Record<'own' | 'other', Fill>>;
  #survived = new SurvivedDeletes([]);
  #movedBytes = 0;
  #conflictCount = 0;
  #deleteCount = 0;
  #stampCount = 0;
  #takesPacked = true;

  constructor(
    peers: readonly [RepairPeer, RepairPeer],
    shard: NamedShard & DigestRange,
    ports: RepairPorts,
  ) {
    this.#peers = peers;
    this.#shard = shard;
    this.#ports = ports;
    this.#fills = { own: new Fill(), other: new Fill() };
  }

  async run(): Promise<RepairReport> {
    await this.#exchangeDeletes();
    const isEqual = await this.#repairDiffering({ isAnew: false });
    // One of the two is wrong about what it has: what was kept of a digest does not count then.
    if (!isEqual && this.#hasBroughtNothing) await this.#repairDiffering({ isAnew: true });
    const [{ writtenCount: ownCount, refusedCount }, more] = [this.#fills.own, this.#fills.other];
    return {
      ownCount,
      otherCount: more.writtenCount,
      deleteCount: this.#deleteCount,
      conflictCount: this.#conflictCount,
      refusedCount: refusedCount + more.refusedCount,
      movedBytes: this.#movedBytes,
    };
  }

  /** Whether their digests were equal. */
  async #repairDiffering({ isAnew }: { readonly isAnew: boolean }): Promise<boolean> {
    const { signal } = this.#ports;
    const [own, other] = this.#peers;
    const { shardId, startNs, endNs } = this.#shard;
    const task = { shardId, startNs, endNs, isAnew };
    const mine = await own.digest(task, undefined, signal);
    const words = mine.kind === 'digest' ? mine.words : undefined;
    const theirs = await other.digest(task, words ?? new Uint32Array(digestWords), signal);
    this.#movedBytes += theirs.kind === 'digest' ? theirs.words.byteLength : 0;
    if (theirs.kind === 'equal') return true;
    const parts = differingParts(words, theirs.kind === 'digest' ? theirs.words : undefined);
    for (const part of parts) await this.#repairParts(part);
    await this.#flush('own');
    await this.#flush('other');
    return parts.length === 0;
  }

  get #hasBroughtNothing(): boolean {
    const { own, other } = this.#fills;
    return [own, other].every(
      ({ writtenCount, refusedCount }) => writtenCount + refusedCount === 0,
    );
  }

  async #exchangeDeletes(): Promise<void> {
    const { signal } = this.#ports;
    const [own, other] = this.#peers;
    const { shardId } = this.#shard;
    const [mine, theirs] = [
      await own.deletes(shardId, signal),
      await other.deletes(shardId, signal),
    ];
    await this.#deleteAt(own.nodeId, theirs, mine);
    await this.#deleteAt(other.nodeId, mine, theirs);
    this.#survived = new SurvivedDeletes([...mine, ...theirs]);
  }

  /** What that node does not remember. Oldest first, as they were said. */
  async #deleteAt(
    nodeId: number,
    deletes: readonly StoredDelete[],
    known: readonly StoredDelete[],
  ): Promise<void> {
    const names = new Set(known.map(nameOf));
    for (const one of deletes) {
      if (names.has(nameOf(one))) continue;
      this.#ports.signal.throwIfAborted();
      this.#movedBytes += one.filter.length;
      await this.#ports.delete(nodeId, one);
      this.#deleteCount++;
    }
  }

  async #repairParts(parts: DifferingParts): Promise<void> {
    if (parts.kind === 'scattered' && (await this.#repairScattered(parts))) return;
    const { signal } = this.#ports;
    const { shardId, startNs, endNs } = this.#shard;
    const { seriesParts, timeMask } = parts;
    let [series, valueCount]: [SeriesSlices[], number] = [[], 0];
    const onBytes = (bytes: number): void => void (this.#movedBytes += bytes);
    for await (const { valueCount: more, ...one } of differingSeries(
      this.#peers,
      { shardId, startNs, endNs, seriesParts, timeMask },
      { signal, onBytes },
    )) {
      series.push(one);
      valueCount += more;
      if (valueCount < valuesPerRequest && series.length < seriesPerRequest) continue;
      await this.#repairSeries(series);
      [series, valueCount] = [[], 0];
    }
    if (series.length > 0) await this.#repairSeries(series);
  }

  /** False where it has found out nothing, and done nothing. */
  async #repairScattered(parts: DifferingParts): Promise<boolean> {
    const { signal, origin } = this.#ports;
    const { shardId, startNs, endNs } = this.#shard;
    const { seriesParts, timeMask } = parts;
    const salt = Number(BigInt.asUintN(32, origin));
    const task: SaltedTask = { shardId, startNs, endNs, seriesParts, timeMask, salt };
    const moved = (bytes: number): Promise<void> => this.#moved(bytes);
    const found = await findScattered(this.#peers, { task, parts }, { signal, moved });
    if (found === undefined) return false;
    const [own, other] = this.#peers;
    const mine = { ...task, hashes: HashFilter.exact(found.more) };
    const held = await heldValues(own.pickedPoints(mine, signal));
    if (held === undefined) return false;
    const theirs = { ...task, hashes: HashFilter.among(parts.valueCount, found.less) };
    await this.#moved(theirs.hashes.bytes.length);
    const points = this.#metered(other.pickedPoints(theirs, signal));
    await this.#bring(
      lackingOfPicked(held, points, { salt, wanted: HashFilter.exact(found.less) }),
    );
    return true;
  }

  async #repairSeries(series: readonly SeriesSlices[]): Promise<void> {
    const { signal } = this.#ports;
    const { shardId, startNs, endNs } = this.#shard;
    const task = { shardId, startNs, endNs, series };
    const [own, other] = this.#peers;
    const keys = series.map(({ key }) => key);
    await this.#bring(
      lackingValues(
        keys,
        own.rangePoints(task, signal),
        this.#metered(other.rangePoints(task, signal)),
      ),
    );
  }

  async #bring(values: AsyncIterable<LackingValue>): Promise<void> {
    for await (const lacking of values) {
      if (lacking.isConflict) this.#conflictCount++;
      const stamp = latestOf([lacking.stamp, this.#survived.latestOf(lacking)]);
      const fill = this.#fills[lacking.side];
      if (fill.mustFlushBefore(stamp)) await this.#flush(lacking.side);
      fill.add(lacking, stamp);
      await this.#ports.pace();
    }
  }

  async *#metered(points: AsyncIterable<MovedPoints>): AsyncGenerator<RangePoints> {
    for await (const one of points) {
      await this.#moved(one.movedBytes);
      yield one;
    }
  }

  async #moved(bytes: number): Promise<void> {
    this.#movedBytes += bytes;
    await this.#ports.take(bytes);
  }

  async #flush(side: 'own' | 'other'): Promise<void> {
    const taken = this.#fills[side].take();
    if (taken === undefined) return;
    this.#ports.signal.throwIfAborted();
    const { payload, stamp, rowCount } = taken;
    const own = stampOf(stampNs(stamp) + BigInt(++this.#stampCount), this.#ports.origin);
    stampBatch(payload, own);
    const { shardId, database, retentionPolicy } = this.#shard;
    const batch = { shardId, database, retentionPolicy, payload };
    const outcome =
      side === 'own'
        ? await this.#ports.write(this.#peers[0].nodeId, batch)
        : await this.#writeOther(batch, own);
    if (outcome.kind === 'failed')
      throw outcome.error instanceof DbError
        ? outcome.error
        : new DbError('unavailable', writeFailure, { cause: outcome.error });
    this.#fills[side].written(rowCount, outcome.droppedCount);
  }

  /** Packed, if it takes that. */
  async #writeOther(batch: ShardBatch, stamp: Stamp): Promise<BatchOutcome> {
    const [, other] = this.#peers;
    const { payload, ...shard } = batch;
    if (other.bring !== undefined && this.#takesPacked) {
      const packed = packPoints(payload);
      await this.#moved(packed.length);
      const outcome = await other.bring({ ...shard, packed, stamp }, this.#ports.signal);
      if (outcome !== undefined) return outcome;
      this.#takesPacked = false;
    }
    await this.#moved(payload.length);
    return this.#ports.write(other.nodeId, batch);
  }
}

function nameOf({ stamp, minTimeNs, maxTimeNs, filter }: StoredDelete): string {
  return `${stamp} ${minTimeNs} ${maxTimeNs} ${filter}`;
}

/** A batch for one of the two. */
class Fill {
  #builder = new PointBatchBuilder();
  #stamp: Stamp | undefined;
  #textLength = 0;
  writtenCount = 0;
  refusedCount = 0;

  /** A batch has one stamp. */
  mustFlushBefore(stamp: Stamp): boolean {
    const isOther = this.#stamp !== undefined && this.#stamp !== stamp;
    const isFull =
      this.#builder.rowCount >= batchValuesMax || this.#textLength >= batchTextLengthMax;
    return isOther || isFull;
  }

  add({ key, measurement, field, value, timeNs }: LackingValue, stamp: Stamp): void {
    this.#stamp = stamp;
    if (value.type === 'string') this.#textLength += value.value.length;
    this.#builder.add(key, { measurement, tags: [], fields: new Map([[field, value]]), timeNs });
  }

  take():
    { readonly payload: Uint8Array; readonly stamp: Stamp; readonly rowCount: number } | undefined {
    const { rowCount } = this.#builder;
    if (rowCount === 0 || this.#stamp === undefined) return undefined;
    const payload = this.#builder.finish();
    const stamp = this.#stamp;
    this.#builder = new PointBatchBuilder();
    this.#stamp = undefined;
    this.#textLength = 0;
    return { payload, stamp, rowCount };
  }

  written(rowCount: number, droppedCount: number): void {
    this.writtenCount += rowCount - droppedCount;
    this.refusedCount += droppedCount;
  }
}
