/** Which tags of new series other workers are to be asked of, for `max-values-per-tag`: those that may be full with what they have. */
import { exactTextOf } from '../../../base/exact-text.ts';
import { parseSeriesKey } from '../../../models/parse-series-key.ts';
import type { TextColumn } from '../../../models/point-batch.ts';
import type { ValueCount } from '../../engine/limits/series-limits.ts';
import type { AskedTag } from './other-series.ts';

export interface AskedTagsOptions {
  /** 0 for no limit. */
  readonly valuesPerTagMax: number;
  readonly values: ValueCount;
  /** Others have no more values of any tag. */
  readonly ofOthers: number;
}

/** `isNew` is a byte for each series. */
export function askedTags(
  { offsets, bytes }: TextColumn,
  isNew: Uint8Array,
  { valuesPerTagMax, values, ofOthers }: AskedTagsOptions,
): readonly AskedTag[] {
  if (valuesPerTagMax === 0) return [];
  const asked = new Map<string, AskedTag & { readonly fresh: Set<string> }>();
  const safe = new Set<string>();
  for (let one = 0; one < isNew.length; one++) {
    if (isNew[one] === 0) continue;
    const { measurement, tags } = parseSeriesKey(exactTextOf(bytes.subarray(offsets[one], offsets[one + 1]))); // prettier-ignore
    for (const { key: tagKey, value } of tags) {
      const name = JSON.stringify([measurement, tagKey]);
      if (safe.has(name)) continue;
      let tag = asked.get(name);
      if (tag === undefined) {
        const count = values.count(measurement, tagKey, valuesPerTagMax);
        if (count + ofOthers < valuesPerTagMax) {
          safe.add(name);
          continue;
        }
        tag = {
          measurement,
          tagKey,
          values: [],
          isFull: count >= valuesPerTagMax,
          fresh: new Set(),
        };
        asked.set(name, tag);
      }
      if (!values.has(measurement, tagKey, value)) tag.fresh.add(value);
    }
  }
  return [...asked.values()].flatMap(({ fresh, ...tag }) =>
    fresh.size === 0 ? [] : [{ ...tag, values: [...fresh] }],
  );
}
