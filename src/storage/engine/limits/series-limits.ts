/**
 * `max-series-per-database` and `max-values-per-tag` (spec F142): rows that would bring a new series past them are refused
 * before they are in the log, with the reference's texts. The first counts what the shards of the database have together,
 * as far as the caller knows of them, the second the values that the shard has; both look at what was there before the
 * batch, as the reference does, and a series that another shard of the database has is not new.
 */
import type { ShardIndex } from '../../index/shard-index.ts';
import { parseSeriesKey } from '../../../models/parse-series-key.ts';
import type { PointBatch, TextColumn } from '../../../models/point-batch.ts';
import type { FieldVerdict } from './field-check.ts';
import { isRefused } from './refused-rows.ts';

/** 0 for no limit. */
export interface SeriesLimits {
  readonly seriesMax: number;
  readonly valuesPerTagMax: number;
}

/** The series of a database. */
export interface SeriesCount {
  /** At most so many, without a look. */
  most(): number;
  count(): number;
  /** A byte for each series of a batch: 1 when it is not there yet; undefined when all are. */
  unknown(texts: TextColumn): Uint8Array | undefined;
}

/** What a shard is asked to keep to. */
export interface LimitedDatabase {
  readonly limits: SeriesLimits;
  readonly database: string;
  readonly series: SeriesCount;
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** The verdict with the rows of series refused too that the limits leave no room for. */
export function refuseNewSeries(
  batch: PointBatch,
  verdict: FieldVerdict,
  shard: LimitedDatabase & { readonly index: ShardIndex },
): FieldVerdict {
  const { seriesMax, valuesPerTagMax } = shard.limits;
  if (seriesMax === 0 && valuesPerTagMax === 0) return verdict;
  const { index, series } = shard;
  const mayPassSeries = seriesMax > 0 && series.most() + batch.rowCount > seriesMax;
  const mayPassValues =
    valuesPerTagMax > 0 &&
    index.seriesCount >= valuesPerTagMax &&
    batch.shapes.some(({ measurement }) => index.hasFullTag(measurement, valuesPerTagMax));
  // Without a look at the series of nearly all batches there are.
  if (!mayPassSeries && !mayPassValues) return verdict;
  const isNew = series.unknown(batch.series);
  if (isNew === undefined) return verdict;
  const refused = new SeriesVerdict(batch, verdict);
  if (mayPassValues) refuseValues(refused, isNew, shard);
  const keyCount = refused.rowsOf(isNew);
  const count = mayPassSeries && keyCount > 0 ? series.count() : 0;
  if (count + keyCount > seriesMax && mayPassSeries)
    refused.refuse(
      isNew,
      `max-series-per-database exceeded database=${shard.database} limit=${seriesMax} series=${count} keys=${keyCount}`,
    );
  return refused.verdict();
}

/** Takes series out of `isNew` that have a value which its tag has no room for. */
function refuseValues(
  refused: SeriesVerdict,
  isNew: Uint8Array,
  { index, limits: { valuesPerTagMax } }: { readonly index: ShardIndex; readonly limits: SeriesLimits }, // prettier-ignore
): void {
  const { offsets, bytes } = refused.batch.series;
  for (let one = 0; one < isNew.length; one++) {
    if (isNew[one] === 0) continue;
    const key = decoder.decode(bytes.subarray(offsets[one], offsets[one + 1]));
    const { measurement, tags } = parseSeriesKey(key);
    const full = tags.find(
      (tag) =>
        index.tagValueCount(measurement, tag.key) >= valuesPerTagMax &&
        !index.hasTagValue(measurement, tag.key, tag.value),
    );
    if (full === undefined) continue;
    isNew[one] = 0;
    const count = index.tagValueCount(measurement, full.key);
    const only = new Uint8Array(isNew.length);
    only[one] = 1;
    refused.refuse(
      only,
      `max-values-per-tag limit exceeded (${count}/${valuesPerTagMax}): measurement=${quoted(measurement)} tag=${quoted(full.key)} value=${quoted(full.value)}`,
    );
  }
}

function quoted(text: string): string {
  return JSON.stringify(text);
}

/** A verdict that grows by whole series. */
class SeriesVerdict {
  readonly batch: PointBatch;
  #rejects: Uint8Array;
  #droppedCount: number;
  #reason: string;

  constructor(batch: PointBatch, { rejects, droppedCount, reason }: FieldVerdict) {
    this.batch = batch;
    this.#rejects = rejects;
    this.#droppedCount = droppedCount;
    this.#reason = reason;
  }

  /** Rows of the series that are 1 in `of`, those aside that are refused already. */
  rowsOf(of: Uint8Array): number {
    let count = 0;
    this.#each(of, () => count++);
    return count;
  }

  refuse(of: Uint8Array, reason: string): void {
    this.#each(of, (ordinal) => {
      if (this.#rejects.length === 0)
        this.#rejects = new Uint8Array((this.batch.rowCount + 7) >>> 3);
      this.#rejects[ordinal >>> 3] = (this.#rejects[ordinal >>> 3] ?? 0) | (1 << (ordinal & 7));
      this.#droppedCount++;
      if (this.#reason === '') this.#reason = reason;
    });
  }

  verdict(): FieldVerdict {
    return { rejects: this.#rejects, droppedCount: this.#droppedCount, reason: this.#reason };
  }

  #each(of: Uint8Array, visit: (ordinal: number) => void): void {
    for (const { series, ordinals } of this.batch.shapes)
      ordinals.forEach((ordinal, row) => {
        if (of[series[row] ?? 0] === 1 && !isRefused(this.#rejects, ordinal)) visit(ordinal);
      });
  }
}
