import { compareUtf8 } from '../../base/compare-utf8.ts';
import type { GroupBlocks } from '../assemble/merge-groups.ts';
import type { ColumnType } from '../column.ts';
import { sliceColumn } from '../exec/columns/column-builder.ts';
import { MergedRows, pickedColumns, pickedTimes } from '../exec/columns/pick-merged.ts';
import type { RowChunk } from '../exec/series/series-rows.ts';
import type { RowsBlock } from '../fragment.ts';
import { settled, type Flow } from './steps.ts';

export interface MergeOptions {
  readonly types: readonly ColumnType[];
  readonly ascending: boolean;
}

/** Blocks of one group from one place, and the row of the one at hand that is next. */
class Lane {
  readonly blocks: GroupBlocks<RowsBlock>;
  chunk: RowsBlock;
  at = 0;
  /** Of the next row: upper and lower word of its time. A bigint for each comparison costs too much. */
  high = 0;
  low = 0;
  /** Of each of the block's series its place among those of all lanes, where that was worked out. */
  ranks: Uint32Array | undefined;
  #words: Uint32Array;

  constructor(blocks: GroupBlocks<RowsBlock>, chunk: RowsBlock) {
    this.blocks = blocks;
    this.chunk = chunk;
    this.#words = wordsOf(chunk);
    this.goTo(0);
  }

  take(chunk: RowsBlock): void {
    this.chunk = chunk;
    this.#words = wordsOf(chunk);
    this.goTo(0);
  }

  get isAtEnd(): boolean {
    return this.at >= this.chunk.timesNs.length;
  }

  goTo(row: number): void {
    this.at = row;
    this.low = this.#words[row * 2] ?? 0;
    this.high = (this.#words[row * 2 + 1] ?? 0) | 0;
  }

  /** The canonical key of the series of the next row, '' where the block does not say. */
  get seriesKey(): string {
    const { series } = this.chunk;
    return series?.keys[series.at[this.at] ?? 0] ?? '';
  }

  get rank(): number {
    return this.ranks?.[this.chunk.series?.at[this.at] ?? 0] ?? 0;
  }
}

function wordsOf({ timesNs: { buffer, byteOffset, length } }: RowsBlock): Uint32Array {
  return new Uint32Array(buffer, byteOffset, length * 2);
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
    if (first !== undefined) lanes.push(new Lane(stream, first));
  }
  while (lanes.length > 0) {
    const chunk = lanes.length === 1 ? takeFirst(lanes) : takeBefore(lanes, options);
    if (chunk.timesNs.length > 0) yield chunk;
    for (let i = lanes.length - 1; i >= 0; i--) {
      const lane = lanes[i];
      if (lane?.isAtEnd !== true) continue;
      const next = yield* settled(lane.blocks.next());
      if (next === undefined) lanes.splice(i, 1);
      else lane.take(next);
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
  lane.goTo(end);
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
  const rowCount = lanes.reduce((sum, lane) => sum + lane.chunk.timesNs.length - lane.at, 0);
  rankSeries(lanes, rowCount);
  const merged = new MergedRows(rowCount);
  // A lane at its end may go on with an equal time in its next block: stop there and fetch that first.
  while (lanes.every(({ isAtEnd }) => !isAtEnd)) mergeRow(lanes, merged, ascending);
  const rows = merged.of(lanes.map(({ chunk }) => chunk));
  return { timesNs: pickedTimes(rows), columns: pickedColumns(types, rows) };
}

function mergeRow(lanes: readonly Lane[], merged: MergedRows, ascending: boolean): void {
  let leastAt = 0;
  let least = lanes[0];
  for (let i = 1; i < lanes.length; i++) {
    const lane = lanes[i];
    if (lane === undefined || least === undefined || !isBefore(lane, least, ascending)) continue;
    least = lane;
    leastAt = i;
  }
  if (least === undefined) return;
  merged.push(leastAt, least.at);
  least.goTo(least.at + 1);
}

/** Rows of a series for which its place is worked out once instead of comparing its key each time. */
const rowsPerRank = 8;

function rankSeries(lanes: readonly Lane[], rowCount: number): void {
  let keyCount = 0;
  for (const { chunk } of lanes) keyCount += chunk.series?.keys.length ?? 0;
  const isWorth = keyCount * rowsPerRank <= rowCount && lanes.every(({ chunk }) => chunk.series !== undefined); // prettier-ignore
  if (!isWorth) {
    for (const lane of lanes) lane.ranks = undefined;
    return;
  }
  const keys = new Set(lanes.flatMap(({ chunk }) => chunk.series?.keys ?? []));
  const places = new Map([...keys].sort(compareUtf8).map((key, place) => [key, place]));
  for (const lane of lanes)
    lane.ranks = Uint32Array.from(lane.chunk.series?.keys ?? [], (key) => places.get(key) ?? 0);
}

/** Whether the next row of a lane comes before that of one that stands before it in the list. */
function isBefore(lane: Lane, other: Lane, ascending: boolean): boolean {
  if (lane.high !== other.high) return ascending ? lane.high < other.high : lane.high > other.high;
  if (lane.low !== other.low) return ascending ? lane.low < other.low : lane.low > other.low;
  const isRanked = lane.ranks !== undefined && other.ranks !== undefined;
  const order = isRanked ? lane.rank - other.rank : compareUtf8(lane.seriesKey, other.seriesKey);
  return ascending ? order < 0 : order > 0;
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
