/** The reference stores no text of more than a mebibyte (1.12.4): its row is refused, and told with the fields that conflict. */
import type { PointBatch, TextColumn } from '../../../models/point-batch.ts';
import type { FieldVerdict } from './field-check.ts';
import { isRefused } from './refused-rows.ts';

export const textBytesMax = 1_048_576;

/** The verdict with the rows refused too that have a text which is too long. */
export function refuseLongTexts(batch: PointBatch, verdict: FieldVerdict): FieldVerdict {
  let { rejects, droppedCount, reason } = verdict;
  for (const { names, rows } of batch.sets) {
    const { fields, ordinals, columns } = rows;
    columns.forEach((column, i) => {
      // Sets with texts are of one measurement. Without a look at each of them where all together are no longer.
      if (!('offsets' in column) || column.bytes.length <= textBytesMax) return;
      ordinals.forEach((ordinal, row) => {
        const lengthBytes = lengthOf(column, row);
        if (lengthBytes <= textBytesMax || isRefused(rejects, ordinal)) return;
        if (rejects.length === 0) rejects = new Uint8Array((batch.rowCount + 7) >>> 3);
        rejects[ordinal >>> 3] = (rejects[ordinal >>> 3] ?? 0) | (1 << (ordinal & 7));
        droppedCount++;
        if (reason === '') reason = `input field "${fields[i]?.name}" on measurement "${names[0]?.measurement}" is too long, ${lengthBytes} > ${textBytesMax}`; // prettier-ignore
      });
    });
  }
  return { rejects, droppedCount, reason };
}

function lengthOf({ offsets }: TextColumn, row: number): number {
  return (offsets[row + 1] ?? 0) - (offsets[row] ?? 0);
}
