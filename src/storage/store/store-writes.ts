/**
 * A batch's way into its shard: decided, logged, applied.
 *
 * Invariants:
 * - A write resolves only once its record is durable, and shows to readers from then on.
 * - Batches of a shard are decided in the order in which their records enter the log.
 */
import type { Clock } from '../../env/clock.ts';
import type { StoreKernel } from '../../kernels/store-kernel.ts';
import { decodePointBatch, type PointBatch } from '../../models/point-batch.ts';
import { stampBatch, stampBehind } from '../../models/stamp.ts';
import type { DecidedField } from '../engine/shard.ts';
import { WalRecordKind, type WalRecord } from '../wal/wal-record.ts';
import type { Flusher } from './flushes/flusher.ts';
import { encodeFieldTypes } from './log/field-types-record.ts';
import { withFailed } from './log/log-marks.ts';
import { refuseFull } from './log/refuse-full.ts';
import type { WrittenShards } from './opening/written-shards.ts';
import type { DatabaseSeries } from './shards/database-series.ts';
import type { OpenShard } from './shards/open-shards.ts';
import type { OtherSeries } from './shards/other-series.ts';
import type { WritePlace, WriteReceipt } from './shards/shard-facts.ts';
import type { StoreOptions } from './store-options.ts';

const noRejects = new Uint8Array(0);

export interface StoreWritesPorts {
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly kernel: StoreKernel;
  readonly options: StoreOptions;
  readonly written: WrittenShards;
  readonly series: DatabaseSeries;
  readonly flusher: Flusher;
  /** Resolves once the record is durable. Throws what the disk says. */
  readonly append: (record: WalRecord) => Promise<void>;
  /** A measurement, a field or a tag key has come to show. */
  readonly onNewSchema: () => void;
  readonly onNewSeries: () => void;
}

export class StoreWrites {
  readonly #ports: StoreWritesPorts;

  constructor(ports: StoreWritesPorts) {
    this.#ports = ports;
  }

  /** See Store.write. */
  async write(
    place: WritePlace,
    payload: Uint8Array,
    fields: readonly DecidedField[],
    others: readonly OtherSeries[] | undefined,
  ): Promise<WriteReceipt> {
    const { written, series } = this.#ports;
    const came = decodePointBatch(payload);
    const open = await written.openFor(place, came.series);
    const newer = open.shard.newerThan(came);
    // Nobody else is to have it: what is taken last is later than what is here, whatever the clocks were.
    const isBehind = newer !== undefined && place.isAlone === true;
    if (isBehind) stampBatch(payload, stampBehind(newer, came.stamp));
    const batch = isBehind ? decodePointBatch(payload) : came;
    this.#refuseFull(open);
    const { limited, asks, end } = series.admit(place.database, batch, others);
    if (asks !== undefined) return { droppedCount: batch.rowCount, reason: '', asks };
    let done: { grownCount: number; droppedCount: number; isUnclear: boolean } | undefined;
    try {
      // What the lead of the shard has decided this one's log keeps with the first point.
      const { rejects, droppedCount, reason } = open.shard.decide(batch, limited, fields);
      const isTaken = open.shard.hasTaken(batch.stamp);
      const isLeft = droppedCount > 0 && place.isWhole === true;
      const receipt = { droppedCount, reason, ...(newer !== undefined && { newer }) };
      if (droppedCount === batch.rowCount || isTaken || isLeft) return receipt;
      done = { droppedCount, ...(await this.#commit(open, [batch, payload], rejects, place)) };
      return done.isUnclear ? { ...receipt, isUnclear: true } : receipt;
    } finally {
      end(done);
    }
  }

  #refuseFull(open: OpenShard): void {
    const { kernel, options, flusher } = this.#ports;
    try {
      refuseFull(kernel, options, open.shard.memtableBytes);
    } catch (error) {
      flusher.flushForRoom(open);
      throw error;
    }
  }

  /** Resolves once a batch is durable and applied, with how many series the shard has got, and what apply() answers. */
  async #commit(
    open: OpenShard,
    [batch, payload]: readonly [PointBatch, Uint8Array],
    rejects: Uint8Array,
    { shardId, isAlone, login }: WritePlace,
  ): Promise<{ readonly grownCount: number; readonly isUnclear: boolean }> {
    const { clock, options, flusher, append, onNewSchema, onNewSeries } = this.#ports;
    const sequence = ++open.sequence;
    try {
      const head = { kind: WalRecordKind.points, codec: 0, shardId, sequence } as const;
      await append({ ...head, rejectBitmap: rejects, payload });
      options.ingress?.add(login, open.place, {
        batch,
        rejects,
        unknown: open.shard.index.unknown(batch.series),
      });
      const { schemaVersion, seriesCount, activeBytes } = open.shard;
      const isUnclear = open.shard.apply(batch, rejects, { isAlone });
      if (open.shard.schemaVersion !== schemaVersion) onNewSchema();
      if (open.shard.seriesCount !== seriesCount) onNewSeries();
      open.appliedSequence = Math.max(open.appliedSequence, sequence);
      open.lastWriteMs = clock.monotonicMs();
      flusher.flushIfLarge(open, Math.max(0, open.shard.activeBytes - activeBytes));
      return { grownCount: open.shard.seriesCount - seriesCount, isUnclear };
    } catch (error) {
      // The log may have it all the same, and files what comes behind it: no start is to take it for one of these.
      open.failed = withFailed(open.failed, sequence);
      throw error;
    }
  }

  /** See Store.decideFieldTypes. */
  async decideFieldTypes(
    place: WritePlace,
    fields: readonly DecidedField[],
  ): Promise<readonly DecidedField[]> {
    const open = await this.#ports.written.open(place);
    const decided = open.shard.decideFieldTypes(fields);
    // An owner that was started anew asks for all that it meets, and its writes wait for the answer.
    if (open.shard.showsFields(fields)) return decided;
    const sequence = ++open.sequence;
    const head = { kind: WalRecordKind.types, codec: 0, shardId: place.shardId, sequence } as const;
    const payload = encodeFieldTypes(decided);
    await this.#ports.append({ ...head, rejectBitmap: noRejects, payload });
    open.appliedSequence = Math.max(open.appliedSequence, sequence);
    return decided;
  }
}
