/**
 * How many values a tag of a database has in all shards of a worker, for `max-values-per-tag` (spec F142). A value of several
 * shards is one, and the count is exact. What other workers have is asked of them (other-series.ts).
 *
 * Values are looked at only when those of all shards together, as if none were of two, may be too many; what is kept then is
 * of at most `unionsMax` tags.
 */
import type { OwnValues } from './other-series.ts';
import type { ShardIndex } from '../../index/shard-index.ts';
import { ValueUnion } from '../../index/value-union.ts';

export interface ValuesPorts {
  indexesOf(database: string): readonly ShardIndex[];
  /** Grows whenever a series comes or goes. */
  version(): number;
}

/** Whether tags of measurements are full, until a series comes or goes. */
interface Known {
  readonly version: number;
  readonly shardCount: number;
  readonly isFull: Map<string, boolean>;
}

const unionsMax = 64;

export class DatabaseValues {
  readonly #ports: ValuesPorts;
  readonly #known = new Map<string, Known>();
  readonly #unions = new Map<string, ValueUnion>();

  constructor(ports: ValuesPorts) {
    this.#ports = ports;
  }

  /** As a batch of the database sees it; what it says holds until the next write. */
  of(database: string): OwnValues {
    // Most batches are far from any limit, and ask nothing.
    let found: readonly ShardIndex[] | undefined;
    const indexes = (): readonly ShardIndex[] => (found ??= this.#ports.indexesOf(database));
    const count = (measurement: string, tagKey: string, valuesMax: number): number =>
      this.#count(database, indexes(), { measurement, tagKey, valuesMax });
    return {
      isAnyFull: (measurement, valuesMax) =>
        this.#remembered({ database, shardCount: indexes().length, measurement }, () =>
          tagKeysOf(indexes(), measurement).some(
            (tagKey) => count(measurement, tagKey, valuesMax) >= valuesMax,
          ),
        ),
      count,
      has: (measurement, tagKey, value) =>
        indexes().some((index) => index.hasTagValue(measurement, tagKey, value)),
      all: (measurement, tagKey) => {
        const union = this.#unionOf(database, measurement, tagKey);
        union.count(indexes().filter((index) => index.tagValueCount(measurement, tagKey) > 0));
        return union.values;
      },
    };
  }

  /** How many values the tag has that has most, as if none were of two shards. Looks at all tags. */
  largest(database: string): number {
    const counts = new Map<string, number>();
    for (const index of this.#ports.indexesOf(database)) {
      const view = index.view();
      try {
        for (const measurement of view.measurements())
          for (const tagKey of index.tagKeys(measurement)) {
            const name = JSON.stringify([measurement, tagKey]);
            counts.set(name, (counts.get(name) ?? 0) + index.tagValueCount(measurement, tagKey));
          }
      } finally {
        view.release();
      }
    }
    let largest = 0;
    for (const count of counts.values()) largest = Math.max(largest, count);
    return largest;
  }

  #remembered(
    { database, shardCount, measurement }: { readonly database: string; readonly shardCount: number; readonly measurement: string }, // prettier-ignore
    find: () => boolean,
  ): boolean {
    const version = this.#ports.version();
    let known = this.#known.get(database);
    if (known?.version !== version || known.shardCount !== shardCount) {
      known = { version, shardCount, isFull: new Map() };
      this.#known.set(database, known);
    }
    const isFull = known.isFull.get(measurement) ?? find();
    known.isFull.set(measurement, isFull);
    return isFull;
  }

  /** Exact where it is not below the limit. */
  #count(
    database: string,
    indexes: readonly ShardIndex[],
    { measurement, tagKey, valuesMax }: { readonly measurement: string; readonly tagKey: string; readonly valuesMax: number }, // prettier-ignore
  ): number {
    const counts = indexes.map((index) => index.tagValueCount(measurement, tagKey));
    const sum = counts.reduce((all, one) => all + one, 0);
    const holders = indexes.filter((_, i) => (counts[i] ?? 0) > 0);
    if (sum < valuesMax || holders.length < 2) return sum;
    return this.#unionOf(database, measurement, tagKey).count(holders);
  }

  #unionOf(database: string, measurement: string, tagKey: string): ValueUnion {
    const name = JSON.stringify([database, measurement, tagKey]);
    const union = this.#unions.get(name) ?? new ValueUnion(measurement, tagKey);
    // The one that was asked for longest ago goes first.
    this.#unions.delete(name);
    this.#unions.set(name, union);
    const [oldest] = this.#unions.keys();
    if (this.#unions.size > unionsMax && oldest !== undefined) this.#unions.delete(oldest);
    return union;
  }
}

function tagKeysOf(indexes: readonly ShardIndex[], measurement: string): readonly string[] {
  return [...new Set(indexes.flatMap((index) => [...index.tagKeys(measurement)]))];
}
