/**
 * Batches that the log gave their shard anew and of which nobody could tell how they stand to what is in files: it was known when they were taken,
 * and what they were held against then is remembered no more. Whoever can asks the other owners (decision 149).
 *
 * Invariant: of more than `bytesMax` the first stay, as the log has said of each that it is in doubt.
 */
import { MiB } from '../../../base/units.ts';
import type { WalRecord } from '../../wal/wal-record.ts';
import type { ShardPlace } from '../shards/open-shards.ts';

export interface ReplayedBatch extends ShardPlace {
  readonly payload: Uint8Array;
}

const bytesMaxDefault = 8 * MiB;

export class ReplayedDoubts {
  readonly #bytesMax: number;
  #batches: ReplayedBatch[] = [];
  #bytes = 0;

  constructor(bytesMax = bytesMaxDefault) {
    this.#bytesMax = bytesMax;
  }

  /** A copy: the bytes of a record are others'. */
  add({ shardId, database, retentionPolicy }: ShardPlace, { payload }: WalRecord): void {
    if (this.#bytes + payload.length > this.#bytesMax) return;
    this.#bytes += payload.length;
    this.#batches.push({ shardId, database, retentionPolicy, payload: payload.slice() });
  }

  /** They are whoever takes them's. */
  take(): readonly ReplayedBatch[] {
    const taken = this.#batches;
    this.#batches = [];
    this.#bytes = 0;
    return taken;
  }
}
