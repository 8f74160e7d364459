/** What is known of rows before they are read, where few of them are wanted: LIMIT reads no more than it has to. */
import type { Fragment, RowsTask } from '../../fragment.ts';
import type { ShardSource } from '../../source.ts';
import { sliceColumn } from './column-builder.ts';
import type { ChunkStream } from './chunk-stream.ts';

export const noTimes: ReadonlyMap<ShardSource, bigint> = new Map();

/** How many rows may be all that is read of a group, or of each series or shard of it. */
export function rowsFirstOf({
  rowsMax,
  shardRowsMax,
  seriesRowsMax,
}: RowsTask): number | undefined {
  return rowsMax > 0 ? rowsMax : (shardRowsMax ?? seriesRowsMax);
}

/** No row of a shard comes before its time here, in the direction of time. */
export function firstTimes(
  sources: readonly ShardSource[],
  ascending: boolean,
): ReadonlyMap<ShardSource, bigint> {
  const times = new Map<ShardSource, bigint>();
  for (const source of sources) {
    const bounds = source.timeBounds();
    if (bounds !== undefined) times.set(source, ascending ? bounds.minTimeNs : bounds.maxTimeNs);
  }
  return times;
}

/** The same of the rows that a fragment reads. */
export function boundOf(
  { ascending, minTimeNs, maxTimeNs }: Fragment,
  firstNs: bigint | undefined,
): bigint | undefined {
  if (firstNs === undefined) return undefined;
  if (ascending) return firstNs > minTimeNs ? firstNs : minTimeNs;
  return firstNs < maxTimeNs ? firstNs : maxTimeNs;
}

/** The first `rowsMax` rows of a stream. */
export function firstRows(stream: ChunkStream, rowsMax: number): ChunkStream {
  let left = rowsMax;
  return {
    next() {
      if (left === 0) return undefined;
      const chunk = stream.next();
      if (chunk === undefined || chunk === 'pause') return chunk;
      const { timesNs, columns } = chunk;
      const count = Math.min(left, timesNs.length);
      left -= count;
      if (count === timesNs.length) return chunk;
      return {
        timesNs: timesNs.subarray(0, count),
        columns: columns.map((column) => sliceColumn(column, 0, count)),
      };
    },
  };
}
