/**
 * `max-series-per-database` and `max-values-per-tag` (spec F142): rows that would bring a new series past them are refused
 * before they are in the log, with the reference's texts. Both count what the shards of the database have together, as far
 * as the caller knows of them, and look at what was there before the batch, as the reference does; a series or a value that
 * another shard of the database has is not new.
 */
import { quoteGo } from '../../../base/go-format.ts';
import { exactTextOf } from '../../../base/exact-text.ts';
import { parseSeriesKey } from '../../../models/parse-series-key.ts';
import { measurementsOf, type PointBatch, type TextColumn } from '../../../models/point-batch.ts';
import type { RowVerdict } from './row-verdict.ts';

/** 0 for no limit. */
export interface SeriesLimits {
  readonly seriesMax: number;
  readonly valuesPerTagMax: number;
}

/** Undefined where nothing is limited: then nothing is counted. */
export function anyLimits(limits: SeriesLimits | undefined): SeriesLimits | undefined {
  return limits?.seriesMax === 0 && limits.valuesPerTagMax === 0 ? undefined : limits;
}

/** The series of a database. */
export interface SeriesCount {
  /** At most so many, without a look. */
  most(): number;
  count(): number;
  /** A byte for each series of a batch: 1 when it is not there yet; undefined when all are. */
  unknown(texts: TextColumn): Uint8Array | undefined;
}

/** The values that tags of a database have. */
export interface ValueCount {
  /** Whether a tag of the measurement has so many. */
  isAnyFull(measurement: string, valuesMax: number): boolean;
  /** Exact where it is not below `valuesMax`. */
  count(measurement: string, tagKey: string, valuesMax: number): number;
  has(measurement: string, tagKey: string, value: string): boolean;
}

/** What a shard is asked to keep to. */
export interface LimitedDatabase {
  readonly limits: SeriesLimits;
  readonly database: string;
  readonly series: SeriesCount;
  readonly values: ValueCount;
}

/** Refuses rows of series that the limits leave no room for. */
export function refuseNewSeries(
  batch: PointBatch,
  verdict: RowVerdict,
  limited: LimitedDatabase,
): void {
  const { seriesMax, valuesPerTagMax } = limited.limits;
  if (seriesMax === 0 && valuesPerTagMax === 0) return;
  const { series, values } = limited;
  const mayPassSeries = seriesMax > 0 && series.most() + batch.rowCount > seriesMax;
  const mayPassValues =
    valuesPerTagMax > 0 &&
    series.most() >= valuesPerTagMax &&
    measurementsOf(batch).some((measurement) => values.isAnyFull(measurement, valuesPerTagMax));
  // Without a look at the series of nearly all batches there are.
  if (!mayPassSeries && !mayPassValues) return;
  const isNew = series.unknown(batch.series);
  if (isNew === undefined) return;
  const refused = new SeriesVerdict(batch, verdict);
  if (mayPassValues) refuseValues(refused, isNew, limited);
  const keyCount = refused.rowsOf(isNew);
  const count = mayPassSeries && keyCount > 0 ? series.count() : 0;
  if (count + keyCount > seriesMax && mayPassSeries)
    refused.refuse(
      isNew,
      `max-series-per-database exceeded database=${limited.database} limit=${seriesMax} series=${count} keys=${keyCount}`,
    );
}

/** Takes series out of `isNew` that have a value which its tag has no room for. */
function refuseValues(
  refused: SeriesVerdict,
  isNew: Uint8Array,
  { values, limits: { valuesPerTagMax } }: LimitedDatabase,
): void {
  const { offsets, bytes } = refused.batch.series;
  for (let one = 0; one < isNew.length; one++) {
    if (isNew[one] === 0) continue;
    const key = exactTextOf(bytes.subarray(offsets[one], offsets[one + 1]));
    const { measurement, tags } = parseSeriesKey(key);
    const full = tags.find(
      (tag) =>
        values.count(measurement, tag.key, valuesPerTagMax) >= valuesPerTagMax &&
        !values.has(measurement, tag.key, tag.value),
    );
    if (full === undefined) continue;
    isNew[one] = 0;
    const count = values.count(measurement, full.key, valuesPerTagMax);
    const only = new Uint8Array(isNew.length);
    only[one] = 1;
    refused.refuse(
      only,
      `max-values-per-tag limit exceeded (${count}/${valuesPerTagMax}): measurement=${quoteGo(measurement)} tag=${quoteGo(full.key)} value=${quoteGo(full.value)}`,
    );
  }
}

/** A verdict that grows by whole series. */
class SeriesVerdict {
  readonly batch: PointBatch;
  readonly #verdict: RowVerdict;

  constructor(batch: PointBatch, verdict: RowVerdict) {
    this.batch = batch;
    this.#verdict = verdict;
  }

  /** Rows of the series that are 1 in `of`, those aside that are refused already. */
  rowsOf(of: Uint8Array): number {
    let count = 0;
    this.#each(of, () => count++);
    return count;
  }

  refuse(of: Uint8Array, reason: string): void {
    this.#each(of, (ordinal) => {
      this.#verdict.refuse(ordinal);
      this.#verdict.tell(reason);
    });
  }

  #each(of: Uint8Array, visit: (ordinal: number) => void): void {
    for (const {
      rows: { series, ordinals },
    } of this.batch.sets)
      // prettier-ignore
      ordinals.forEach((ordinal, row) => {
        if (of[series[row] ?? 0] === 1 && !this.#verdict.isRefused(ordinal)) visit(ordinal);
      });
  }
}
