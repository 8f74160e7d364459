/**
 * Keys of files have two bytes of length (spec F51): a row whose series and field make a longer one could never be flushed,
 * so that it is refused before it is in the log, and left out where an older log brings it.
 */
import type { PointBatch } from '../../models/point-batch.ts';
import { keyBytesMax, tsmKey } from '../tsm/tsm-format.ts';
import type { FieldVerdict } from './field-check.ts';
import { isRefused } from './refused-rows.ts';

/** UTF-8 takes at most so many bytes for a UTF-16 unit, and escaping of the separator doubles no key. */
const bytesPerUnitMax = 3;

/** Bytes of the key when it is too long for a file, else undefined. */
export function excessOf(seriesKey: string, field: string): number | undefined {
  // Without a look at the bytes of nearly all keys there are.
  if ((seriesKey.length + field.length) * bytesPerUnitMax * 2 < keyBytesMax) return undefined;
  const lengthBytes = Buffer.byteLength(tsmKey(seriesKey, field));
  return lengthBytes > keyBytesMax ? lengthBytes : undefined;
}

/** The verdict with the rows refused too whose keys are too long, with the reference's text. */
export function refuseLongKeys(batch: PointBatch, verdict: FieldVerdict): FieldVerdict {
  const longestKey = batch.seriesKeys.reduce((longest, key) => Math.max(longest, key.length), 0);
  let { rejects, droppedCount, reason } = verdict;
  for (const { fields, series, ordinals } of batch.shapes) {
    const longest = fields.reduce((a, { name }) => (name.length > a.length ? name : a), '');
    if ((longestKey + longest.length) * bytesPerUnitMax * 2 < keyBytesMax) continue;
    const excesses = batch.seriesKeys.map((key) =>
      fields.map(({ name }) => excessOf(key, name)).find((excess) => excess !== undefined),
    );
    ordinals.forEach((ordinal, row) => {
      const excess = excesses[series[row] ?? 0];
      if (excess === undefined || isRefused(rejects, ordinal)) return;
      if (rejects.length === 0) rejects = new Uint8Array((batch.rowCount + 7) >>> 3);
      rejects[ordinal >>> 3] = (rejects[ordinal >>> 3] ?? 0) | (1 << (ordinal & 7));
      droppedCount++;
      if (reason === '') reason = `max key length exceeded: ${excess} > ${keyBytesMax}`;
    });
  }
  return { rejects, droppedCount, reason };
}
