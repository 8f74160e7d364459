/**
 * How many series a database has in all shards of a worker, for `max-series-per-database` (spec F142), beside its values
 * (database-values.ts). A series of several shards is one. What is counted is known exactly for one shard, and by sketches of the indexes for several.
 *
 * Invariants:
 * - a count is never below what it was made of by more than what sketches are wrong by: between two of them a database has
 *   come to have no more series than its shards have together;
 * - shards that are not open yet are opened before a series comes that none of the open ones has (asksForAll());
 * - those of other workers count for nothing: nothing is refused that the node has room for.
 *
 * Keys are looked at again only when what has come since the last time may be too much. What is kept grows with databases.
 */
import { HyperLogLog } from '../../../base/collections/hyper-log-log.ts';
import { anyLimits, type LimitedDatabase, type SeriesCount, type SeriesLimits } from '../../engine/limits/series-limits.ts'; // prettier-ignore
import type { TextColumn } from '../../../models/point-batch.ts';
import type { ShardIndex } from '../../index/shard-index.ts';
import { DatabaseValues } from './database-values.ts';
import type { ShardMap } from './shard-map.ts';

interface Counted {
  /** Different series, and those of all shards as if none were of two. */
  readonly count: number;
  readonly sum: number;
}

export interface SeriesPorts {
  readonly shards: ShardMap;
  /** Grows whenever a series comes or goes. */
  version(): number;
}

/** The sum of a database, of all writes until a series comes or goes. */
interface Summed {
  readonly version: number;
  readonly shardCount: number;
  readonly sum: number;
}

export class DatabaseSeries {
  readonly #ports: SeriesPorts;
  readonly #counted = new Map<string, Counted>();
  readonly #summed = new Map<string, Summed>();
  readonly #values: DatabaseValues;

  constructor(ports: SeriesPorts) {
    this.#ports = ports;
    this.#values = new DatabaseValues({
      indexesOf: (database) => this.#indexesOf(database),
      version: () => ports.version(),
    });
  }

  /** What a batch of the database is held against; what it says holds until the next write. */
  limited(database: string, limits: SeriesLimits): LimitedDatabase {
    return { limits, database, series: this.#of(database), values: this.#values.of(database) };
  }

  /** Whether the limits are to know of all shards of a database before a batch of these series is decided. */
  asksForAll(database: string, limits: SeriesLimits | undefined, texts: TextColumn): boolean {
    if (anyLimits(limits) === undefined) return false;
    return unknownToAll(this.#indexesOf(database), texts) !== undefined;
  }

  #of(database: string): SeriesCount {
    return {
      most: () => this.#most(database),
      count: () => this.#count(database),
      unknown: (texts) => unknownToAll(this.#indexesOf(database), texts),
    };
  }

  #indexesOf(database: string): readonly ShardIndex[] {
    const indexes: ShardIndex[] = [];
    for (const { shard } of this.#ports.shards.of(database))
      if (shard.index.damage === undefined) indexes.push(shard.index);
    return indexes;
  }

  /** So many at most. */
  #most(database: string): number {
    const sum = this.#sum(database);
    const known = this.#counted.get(database);
    if (known === undefined) return sum;
    // Series have gone: nobody knows how many of those that came since they hide.
    if (sum < known.sum) this.#counted.delete(database);
    return sum < known.sum ? sum : known.count + sum - known.sum;
  }

  #sum(database: string): number {
    const version = this.#ports.version();
    const shardCount = this.#ports.shards.version;
    const known = this.#summed.get(database);
    if (known?.version === version && known.shardCount === shardCount) return known.sum;
    const sum = this.#indexesOf(database).reduce((all, { seriesCount }) => all + seriesCount, 0);
    this.#summed.set(database, { version, shardCount, sum });
    return sum;
  }

  #count(database: string): number {
    const indexes = this.#indexesOf(database);
    const sum = this.#sum(database);
    const known = this.#counted.get(database);
    if (indexes.length < 2) return sum;
    if (known?.sum === sum) return known.count;
    const sketch = new HyperLogLog();
    for (const index of indexes) {
      const view = index.view();
      try {
        for (const _ of view.sketchSeries(sketch));
      } finally {
        view.release();
      }
    }
    const count = Math.min(sum, sketch.estimate());
    this.#counted.set(database, { count, sum });
    return count;
  }
}

/** A byte for each series of a batch: 1 when no shard has it; undefined when each is in one. */
function unknownToAll(indexes: readonly ShardIndex[], texts: TextColumn): Uint8Array | undefined {
  let unknown: Uint8Array | undefined = new Uint8Array(texts.offsets.length - 1).fill(1);
  for (const index of indexes) {
    const own = index.unknown(texts);
    if (own === undefined) return undefined;
    unknown = unknown.map((byte, i) => byte & (own[i] ?? 0));
  }
  return unknown.includes(1) ? unknown : undefined;
}
