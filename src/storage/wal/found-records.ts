/**
 * Which records of each shard were found in the log, as runs of sequences, and where the last one was. Memory grows with the
 * gaps, not with the records.
 */
interface ShardRuns {
  readonly shardId: number;
  /** First and last sequence of each run, ascending. */
  readonly bounds: number[];
  lastPath: number;
  lastOffset: number;
  /** The highest one in the segment at `lastPath`. */
  segmentSequence: number;
  readonly isWanted: boolean;
}

export class FoundRecords {
  readonly #paths: string[] = [];
  readonly #shards = new Map<number, ShardRuns>();
  readonly #isWanted: (shardId: number) => boolean;
  /** Those that have records in the segment at hand. */
  #here: ShardRuns[] = [];

  /** `isWanted` is asked once of each shard. */
  constructor(isWanted: (shardId: number) => boolean = () => true) {
    this.#isWanted = isWanted;
  }

  /** Records noted from now on are in this segment. */
  begin(path: string): void {
    this.#paths.push(path);
    this.#here = [];
  }

  /** Sequences of a shard ascend in the order of the log. Answers whether the shard is wanted. */
  note(shardId: number, sequence: number, offset: number): boolean {
    let runs = this.#shards.get(shardId);
    if (runs === undefined) {
      const isWanted = this.#isWanted(shardId);
      runs = { shardId, bounds: [], lastPath: -1, lastOffset: 0, segmentSequence: 0, isWanted };
      this.#shards.set(shardId, runs);
    }
    const path = this.#paths.length - 1;
    if (runs.lastPath !== path) {
      this.#here.push(runs);
      runs.segmentSequence = 0;
      runs.lastPath = path;
    }
    runs.lastOffset = offset;
    if (sequence > runs.segmentSequence) runs.segmentSequence = sequence;
    const last = runs.bounds.length - 1;
    if (runs.bounds[last] === sequence - 1) runs.bounds[last] = sequence;
    else runs.bounds.push(sequence, sequence);
    return runs.isWanted;
  }

  /** The last sequence of each shard in the segment that was begun last. */
  sequencesHere(): ReadonlyMap<number, number> {
    return new Map(this.#here.map(({ shardId, segmentSequence }) => [shardId, segmentSequence]));
  }

  /** Whether all records of the shard with `after < sequence <= last` were found. */
  hasAll(shardId: number, after: number, last: number): boolean {
    if (last <= after) return true;
    const bounds = this.#shards.get(shardId)?.bounds ?? [];
    for (let i = 0; i < bounds.length; i += 2)
      if ((bounds[i] ?? 0) <= after + 1 && (bounds[i + 1] ?? 0) >= last) return true;
    return false;
  }

  /**
   * Whether records found behind this place prove that none of the shard is missing there; `flushed` is up to where they
   * are in files.
   */
  provesWhole(shardId: number, flushed: number, path: string, offset: number): boolean {
    const runs = this.#shards.get(shardId);
    if (runs === undefined) return false;
    const at = this.#paths.indexOf(path);
    const isBehind = runs.lastPath > at || (runs.lastPath === at && runs.lastOffset > offset);
    return isBehind && this.hasAll(shardId, flushed, runs.bounds[runs.bounds.length - 1] ?? 0);
  }
}
