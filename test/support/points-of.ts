import type { RoutedLines } from '../../src/data/engine/lines/route-lines.ts';
import { decodePointBatch, seriesKeysOf, type TextColumn } from '../../src/models/point-batch.ts';

/** The points of a batch as texts, in order, whatever its layout. */
export function rowsOf(payload: Uint8Array): readonly string[] {
  const batch = decodePointBatch(payload);
  const keys = seriesKeysOf(batch);
  const rows: string[] = [];
  for (const shape of batch.shapes) {
    for (let i = 0; i < shape.rowCount; i++) {
      const fields = shape.fields.map(({ name, type }, f) => {
        const column = shape.columns[f];
        if (column === undefined) return '';
        const value = 'offsets' in column ? textOf(column, i) : String(column[i]);
        return `${name}/${type}=${Object.is(column instanceof Float64Array && column[i], -0) ? '-0' : value}`;
      });
      const series = keys[shape.series[i] ?? 0];
      rows[shape.ordinals[i] ?? 0] = `${shape.measurement}|${series}|${fields.join(',')}|${shape.timesNs[i]}`; // prettier-ignore
    }
  }
  return rows;
}

/** What was routed, with its points as texts. */
export function pointsOf(routed: RoutedLines): unknown {
  const batches = routed.batches.map(({ shardId, payload }) => {
    const { minTimeNs, maxTimeNs } = decodePointBatch(payload);
    return [shardId, minTimeNs, maxTimeNs, rowsOf(payload)] as const;
  });
  batches.sort(([a], [b]) => a - b);
  return { ...routed, body: undefined, batches };
}

function textOf({ offsets, bytes }: TextColumn, row: number): string {
  return new TextDecoder().decode(bytes.subarray(offsets[row], offsets[row + 1]));
}
