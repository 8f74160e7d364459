import { compareUtf8 } from '../../base/compare-utf8.ts';
import type { GroupBlocks } from '../assemble/merge-groups.ts';
import type { ColumnType } from '../column.ts';
import { ColumnBuilder, sliceColumn } from '../exec/columns/column-builder.ts';
import type { RowChunk } from '../exec/series/series-rows.ts';
import type { RowsBlock } from '../fragment.ts';
import { settled, type Flow } from './steps.ts';

interface Lane {
  readonly blocks: GroupBlocks<RowsBlock>;
  chunk: RowsBlock;
  at: number;
}

export interface MergeOptions {
  readonly types: readonly ColumnType[];
  readonly ascending: boolean;
}

/**
 * Merges the blocks of one group by time, rows of one time by the keys of their series in the direction of time, where
 * blocks say them, else by the order of lanes. Shards of one node come merged already and shards of different times follow
 * each other, so most chunks pass whole; rows are interleaved only where shards of several nodes overlap.
 */
export function* mergeBlocks(
  blocks: readonly GroupBlocks<RowsBlock>[],
  options: MergeOptions,
): Flow<RowChunk> {
  const lanes: Lane[] = [];
  for (const stream of blocks) {
    const first = yield* settled(stream.next());
    if (first !== undefined) lanes.push({ blocks: stream, chunk: first, at: 0 });
  }
  while (lanes.length > 0) {
    const chunk = lanes.length === 1 ? takeFirst(lanes) : takeBefore(lanes, options);
    if (chunk.timesNs.length > 0) yield chunk;
    for (let i = lanes.length - 1; i >= 0; i--) {
      const lane = lanes[i];
      if (lane === undefined || lane.at < lane.chunk.timesNs.length) continue;
      const next = yield* settled(lane.blocks.next());
      if (next === undefined) lanes.splice(i, 1);
      else {
        lane.chunk = next;
        lane.at = 0;
      }
    }
  }
}

function takeFirst(lanes: readonly Lane[]): RowChunk {
  const lane = lanes[0];
  if (lane === undefined) return { timesNs: new BigInt64Array(0), columns: [] };
  return takeTo(lane, lane.chunk.timesNs.length);
}

function takeTo(lane: Lane, end: number): RowChunk {
  const { at, chunk } = lane;
  lane.at = end;
  if (at === 0 && end === chunk.timesNs.length) return chunk;
  return {
    timesNs: chunk.timesNs.subarray(at, end),
    columns: chunk.columns.map((column) => sliceColumn(column, at, end)),
  };
}

/** Rows up to the nearest end of the chunks at hand, in order. */
function takeBefore(lanes: readonly Lane[], { types, ascending }: MergeOptions): RowChunk {
  const before = (a: bigint, b: bigint): boolean => (ascending ? a < b : a > b);
  const alone = aloneFirst(lanes, before);
  if (alone !== undefined) return takeTo(alone, alone.chunk.timesNs.length);
  const rows = lanes.reduce((sum, lane) => sum + lane.chunk.timesNs.length - lane.at, 0);
  const timesNs = new BigInt64Array(rows);
  const builders = types.map((type) => new ColumnBuilder(type, rows));
  let count = 0;
  for (;;) {
    let least: Lane | undefined;
    for (const lane of lanes) {
      // A lane at its end may go on with an equal time in its next block: stop here and fetch that first.
      if (lane.at === lane.chunk.timesNs.length)
        return { timesNs: timesNs.slice(0, count), columns: builders.map((b) => b.finish()) };
      if (least === undefined || isBefore(lane, least, ascending)) least = lane;
    }
    if (least === undefined) return { timesNs, columns: [] };
    const row = least.at++;
    timesNs[count++] = least.chunk.timesNs[row] ?? 0n;
    builders.forEach((builder, i) => {
      const column = least.chunk.columns[i];
      if (column === undefined) builder.pushNull();
      else builder.pushFrom(column, row);
    });
  }
}

/** Whether the next row of a lane comes before that of one that stands before it in the list. */
function isBefore(lane: Lane, other: Lane, ascending: boolean): boolean {
  const timeNs = lane.chunk.timesNs[lane.at] ?? 0n;
  const otherNs = other.chunk.timesNs[other.at] ?? 0n;
  if (timeNs !== otherNs) return ascending ? timeNs < otherNs : timeNs > otherNs;
  const order = compareUtf8(seriesKey(lane), seriesKey(other));
  return ascending ? order < 0 : order > 0;
}

function seriesKey({ chunk: { series }, at }: Lane): string {
  return series?.keys[series.at[at] ?? 0] ?? '';
}

/** The lane whose chunk ends before any other's next row. */
function aloneFirst(
  lanes: readonly Lane[],
  before: (a: bigint, b: bigint) => boolean,
): Lane | undefined {
  return lanes.find((lane) => {
    const lastNs = lane.chunk.timesNs[lane.chunk.timesNs.length - 1] ?? 0n;
    return lanes.every(
      (other) => other === lane || before(lastNs, other.chunk.timesNs[other.at] ?? 0n),
    );
  });
}
