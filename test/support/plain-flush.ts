/** What a flush of some lines has to write: the slow, obvious form that the kernels of the store are held to. */
import { compareUtf8 } from '../../src/base/compare-utf8.ts';
import { encodeBlock } from '../../src/codec/block.ts';
import { encodeTimes } from '../../src/codec/times.ts';
import type { Disk } from '../../src/env/disk.ts';
import { exactBytesOf } from '../../src/base/exact-text.ts';
import { FieldType, type FieldValue } from '../../src/models/field-value.ts';
import type { LinePoint } from '../../src/models/line-protocol.ts';
import { seriesKey } from '../../src/models/series-key.ts';
import { emptyColumn, gatherTexts } from '../../src/storage/engine/columns/column-run.ts';
import { blockRowsMax, tsmKey } from '../../src/storage/tsm/tsm-format.ts';
import { TsmWriter } from '../../src/storage/tsm/tsm-writer.ts';

/** Points in order of arrival; of one series, field and time the last counts. Fields have one type each. */
export async function flushPlainly(
  points: readonly LinePoint[],
  disk: Disk,
  path: string,
): Promise<void> {
  const columns = new Map<string, Map<bigint, FieldValue>>();
  for (const { measurement, tags, fields, timeNs } of points)
    for (const [field, value] of fields) {
      const key = tsmKey(seriesKey(measurement, tags), field);
      const column = columns.get(key) ?? new Map<bigint, FieldValue>();
      columns.set(key, column.set(timeNs, value));
    }
  const writer = new TsmWriter(await disk.open(path, 'create'));
  const encoder = new TextEncoder();
  for (const [text, column] of [...columns].sort(([a], [b]) => compareUtf8(a, b))) {
    const key = encoder.encode(text);
    const rows = [...column].sort(([a], [b]) => (a < b ? -1 : 1));
    for (let start = 0; start < rows.length; start += blockRowsMax) {
      const part = rows.slice(start, start + blockRowsMax);
      const timesNs = BigInt64Array.from(part, ([timeNs]) => timeNs);
      const run = runOf(part.map(([, value]) => value));
      const bytes = encodeBlock({ timesNs, ...run }, encodeTimes(timesNs));
      const bounds = { minTimeNs: timesNs[0] ?? 0n, maxTimeNs: timesNs.at(-1) ?? 0n };
      if (writer.add({ key, type: run.type, ...bounds, bytes })) await writer.drain();
    }
  }
  await writer.finish();
}

function runOf(values: readonly FieldValue[]) {
  const type = FieldType[values[0]?.type ?? 'float'];
  if (type === FieldType.string) {
    const texts = values.map(({ value }) => exactBytesOf(String(value)));
    return { type, values: gatherTexts(texts.length, (i) => texts[i] ?? new Uint8Array()) };
  }
  const column = emptyColumn(type, values.length);
  values.forEach(({ value }, i) => {
    column[i] = (type === FieldType.boolean ? Number(value) : value) as never;
  });
  return { type, values: column };
}
