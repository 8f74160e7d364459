/**
 * What of our log counts of one shard, and is in no file of it: a write that came late, by hinted handoff, is in the log behind the later
 * ones that it lost to, and behind the delete that has struck it (decision 0014).
 *
 * Invariant: what the log still has is compared, exactly as far as `rememberedBytesMax` goes; a late write whose later one is in files alone counts as
 * the later one.
 */
import { filterTests } from '../../../data/engine/delete-filters.ts';
import { decodePointBatch, type PointBatch } from '../../../models/point-batch.ts';
import { noStamp } from '../../../models/stamp.ts';
import { withoutOlder, type StruckPoints } from '../../../storage/engine/memtable/late-points.ts';
import { RecentBatches, RecentBudget } from '../../../storage/engine/memtable/recent-batches.ts';
import { struckBy } from '../../../storage/store/deletes/stored-deletes.ts';
import type { ShardManifest } from '../../../storage/store/shards/shard-manifest.ts';
import type { WalRecord } from '../../../storage/wal/wal-record.ts';

/** Of one shard, as much as a worker remembers of all. */
const rememberedBytesMax = 32 << 20;

export class ShardLog {
  /** Records up to it are in files. */
  readonly flushedSequence: number;
  readonly #struck: readonly StruckPoints[];
  readonly #recent = new RecentBatches(new RecentBudget(rememberedBytesMax), noStamp);
  #latest = noStamp;

  constructor({
    flushedSequence,
    deletes = [],
  }: Pick<ShardManifest, 'flushedSequence' | 'deletes'>) {
    this.flushedSequence = flushedSequence;
    const filters = { test: filterTests() };
    this.#struck = deletes.map((one) => struckBy(one, filters));
  }

  /** To be given all records of the shard, in their order. What is refused of the batch is refused still. */
  take({ sequence, payload, rejectBitmap }: WalRecord): PointBatch | undefined {
    const batch = decodePointBatch(payload);
    const { stamp } = batch;
    const isLate = stamp < this.#latest || this.#struck.some((one) => one.stamp > stamp);
    const left = isLate && sequence > this.flushedSequence ? this.#latestOf(batch, rejectBitmap) : batch; // prettier-ignore
    if (stamp !== noStamp) this.#recent.add(batch, rejectBitmap.slice());
    if (stamp > this.#latest) this.#latest = stamp;
    return sequence > this.flushedSequence ? left : undefined;
  }

  #latestOf(batch: PointBatch, rejects: Uint8Array): PointBatch | undefined {
    return withoutOlder(batch, rejects, { recent: this.#recent, parts: [], struck: this.#struck }).batch; // prettier-ignore
  }
}
