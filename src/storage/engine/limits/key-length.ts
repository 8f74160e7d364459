/**
 * Keys of files have two bytes of length (spec F51): a row whose series and field make a longer one could never be flushed,
 * so that it is refused before it is in the log, and left out where an older log brings it.
 */
import { exactLengthOf } from '../../../base/exact-text.ts';
import { seriesKeysOf, type PointBatch } from '../../../models/point-batch.ts';
import { keyBytesMax, tsmKey } from '../../tsm/tsm-format.ts';
import type { RowVerdict } from './row-verdict.ts';

/** UTF-8 takes at most so many bytes for a UTF-16 unit, and escaping of the separator doubles no key. */
const bytesPerUnitMax = 3;

/** Bytes of the key when it is too long for a file, else undefined. */
export function excessOf(seriesKey: string, field: string): number | undefined {
  // Without a look at the bytes of nearly all keys there are.
  if ((seriesKey.length + field.length) * bytesPerUnitMax * 2 < keyBytesMax) return undefined;
  const lengthBytes = exactLengthOf(tsmKey(seriesKey, field));
  return lengthBytes > keyBytesMax ? lengthBytes : undefined;
}

/** Refuses rows whose keys are too long, with the reference's text for the first of them. */
export function refuseLongKeys(batch: PointBatch, verdict: RowVerdict): void {
  const { offsets } = batch.series;
  let longestKey = 0;
  for (let i = 1; i < offsets.length; i++)
    longestKey = Math.max(longestKey, (offsets[i] ?? 0) - (offsets[i - 1] ?? 0));
  // Sets are not in the order of rows.
  let [first, firstExcess] = [Infinity, 0];
  for (const {
    rows: { fields, series, ordinals },
  } of batch.sets) {
    // prettier-ignore
    const longest = fields.reduce((most, { name }) => Math.max(most, name.length), 0);
    // Without a look at the bytes of nearly all keys there are.
    if (longestKey * 2 + longest * bytesPerUnitMax < keyBytesMax) continue;
    const excesses = seriesKeysOf(batch).map((key) =>
      fields.map(({ name }) => excessOf(key, name)).find((excess) => excess !== undefined),
    );
    ordinals.forEach((ordinal, row) => {
      const excess = excesses[series[row] ?? 0];
      if (excess === undefined || verdict.isRefused(ordinal)) return;
      verdict.refuse(ordinal);
      if (ordinal < first) [first, firstExcess] = [ordinal, excess];
    });
  }
  if (first < Infinity) verdict.tell(`max key length exceeded: ${firstExcess} > ${keyBytesMax}`);
}
