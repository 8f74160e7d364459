/**
 * How many series each worker of a node has of a database at the most, in memory that all of them see: a write that is far from
 * the limits of series asks no other worker.
 *
 * Invariants:
 * - A bound is no less than the series that its worker has of open shards, and those on their way to its log.
 * - Whoever raises its own bound before it looks at the others' is seen by those that do so later: two writes on two workers
 *   cannot both take the room that is left for one.
 * - Databases whose names share a place add up: others are asked more often then, and nothing is refused for it.
 *
 * Layout: of each worker four int32 for each place: series; databases that have shards which are not open; values of the tag that
 * has most; nothing.
 */
import type { StoreOptions } from '../store-options.ts';

const placeCount = 1_024;
const placeWords = 4;
const Word = { series: 0, opening: 1, values: 2 } as const;
/** Sums of some of them are int32 still. */
const boundMost = 1 << 26;
const hashFactor = 31;

export interface Bound {
  readonly series: number;
  /** Of the tag that has most of them. */
  readonly values: number;
}

export interface OthersBound extends Bound {
  /** Nobody knows what they have. */
  readonly isOpening: boolean;
}

export function sharedSeriesBounds(workerCount: number): Int32Array {
  return new Int32Array(new SharedArrayBuffer(workerCount * placeCount * placeWords * 4));
}

/** Of a worker by itself where it knows of no others. */
export function seriesBoundsOf({
  seriesBounds = sharedSeriesBounds(1),
  worker,
}: Pick<StoreOptions, 'seriesBounds' | 'worker'>): SeriesBounds {
  return new SeriesBounds(seriesBounds, worker);
}

/** As one worker sees them. */
export class SeriesBounds {
  readonly #cells: Int32Array;
  readonly #worker: number;
  /** What it has said of its own. */
  readonly #said = new Map<string, Bound>();

  constructor(cells: Int32Array, worker: number) {
    this.#cells = cells;
    this.#worker = worker;
  }

  /** Of the own worker. */
  set(database: string, bound: Bound): void {
    const said = this.#said.get(database) ?? { series: 0, values: 0 };
    const series = Math.min(bound.series, boundMost);
    const values = Math.min(bound.values, boundMost);
    if (series === said.series && values === said.values) return;
    this.#said.set(database, { series, values });
    const at = this.#at(this.#worker, database);
    Atomics.add(this.#cells, at + Word.series, series - said.series);
    Atomics.add(this.#cells, at + Word.values, values - said.values);
  }

  /** Its shards of a database are not all open: nobody knows what it has. */
  beginOpening(database: string): void {
    Atomics.add(this.#cells, this.#at(this.#worker, database) + Word.opening, 1);
  }

  endOpening(database: string): void {
    Atomics.sub(this.#cells, this.#at(this.#worker, database) + Word.opening, 1);
  }

  /** Of its series, as others see it. */
  ownSaid(database: string): number {
    return Atomics.load(this.#cells, this.#at(this.#worker, database));
  }

  /** Of all other workers, as far as they know. */
  ofOthers(database: string): OthersBound {
    const workerCount = this.#cells.length / (placeCount * placeWords);
    let [series, values, opening] = [0, 0, 0];
    for (let worker = 0; worker < workerCount; worker++) {
      if (worker === this.#worker) continue;
      const at = this.#at(worker, database);
      // In this order: what was opening is in the other two once it is not.
      opening += Atomics.load(this.#cells, at + Word.opening);
      series += Atomics.load(this.#cells, at + Word.series);
      values += Atomics.load(this.#cells, at + Word.values);
    }
    return { series, values, isOpening: opening > 0 };
  }

  #at(worker: number, database: string): number {
    let hash = 0;
    for (let i = 0; i < database.length; i++)
      hash = (Math.imul(hash, hashFactor) + database.charCodeAt(i)) >>> 0;
    return (worker * placeCount + (hash % placeCount)) * placeWords;
  }
}
