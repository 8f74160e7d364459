/**
 * `max-series-per-database` and `max-values-per-tag` (spec F142): rows that would bring a new series past them are refused
 * before they are in the log, with the reference's texts. As a shard knows its own series only, the first counts those of
 * one shard; both look at what was there before the batch, as the reference does.
 */
import type { ShardIndex } from '../../index/shard-index.ts';
import { parseSeriesKey } from '../../../models/parse-series-key.ts';
import type { PointBatch } from '../../../models/point-batch.ts';
import type { FieldVerdict } from './field-check.ts';
import { isRefused } from './refused-rows.ts';

/** 0 for no limit. */
export interface SeriesLimits {
  readonly seriesMax: number;
  readonly valuesPerTagMax: number;
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** The verdict with the rows of series refused too that the limits leave no room for. */
export function refuseNewSeries(
  batch: PointBatch,
  verdict: FieldVerdict,
  shard: { readonly index: ShardIndex; readonly limits: SeriesLimits; readonly database: string },
): FieldVerdict {
  const { seriesMax, valuesPerTagMax } = shard.limits;
  if (seriesMax === 0 && valuesPerTagMax === 0) return verdict;
  const { index } = shard;
  const mayPassSeries = seriesMax > 0 && index.seriesCount + batch.rowCount > seriesMax;
  const mayPassValues =
    valuesPerTagMax > 0 &&
    index.seriesCount >= valuesPerTagMax &&
    batch.shapes.some(({ measurement }) => index.hasFullTag(measurement, valuesPerTagMax));
  // Without a look at the series of nearly all batches there are.
  if (!mayPassSeries && !mayPassValues) return verdict;
  const isNew = index.unknown(batch.series);
  if (isNew === undefined) return verdict;
  const refused = new SeriesVerdict(batch, verdict);
  if (mayPassValues) refuseValues(refused, isNew, shard);
  const keyCount = refused.rowsOf(isNew);
  if (mayPassSeries && index.seriesCount + keyCount > seriesMax)
    refused.refuse(
      isNew,
      `max-series-per-database exceeded database=${shard.database} limit=${seriesMax} series=${index.seriesCount} keys=${keyCount}`,
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
