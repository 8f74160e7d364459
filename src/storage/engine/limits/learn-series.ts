/** Brings the series and the fields of a file's keys into a shard's index, thousands at a time and without their texts. */
import { exactTextOf } from '../../../base/exact-text.ts';
import type { FieldType } from '../../../models/field-value.ts';
import { joinTexts } from '../../../models/batch-writer.ts';
import { parseSeriesKey } from '../../../models/parse-series-key.ts';
import type { Slices } from '../../../env/slices.ts';
import { measurementBytesOf } from '../../index/series-name.ts';
import type { ShardIndex } from '../../index/shard-index.ts';
import { splitTsmKeyBytes } from '../../tsm/tsm-format.ts';

const atOnce = 4_096;

export async function learnSeries(
  index: ShardIndex,
  columns: Iterable<readonly [key: Uint8Array, { readonly type: FieldType }] | undefined>,
  slices: Slices,
): Promise<void> {
  let series: Uint8Array[] = [];
  const shown = new Set<string>();
  const resolve = (): void => {
    if (series.length > 0) index.resolve(joinTexts(series));
    series = [];
  };
  for (const one of columns) {
    if (one === undefined) {
      await slices.next();
      continue;
    }
    const [key, { type }] = one;
    const { seriesKey, field } = splitTsmKeyBytes(key);
    const last = series[series.length - 1];
    if (last === undefined || Buffer.compare(last, seriesKey) !== 0) series.push(seriesKey);
    const measurement = seriesKey.subarray(0, measurementBytesOf(seriesKey));
    const name = `${Buffer.from(measurement).toString('latin1')}\0${Buffer.from(field).toString('latin1')}`; // prettier-ignore
    if (!shown.has(name)) {
      shown.add(name);
      index.showField(parseSeriesKey(exactTextOf(measurement)).measurement, exactTextOf(field), type); // prettier-ignore
    }
    if (series.length < atOnce) continue;
    resolve();
    await slices.next();
  }
  resolve();
}
