/**
 * What a worker has done for a shard since the node started: flushes, and compactions by their kind, under the names of the
 * reference's `tsm1_engine` and `tsm1_cache` (spec 1.11).
 *
 * Not here: queues. One plan of a worker is at work at a time, and is made when it begins: `...Queue` is always 0.
 */
import type { Clock } from '../../../env/clock.ts';
import type { CompactionKind } from '../../engine/compaction/compaction-plan.ts';

export type WorkKind = 'flush' | CompactionKind;
/** What may not move for long: compactions and flushes of the shard, and the log while records of it wait there. */
export type StallKind = 'compaction' | 'flush' | 'log';

interface Tally {
  doneCount: number;
  activeCount: number;
  failedCount: number;
  durationMs: number;
}

const statisticNames: Readonly<Record<CompactionKind, string>> = {
  level1: 'tsmLevel1',
  level2: 'tsmLevel2',
  level3: 'tsmLevel3',
  optimize: 'tsmOptimize',
  full: 'tsmFull',
};
const msToNs = 1_000_000;

export class ShardWork {
  readonly #clock: Clock;
  readonly #tallies: Readonly<Record<WorkKind, Tally>> = {
    flush: newTally(),
    level1: newTally(),
    level2: newTally(),
    level3: newTally(),
    optimize: newTally(),
    full: newTally(),
  };
  #flushedMs: number;
  /** Of memtables that became files. */
  #flushedBytes = 0;
  readonly #stalls: Record<StallKind, number> = { compaction: 0, flush: 0, log: 0 };

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#flushedMs = clock.monotonicMs();
  }

  /** Counts a piece of work while it runs, and what became of it. */
  async count<T>(kind: WorkKind, run: () => Promise<T>): Promise<T> {
    const tally = this.#tallies[kind];
    const startMs = this.#clock.monotonicMs();
    tally.activeCount++;
    try {
      const result = await run();
      tally.doneCount++;
      return result;
    } catch (error) {
      tally.failedCount++;
      throw error;
    } finally {
      tally.activeCount--;
      const endMs = this.#clock.monotonicMs();
      tally.durationMs += endMs - startMs;
      if (kind === 'flush') this.#flushedMs = endMs;
    }
  }

  /** A memtable of so many bytes is in files. */
  addFlushed(bytes: number): void {
    this.#flushedBytes += bytes;
  }

  /** It has not moved for long. */
  countStall(kind: StallKind): void {
    this.#stalls[kind]++;
  }

  get stalls(): Readonly<Record<StallKind, number>> {
    return { ...this.#stalls };
  }

  /** Fields of `tsm1_engine`; durations are nanoseconds. */
  engineValues(): Readonly<Record<string, number>> {
    const { doneCount, activeCount, failedCount, durationMs } = this.#tallies.flush;
    const values: Record<string, number> = {
      cacheCompactions: doneCount,
      cacheCompactionsActive: activeCount,
      cacheCompactionErr: failedCount,
      cacheCompactionDuration: Math.round(durationMs * msToNs),
    };
    for (const [kind, name] of Object.entries(statisticNames)) {
      const tally = this.#tallies[kind as CompactionKind];
      values[`${name}Compactions`] = tally.doneCount;
      values[`${name}CompactionsActive`] = tally.activeCount;
      values[`${name}CompactionErr`] = tally.failedCount;
      values[`${name}CompactionDuration`] = Math.round(tally.durationMs * msToNs);
      values[`${name}CompactionQueue`] = 0;
    }
    return values;
  }

  /** Of `tsm1_cache`: how long what is in memory may have been there, how much has gone to files, and how long that took. */
  cacheValues(): Readonly<Record<string, number>> {
    const { activeCount, durationMs } = this.#tallies.flush;
    return {
      WALCompactionTimeMs: Math.round(durationMs),
      cacheAgeMs: Math.round(this.#clock.monotonicMs() - this.#flushedMs),
      cachedBytes: this.#flushedBytes,
      snapshotCount: activeCount,
    };
  }
}

function newTally(): Tally {
  return { doneCount: 0, activeCount: 0, failedCount: 0, durationMs: 0 };
}
