/**
 * Tells of work that does not move: nothing was read or written for long, as a disk hangs or a file is never done. A shard
 * whose files are not compacted any more is read slower every day, one that is not flushed refuses writes in the end, and
 * nobody is told by an error.
 *
 * Invariants:
 * - a piece of work is told of once until it moves again, and then that it does;
 * - what is watched is work under way, a few pieces at a time.
 */
import type { Clock } from '../../env/clock.ts';
import type { Log, LogFields } from '../../env/log.ts';
import type { OpenShard } from './shards/open-shards.ts';
import type { StallKind } from './shards/shard-work.ts';

/** A slice of the work takes milliseconds, waiting for the throttle some seconds. */
const stalledAfterMs = 60_000;

interface Watched {
  movedMs: number;
  isStalled: boolean;
}

export interface StallWatchOptions<Key> {
  readonly kind: StallKind;
  readonly fields: (key: Key) => LogFields;
  /** Told once for each time that it is told of. */
  readonly onStall: (key: Key) => void;
}

const names: Readonly<Record<StallKind, string>> = {
  compaction: 'TSM compaction',
  flush: 'Cache snapshot',
  log: 'Write-ahead log',
};

export class StallWatch<Key> {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #options: StallWatchOptions<Key>;
  readonly #watched = new Map<Key, Watched>();

  constructor(
    { clock, log }: { readonly clock: Clock; readonly log: Log },
    options: StallWatchOptions<Key>,
  ) {
    this.#clock = clock;
    this.#log = log;
    this.#options = options;
  }

  /** Watches while `run` is at work on it. */
  async during<T>(key: Key, run: () => Promise<T>): Promise<T> {
    this.#watched.set(key, { movedMs: this.#clock.monotonicMs(), isStalled: false });
    try {
      return await run();
    } finally {
      this.moved(key);
      this.#watched.delete(key);
    }
  }

  /** The work on it goes on. */
  moved(key: Key): void {
    const watched = this.#watched.get(key);
    if (watched === undefined) return;
    const nowMs = this.#clock.monotonicMs();
    const { kind, fields } = this.#options;
    if (watched.isStalled)
      this.#log.info(`${names[kind]} goes on`, { ...fields(key), ms: nowMs - watched.movedMs });
    watched.movedMs = nowMs;
    watched.isStalled = false;
  }

  /** From time to time. */
  look(): void {
    const nowMs = this.#clock.monotonicMs();
    const { kind, fields, onStall } = this.#options;
    for (const [key, watched] of this.#watched) {
      const ms = nowMs - watched.movedMs;
      if (watched.isStalled || ms < stalledAfterMs) continue;
      watched.isStalled = true;
      onStall(key);
      this.#log.warn(`${names[kind]} has stalled`, { ...fields(key), ms });
    }
  }
}

/** Of work on a shard, counted in its statistics. */
export function shardStalls(kind: StallKind): StallWatchOptions<OpenShard> {
  return {
    kind,
    fields: ({ place }) => ({ shard: place.shardId }),
    onStall: ({ work }) => {
      work.countStall(kind);
    },
  };
}
