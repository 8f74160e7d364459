/**
 * How many series a database has in all shards of a node, for `max-series-per-database` (spec F142), beside its values
 * (database-values.ts). A series of several shards is one. What is counted is known exactly for one shard, and by sketches of the indexes for several.
 *
 * Invariants:
 * - a count is never below what it was made of by more than what sketches are wrong by: between two of them a database has
 *   come to have no more series than its shards have together;
 * - shards that are not open yet are opened before a series comes that none of the open ones has (asksForAll());
 * - a write that is far from the limits looks at numbers alone, its own and those of other workers (series-bounds.ts); near them a
 *   worker with a series that is new to it asks the others before it decides (other-series.ts);
 * - series on their way to the log count as if they were there, so that writes side by side do not take the same room.
 *
 * Keys are looked at again only when what has come since the last time may be too much. What is kept grows with databases.
 */
import { HyperLogLog } from '../../../base/collections/hyper-log-log.ts';
import { hashBytes } from '../../../base/hash-bytes.ts';
import { anyLimits, type LimitedDatabase, type SeriesLimits } from '../../engine/limits/series-limits.ts'; // prettier-ignore
import { measurementsOf, type PointBatch, type TextColumn } from '../../../models/point-batch.ts';
import type { ShardIndex } from '../../index/shard-index.ts';
import { askedTags } from './asked-tags.ts';
import { DatabaseValues } from './database-values.ts';
import { valuesOfAll, type LimitQuestion, type OtherSeries } from './other-series.ts';
import type { Bound, SeriesBounds } from './series-bounds.ts';
import type { ShardOpener } from '../opening/shard-opener.ts';
import type { ShardMap } from './shard-map.ts';

export interface SeriesPorts {
  readonly shards: ShardMap;
  /** Grows whenever a series comes or goes. */
  version(): number;
  /** Grows whenever series come or go otherwise than by writes. */
  changeVersion(): number;
  readonly bounds: SeriesBounds;
  readonly opener: Pick<ShardOpener, 'pendingDatabases' | 'hasPendingOf' | 'openOf'>;
}

/** Different series of a worker as they were sketched, and the sum of its shards by then. */
interface Sketched {
  readonly sketch: HyperLogLog;
  sum: number;
  /** What it says, once that was asked. */
  count: number | undefined;
}

/** Those of all shards of a worker, as if none were of two. */
interface Summed {
  readonly shardsVersion: number;
  readonly changeVersion: number;
  /** How many shards had gone. */
  readonly goneCount: number;
  sum: number;
}

/** What a batch is held against, or what others are to be asked first. */
export interface Admission {
  /** Undefined where the limits are far, or all of its series are there. */
  readonly limited?: LimitedDatabase | undefined;
  /** Nothing of it is written until this is answered. */
  readonly asks?: LimitQuestion | undefined;
  /** To be called once it is applied, with how many series its shard has got, or not to be. */
  readonly end: (done?: { readonly grownCount: number; readonly droppedCount: number }) => void;
}

/** Of a batch that may be on its way to the log. */
interface Way {
  /** So many series of it may be new. */
  readonly narrow: (count: number) => void;
  readonly end: Admission['end'];
  /** The same, where it is known which of its series are. */
  readonly endOf: (texts: TextColumn, isNew: Uint8Array) => Admission['end'];
}

const nothing = (): void => undefined;
const noneNew = new Uint8Array();
const unbounded: Bound = { series: Number.POSITIVE_INFINITY, values: Number.POSITIVE_INFINITY };

export class DatabaseSeries {
  readonly #ports: SeriesPorts;
  readonly #sketched = new Map<string, Sketched>();
  readonly #summed = new Map<string, Summed>();
  /** On their way to the log. */
  readonly #underWay = new Map<string, number>();
  readonly #values: DatabaseValues;
  /** Undefined: nothing is counted. */
  readonly #limits: SeriesLimits | undefined;
  /** How many values the tag with most of them had, and how many series there were then. */
  readonly #largest = new Map<string, { readonly count: number; readonly sum: number }>();

  /** Databases of which others know that their shards are not all open. */
  readonly #opening: Set<string>;

  constructor(ports: SeriesPorts, limits: SeriesLimits | undefined) {
    this.#ports = ports;
    this.#limits = anyLimits(limits);
    this.#opening = new Set(this.#limits === undefined ? [] : ports.opener.pendingDatabases);
    for (const database of this.#opening) ports.bounds.beginOpening(database);
    this.#values = new DatabaseValues({
      indexesOf: (database) => this.#indexesOf(database),
      version: () => ports.version(),
    });
    this.look();
  }

  /** `others` has answered what an earlier try of the batch asked. */
  admit(database: string, batch: PointBatch, others?: readonly OtherSeries[]): Admission {
    const limits = this.#limits;
    if (limits === undefined) return { end: nothing };
    const way = this.#begin(database, batch.rowCount);
    try {
      return this.#admitted(database, batch, { limits, way, others });
    } catch (error) {
      // Damage that is found when series are looked at, or no memory for it: nothing of the batch is on its way.
      way.end();
      throw error;
    }
  }

  #admitted(
    database: string,
    batch: PointBatch,
    { limits, way, others }: { readonly limits: SeriesLimits; readonly way: Way; readonly others: readonly OtherSeries[] | undefined }, // prettier-ignore
  ): Admission {
    const ofOthers = this.#ofOthers(database, others);
    const isNear = this.#isSeriesNear(database, limits, ofOthers);
    if (!isNear && !this.#isValuesNear(database, batch, limits, ofOthers)) return { end: way.end };
    const isNew = unknownToAll(this.#indexesOf(database), batch.series);
    if (isNew === undefined) {
      way.narrow(0);
      return { end: way.endOf(batch.series, noneNew) };
    }
    const values = this.#values.of(database);
    if (others === undefined && ofOthers.series > 0) {
      const { valuesPerTagMax } = limits;
      const tags = askedTags(batch.series, isNew, { valuesPerTagMax, values, ofOthers: ofOthers.values }); // prettier-ignore
      if (isNear || tags.length > 0) {
        way.narrow(0);
        return { asks: { tags }, end: nothing };
      }
    }
    const answers = others ?? [];
    const beside = this.#bound(database) - batch.rowCount - this.#most(database);
    way.narrow(countOf(isNew));
    // What others have got since they answered counts, as what is on its way.
    const came = answers.reduce((sum, { underWay, said }) => sum + underWay - said, ofOthers.series); // prettier-ignore
    const series = {
      most: () => this.#most(database) + beside + ofOthers.series,
      count: () => this.#countOfAll(database, answers) + beside + (others === undefined ? 0 : Math.max(0, came)), // prettier-ignore
      unknown: () => answers.reduce(inBoth, isNew),
    };
    const limited = { limits, database, series, values: valuesOfAll(values, answers) };
    return { limited, end: way.endOf(batch.series, isNew) };
  }

  /** While shards of others are not open nobody knows what they have, but who has been told. */
  #ofOthers(database: string, others: readonly OtherSeries[] | undefined): Bound {
    const { isOpening, ...bound } = this.#ports.bounds.ofOthers(database);
    return isOpening && others === undefined ? unbounded : bound;
  }

  #isSeriesNear(database: string, { seriesMax }: SeriesLimits, ofOthers: Bound): boolean {
    return seriesMax > 0 && this.#bound(database) + ofOthers.series > seriesMax;
  }

  #isValuesNear(
    database: string,
    batch: PointBatch,
    { valuesPerTagMax }: SeriesLimits,
    ofOthers: Bound,
  ): boolean {
    if (valuesPerTagMax === 0) return false;
    const isPast = (count: number): boolean => count + ofOthers.values >= valuesPerTagMax;
    if (!isPast(this.#valuesBound(database))) return false;
    if (ofOthers.values === 0) {
      const values = this.#values.of(database);
      return measurementsOf(batch).some((measurement) => values.isAnyFull(measurement, valuesPerTagMax)); // prettier-ignore
    }
    // Each series that came since the last look may have brought a value, and mostly has not.
    if (!isPast(this.#largest.get(database)?.count ?? 0)) this.#lookAtValues(database);
    return isPast(this.#valuesBound(database));
  }

  #lookAtValues(database: string): void {
    const count = this.#values.largest(database);
    this.#largest.set(database, { count, sum: this.#sum(database) });
  }

  /** What all shards of a database here have to say to the question of another worker about a batch. */
  async answer(database: string, batch: PointBatch, { tags }: LimitQuestion): Promise<OtherSeries> {
    await this.#ports.opener.openOf(database);
    this.look();
    const values = this.#values.of(database);
    if (tags.length > 0) this.#lookAtValues(database);
    const { sketch, sum } = this.#sketch(database);
    // Counted anew they may be fewer, which must not hide from who asks what comes from now on.
    this.#publish(database);
    return {
      unknown: unknownToAll(this.#indexesOf(database), batch.series),
      sum,
      sketch: sketch.pack(),
      underWay: this.#underWay.get(database) ?? 0,
      said: this.#ports.bounds.ownSaid(database),
      tags: tags.map(({ measurement, tagKey, values: asked, isFull }) => ({
        measurement,
        tagKey,
        has: asked.filter((value) => values.has(measurement, tagKey, value)),
        all: isFull ? [] : [...values.all(measurement, tagKey)],
      })),
    };
  }

  /** Whether the limits are to know of all shards of a database before a batch of these series is decided. */
  asksForAll(database: string, texts: TextColumn): boolean {
    if (this.#limits === undefined) return false;
    return unknownToAll(this.#indexesOf(database), texts) !== undefined;
  }

  /** To be called when shards have come or changed otherwise than by a write, and now and then: others learn what there may be. */
  look(): void {
    const { bounds, opener, shards } = this.#ports;
    if (this.#limits === undefined) return;
    for (const database of this.#opening)
      if (!opener.hasPendingOf(database)) {
        this.#publish(database);
        this.#opening.delete(database);
        bounds.endOpening(database);
      }
    for (const database of this.#summed.keys()) this.#publish(database);
    // Copies come, and shards are open from the start, without a write to their database.
    for (const database of shards.databases)
      if (!this.#summed.has(database)) this.#publish(database);
  }

  #publish(database: string): void {
    const values = this.#valuesBound(database);
    this.#ports.bounds.set(database, { series: this.#bound(database), values });
  }

  #begin(database: string, rowCount: number): Way {
    let held = 0;
    const narrow = (count: number): void => {
      const underWay = (this.#underWay.get(database) ?? 0) + count - held;
      held = count;
      if (underWay === 0) this.#underWay.delete(database);
      else this.#underWay.set(database, underWay);
      this.#publish(database);
    };
    const end: Admission['end'] = ({ grownCount } = { grownCount: 0, droppedCount: 0 }) => {
      const known = this.#summed.get(database);
      if (known !== undefined) known.sum += grownCount;
      narrow(0);
    };
    const endOf =
      (texts: TextColumn, isNew: Uint8Array): Admission['end'] =>
      (done) => {
        const sketched = this.#sketched.get(database);
        const isKept = sketched?.sum === this.#summed.get(database)?.sum;
        end(done);
        if (sketched === undefined || !isKept || done === undefined || done.droppedCount > 0)
          return;
        addNew(sketched.sketch, texts, isNew);
        sketched.sum += done.grownCount;
        sketched.count = undefined;
      };
    narrow(rowCount);
    return { narrow, end, endOf };
  }

  #indexesOf(database: string): readonly ShardIndex[] {
    const indexes: ShardIndex[] = [];
    for (const { shard } of this.#ports.shards.of(database))
      if (shard.index.damage === undefined) indexes.push(shard.index);
    return indexes;
  }

  /** No tag has more values, with those on their way. */
  #valuesBound(database: string): number {
    const sum = this.#sum(database);
    const { count, sum: before } = this.#largest.get(database) ?? { count: 0, sum: 0 };
    const came = sum >= before ? sum - before : 0;
    return count + came + (this.#underWay.get(database) ?? 0);
  }

  /** So many at most, with those on their way. */
  #bound(database: string): number {
    return this.#most(database) + (this.#underWay.get(database) ?? 0);
  }

  /** So many at most. */
  #most(database: string): number {
    const sum = this.#sum(database);
    const known = this.#sketched.get(database);
    return known === undefined ? sum : estimateOf(known) + sum - known.sum;
  }

  #sum(database: string): number {
    const changeVersion = this.#ports.changeVersion();
    const shardsVersion = this.#ports.shards.version;
    const known = this.#summed.get(database);
    if (known?.changeVersion === changeVersion && known.shardsVersion === shardsVersion)
      return known.sum;
    const sum = this.#indexesOf(database).reduce((all, { seriesCount }) => all + seriesCount, 0);
    const goneCount = this.#ports.shards.goneCount(database);
    if (known !== undefined && (sum < known.sum || goneCount !== known.goneCount)) {
      // Series have gone: nobody knows how many of those that came since they hide.
      this.#sketched.delete(database);
      this.#largest.delete(database);
    }
    this.#summed.set(database, { changeVersion, shardsVersion, goneCount, sum });
    return sum;
  }

  #countOfAll(database: string, others: readonly OtherSeries[]): number {
    const sums = [this.#sum(database), ...others.map(({ sum }) => sum)];
    const sum = sums.reduce((all, one) => all + one, 0);
    const isOfOthers = sum > (sums[0] ?? 0);
    if (!isOfOthers && this.#indexesOf(database).length < 2) return sum;
    const own = this.#sketch(database);
    if (!isOfOthers) return estimateOf(own);
    const sketch = new HyperLogLog();
    sketch.merge(own.sketch);
    for (const other of others) sketch.merge(HyperLogLog.unpack(other.sketch));
    return Math.min(sum, sketch.estimate());
  }

  /** Of all series here. */
  #sketch(database: string): Sketched {
    const sum = this.#sum(database);
    const known = this.#sketched.get(database);
    if (known?.sum === sum) return known;
    const sketch = new HyperLogLog();
    for (const index of this.#indexesOf(database)) {
      const view = index.view();
      try {
        for (const _ of view.sketchSeries(sketch));
      } finally {
        view.release();
      }
    }
    const sketched = { sketch, sum, count: undefined };
    this.#sketched.set(database, sketched);
    return sketched;
  }
}

function estimateOf(sketched: Sketched): number {
  sketched.count ??= Math.min(sketched.sum, sketched.sketch.estimate());
  return sketched.count;
}

function countOf(isNew: Uint8Array): number {
  let count = 0;
  for (const one of isNew) count += one;
  return count;
}

/** The bytes that are 1 on both sides; undefined when there is none. */
function inBoth(one: Uint8Array | undefined, { unknown }: OtherSeries): Uint8Array | undefined {
  if (one === undefined || unknown === undefined) return undefined;
  const both = one.map((byte, i) => byte & (unknown[i] ?? 0));
  return both.includes(1) ? both : undefined;
}

function addNew(sketch: HyperLogLog, { offsets, bytes }: TextColumn, isNew: Uint8Array): void {
  for (let one = 0; one < isNew.length; one++)
    if (isNew[one] === 1) sketch.addHash(hashBytes(bytes, offsets[one] ?? 0, offsets[one + 1] ?? 0)); // prettier-ignore
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
