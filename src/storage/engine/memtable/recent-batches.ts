/**
 * The batches that the shards of a worker took last, as they came: what tells exactly whether a batch that arrives late is
 * older than what a shard has of its points, since files do not keep when a point was written (decision 0014). A start takes them
 * from the log (decision 144).
 *
 * Invariants:
 * - A shard's list has every batch whose stamp is later than `forgotten` and that was applied to it.
 * - All lists of a worker together hold at most so many bytes; past it the oldest to arrive goes, whichever shard's.
 * - That a batch was taken is known for longer than what it had: whoever was away brings what it took last once it is back
 *   (decision 137), when nothing else tells that it is no news.
 * - What is remembered is a copy: a payload is its writer's again once the write has ended. The copy's memory is used again once
 *   it is forgotten, which may be as soon as the next batch is added: who needs a payload longer copies it.
 *
 * Not here: what follows for a late batch (late-points.ts).
 */
import { latestOf, noStamp, stampKey, type Stamp } from '../../../models/stamp.ts';
import { copyBytes } from '../../../base/copy-bytes.ts';
import { SharedBuffers } from '../../../base/shared-buffers.ts';
import { KiB } from '../../../base/units.ts';
import type { BatchHead, PointBatch } from '../../../models/point-batch.ts';
import { RecentSeries } from './recent-series.ts';
import type { TimeBounds } from './shape-table.ts';

export interface RecentBatch extends TimeBounds {
  readonly stamp: Stamp;
  readonly payload: Uint8Array;
  /** Rows that its owner refused. */
  readonly rejects: Uint8Array;
}

/** That a shard remembers a batch of so many bytes. */
interface Remembered {
  readonly of: RecentBatches;
  readonly lengthBytes: number;
}

/** As a shard has it in its lists. */
export interface RememberedBatch extends RecentBatch {
  isForgotten: boolean;
}

/** What a batch costs besides its bytes. */
const entryBytes = 256;
/** Smaller copies are the collector's: memory that is lent comes in powers of two. */
const lentBytesMin = 16 * KiB;
/** Of batches that are forgotten otherwise, a few MiB of a worker: minutes of it at its busiest, and days of few writes. */
const stampCountMax = 65_536;
/** Lists by series are let go of once so many batches came that nobody asked for. */
const unaskedMax = 65_536;
/** Entries that were taken out are let go of once they are so many, and half of the list. */
const takenMin = 1_024;

/** How much the shards of a worker may remember. */
export class RecentBudget {
  readonly #bytesMax: number;
  readonly #order = new TakenList<Remembered>();
  readonly #stamps = new TakenList<{ readonly of: RecentBatches; readonly key: bigint }>();
  readonly #stampCountMax: number;
  readonly #buffers: SharedBuffers;
  #usedBytes = 0;
  #stampCount = 0;

  constructor(bytesMax: number, stampCountMaxOwn = stampCountMax) {
    this.#bytesMax = bytesMax;
    this.#stampCountMax = stampCountMaxOwn;
    this.#buffers = new SharedBuffers(bytesMax / 4);
  }

  /** Counts a batch that `of` remembers from now on, and forgets the oldest for it. */
  add(of: RecentBatches, payloadBytes: number): void {
    const lengthBytes = payloadBytes + entryBytes;
    this.#order.push({ of, lengthBytes });
    this.#usedBytes += lengthBytes;
    while (this.#usedBytes > this.#bytesMax) {
      const oldest = this.#order.shift();
      if (oldest === undefined) return;
      this.#forget(oldest);
    }
  }

  /** All batches of one shard. */
  forgetAll(of: RecentBatches): void {
    const order = [...this.#order];
    this.#order.clear();
    for (const one of order)
      if (one.of === of) this.#forget(one);
      else this.#order.push(one);
  }

  /** The oldest of a shard. */
  #forget({ of, lengthBytes }: Remembered): void {
    this.#usedBytes -= lengthBytes;
    const forgotten = of.forgetOldest();
    if (forgotten === undefined) return;
    this.#buffers.giveBack(forgotten.payload);
    this.#keepStamp(of, stampKey(forgotten.stamp));
  }

  #keepStamp(of: RecentBatches, key: bigint): void {
    this.#stamps.push({ of, key });
    if (++this.#stampCount <= this.#stampCountMax) return;
    this.#stampCount--;
    const oldest = this.#stamps.shift();
    oldest?.of.forgetStamp(oldest.key);
  }

  copyOf(payload: Uint8Array): Uint8Array {
    if (payload.length < lentBytesMin) return payload.slice();
    const copy = this.#buffers.lend(payload.length).subarray(0, payload.length);
    copyBytes(copy, payload);
    return copy;
  }
}

/** Of one shard. */
export class RecentBatches {
  readonly #budget: RecentBudget;
  readonly #batches = new TakenList<RememberedBatch>();
  /** Of all batches but those that came since; undefined until somebody asks. */
  #series: RecentSeries<RememberedBatch> | undefined;
  #unlisted: RememberedBatch[] = [];
  #forgottenCount = 0;
  /** By `stampKey`: what was refused of each, as far as that is known. */
  readonly #stamps = new Map<bigint, Uint8Array | undefined>();
  /** The latest stamp of what the shard had before, and is not among the batches. */
  #before: Stamp;
  #forgotten = noStamp;

  constructor(budget: RecentBudget, before: Stamp) {
    this.#budget = budget;
    this.#before = before;
  }

  /** Batches that are no later may be missing. */
  get forgotten(): Stamp {
    return latestOf([this.#before, this.#forgotten]);
  }

  /** Of what the shard had before all is among the batches that is later. */
  hasAllSince(before: Stamp): void {
    this.#before = before;
  }

  /** Of a shard that has nobody to be equal to, and all up to this stamp. */
  forgetAll(until: Stamp): void {
    if (!this.#batches.isEmpty) this.#budget.forgetAll(this);
    this.forgetUntil(until);
  }

  add({ payload, stamp, minTimeNs, maxTimeNs }: BatchHead, rejects: Uint8Array): void {
    const copy = this.#budget.copyOf(payload);
    const batch = { stamp, minTimeNs, maxTimeNs, payload: copy, rejects, isForgotten: false };
    this.#batches.push(batch);
    if (this.#series !== undefined) this.#unlisted.push(batch);
    if (this.#unlisted.length > unaskedMax) this.#dropLists();
    this.#stamps.set(stampKey(stamp), rejects);
    this.#budget.add(this, payload.length);
  }

  /** Whether it was taken already: a hint that is brought twice. Batches without a stamp are never known to be. */
  has(stamp: Stamp): boolean {
    return stamp !== noStamp && this.#stamps.has(stampKey(stamp));
  }

  /** What was refused of a batch that was taken; undefined where that is not known. */
  rejectsOf(stamp: Stamp): Uint8Array | undefined {
    return stamp === noStamp ? undefined : this.#stamps.get(stampKey(stamp));
  }

  /** The shard has something of up to this stamp that it does not remember. */
  forgetUntil(stamp: Stamp): void {
    if (stamp > this.#forgotten) this.#forgotten = stamp;
  }

  /** Gives the batch, whose payload nobody looks at any more; that it was taken stays known. */
  forgetOldest(): RecentBatch | undefined {
    const oldest = this.#batches.shift();
    if (oldest === undefined) return undefined;
    oldest.isForgotten = true;
    this.#forgottenCount++;
    this.forgetUntil(oldest.stamp);
    if (oldest.rejects.length > 0) this.#stamps.set(stampKey(oldest.stamp), undefined);
    return oldest;
  }

  forgetStamp(key: bigint): void {
    this.#stamps.delete(key);
  }

  /** Those that are later than a batch, and have times within its bounds and a series of its: as a rule the latest first. */
  *over({ stamp, minTimeNs, maxTimeNs, series }: PointBatch): Generator<RecentBatch> {
    for (const batch of this.#listed().sharing(series))
      if (batch.stamp > stamp && batch.minTimeNs <= maxTimeNs && batch.maxTimeNs >= minTimeNs)
        yield batch;
  }

  #listed(): RecentSeries<RememberedBatch> {
    // What is forgotten leaves a list when that is looked at: of many that nobody looks at it stays.
    if (this.#forgottenCount > unaskedMax) this.#dropLists();
    const known = this.#series;
    const listed = known ?? new RecentSeries<RememberedBatch>();
    for (const batch of known === undefined ? this.#batches : this.#unlisted)
      if (!batch.isForgotten) listed.add(batch);
    this.#unlisted = [];
    this.#series = listed;
    return listed;
  }

  #dropLists(): void {
    this.#series = undefined;
    this.#unlisted = [];
    this.#forgottenCount = 0;
  }

  /** Those that are later than `stamp` and have times within the bounds. */
  *newerThan(stamp: Stamp, { minTimeNs, maxTimeNs }: TimeBounds): Generator<RecentBatch> {
    for (const batch of this.#batches)
      if (batch.stamp > stamp && batch.minTimeNs <= maxTimeNs && batch.maxTimeNs >= minTimeNs)
        yield batch;
  }
}

/** A list that is taken from at the front. */
class TakenList<Item> {
  #items: (Item | undefined)[] = [];
  #taken = 0;

  get isEmpty(): boolean {
    return this.#taken === this.#items.length;
  }

  push(item: Item): void {
    this.#items.push(item);
  }

  clear(): void {
    this.#items = [];
    this.#taken = 0;
  }

  shift(): Item | undefined {
    const item = this.#items[this.#taken];
    if (item === undefined) return undefined;
    this.#items[this.#taken++] = undefined;
    if (this.#taken >= takenMin && this.#taken * 2 >= this.#items.length) {
      this.#items = this.#items.slice(this.#taken);
      this.#taken = 0;
    }
    return item;
  }

  *[Symbol.iterator](): Generator<Item> {
    for (let i = this.#taken; i < this.#items.length; i++) {
      const item = this.#items[i];
      if (item !== undefined) yield item;
    }
  }
}
