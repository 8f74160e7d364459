/** What was found in the log of each shard, by the index of its records, and in which segment. */
import type { RecordIndex } from '../../kernels/record-index.ts';

export class FoundRecords {
  readonly #index: RecordIndex;
  readonly #paths: string[] = [];

  constructor(index: RecordIndex) {
    this.#index = index;
  }

  /** Records noted from now on are in this segment, of which the number is answered. */
  begin(path: string): number {
    return this.#paths.push(path) - 1;
  }

  /** Whether all records of the shard with `after < sequence <= last` were found. */
  hasAll(shardId: number, after: number, last: number): boolean {
    if (last <= after) return true;
    const bounds = this.#index.of(shardId)?.bounds ?? [];
    for (let i = 0; i < bounds.length; i += 2)
      if ((bounds[i] ?? 0) <= after + 1 && (bounds[i + 1] ?? 0) >= last) return true;
    return false;
  }

  /** Whether the record with this sequence was found. */
  has(shardId: number, sequence: number): boolean {
    return this.hasAll(shardId, sequence - 1, sequence);
  }

  /**
   * Whether records found behind this place prove that none of the shard is missing there; `flushed` is up to where they
   * are in files.
   */
  provesWhole(shardId: number, flushed: number, path: string, offset: number): boolean {
    const records = this.#index.of(shardId);
    if (records === undefined) return false;
    const at = this.#paths.indexOf(path);
    const isBehind = records.segment > at || (records.segment === at && records.offset > offset);
    return isBehind && this.hasAll(shardId, flushed, records.bounds.at(-1) ?? 0);
  }
}
