import type { ColumnType } from '../column.ts';
import type { ColumnSeries, OutputSeries } from '../emit/result.ts';
import { ColumnBuilder, sliceColumn } from '../exec/column-builder.ts';
import type { RowChunk } from '../exec/series-rows.ts';
import type { GroupKey, RowsBlock } from '../fragment.ts';
import { computeColumns, type ComputedColumn } from './compute-columns.ts';
import { GroupMerge, type BlockStream } from './merge-groups.ts';
import { pageGroups } from './page-groups.ts';

/** How rows of one measurement become series of the answer. */
export interface RowsOutput {
  readonly name: string;
  readonly groupBy: readonly string[];
  /** Of the column of times. */
  readonly timeLabel: string;
  /** Names of the output columns after it, one per column of the fragment's task or per computed one. */
  readonly columns: readonly string[];
  readonly types: readonly ColumnType[];
  readonly ascending: boolean;
  /** 0 means no limit. */
  readonly limit: number;
  readonly offset: number;
  readonly seriesLimit: number;
  readonly seriesOffset: number;
  /** What the columns are made of when they are not those of the task as they come. */
  readonly computed?: readonly ComputedColumn[] | undefined;
}

/** The merged rows of all streams; a large series comes in several pieces, each but the last `partial`. */
export async function* assembleRows(
  streams: readonly BlockStream<RowsBlock>[],
  output: RowsOutput,
): AsyncGenerator<OutputSeries> {
  const merge = new GroupMerge(streams, output.ascending);
  try {
    yield* pageGroups(merge, output, (group) => groupPieces(group, merge, output));
  } finally {
    await merge.close();
  }
}

async function* groupPieces(
  group: GroupKey,
  merge: GroupMerge<RowsBlock>,
  output: RowsOutput,
): AsyncGenerator<OutputSeries> {
  const tags = output.groupBy.map((key, i) => [key, group[i] ?? ''] as const);
  const head = {
    kind: 'columns' as const,
    name: output.name,
    tags: tags.length > 0 ? tags : undefined,
    columns: [output.timeLabel, ...output.columns],
  };
  let held: ColumnSeries | undefined;
  for await (const piece of limited(mergeByTime(merge.blocksOf(group), output), output)) {
    if (held !== undefined) yield { ...held, partial: true };
    const { timesNs, columns } = piece;
    held = { ...head, timesNs, values: columns, start: 0, end: timesNs.length };
    if (output.computed !== undefined) held = computeColumns(held, output.computed);
  }
  if (held !== undefined) yield held;
}

async function* limited(
  chunks: AsyncIterable<RowChunk>,
  { limit, offset }: RowsOutput,
): AsyncGenerator<RowChunk> {
  let toSkip = offset;
  let left = limit === 0 ? Number.POSITIVE_INFINITY : limit;
  for await (const chunk of chunks) {
    const start = Math.min(toSkip, chunk.timesNs.length);
    toSkip -= start;
    const end = Math.min(chunk.timesNs.length, start + left);
    left -= end - start;
    if (end > start)
      yield start === 0 && end === chunk.timesNs.length ? chunk : sliceChunk(chunk, start, end);
    if (left <= 0) return;
  }
}

function sliceChunk(chunk: RowChunk, start: number, end: number): RowChunk {
  return {
    timesNs: chunk.timesNs.subarray(start, end),
    columns: chunk.columns.map((column) => sliceColumn(column, start, end)),
  };
}

interface Lane {
  readonly blocks: AsyncIterator<RowsBlock, undefined>;
  chunk: RowChunk;
  at: number;
}

/**
 * Merges the blocks of one group. Shards of one node come merged already and shards of different times follow each
 * other, so most chunks pass whole; rows are interleaved only where hashed shards of several nodes overlap.
 */
async function* mergeByTime(
  blocks: readonly AsyncIterator<RowsBlock, undefined>[],
  output: RowsOutput,
): AsyncGenerator<RowChunk> {
  const lanes: Lane[] = [];
  for (const stream of blocks) {
    const first = await stream.next();
    if (first.done !== true) lanes.push({ blocks: stream, chunk: first.value, at: 0 });
  }
  while (lanes.length > 0) {
    const chunk = lanes.length === 1 ? takeFirst(lanes) : takeBefore(lanes, output);
    if (chunk.timesNs.length > 0) yield chunk;
    for (let i = lanes.length - 1; i >= 0; i--) {
      const lane = lanes[i];
      if (lane === undefined || lane.at < lane.chunk.timesNs.length) continue;
      const next = await lane.blocks.next();
      if (next.done === true) lanes.splice(i, 1);
      else {
        lane.chunk = next.value;
        lane.at = 0;
      }
    }
  }
}

function takeFirst(lanes: readonly Lane[]): RowChunk {
  const lane = lanes[0];
  if (lane === undefined) return { timesNs: new BigInt64Array(0), columns: [] };
  const end = lane.chunk.timesNs.length;
  const chunk = lane.at === 0 ? lane.chunk : sliceChunk(lane.chunk, lane.at, end);
  lane.at = end;
  return chunk;
}

/** Rows up to the nearest end of the chunks at hand, in order; rows of one time by the order of lanes. */
function takeBefore(lanes: readonly Lane[], output: RowsOutput): RowChunk {
  const before = (a: bigint, b: bigint): boolean => (output.ascending ? a < b : a > b);
  const rows = lanes.reduce((sum, lane) => sum + lane.chunk.timesNs.length - lane.at, 0);
  const timesNs = new BigInt64Array(rows);
  const builders = output.types.map((type) => new ColumnBuilder(type, rows));
  let count = 0;
  for (;;) {
    let least: Lane | undefined;
    for (const lane of lanes) {
      // A lane at its end may go on with an equal time in its next block: stop here and fetch that first.
      if (lane.at === lane.chunk.timesNs.length) {
        return { timesNs: timesNs.slice(0, count), columns: builders.map((b) => b.finish()) };
      }
      const timeNs = lane.chunk.timesNs[lane.at] ?? 0n;
      if (least === undefined || before(timeNs, least.chunk.timesNs[least.at] ?? 0n)) least = lane;
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
