import type { Column, ColumnType } from '../column.ts';
import { ColumnBuilder, sliceColumn } from './column-builder.ts';
import type { RowChunk } from './series-rows.ts';

/** Rows in time order, a chunk at a time; 'pause' where much was read without a row to show for it. */
export interface ChunkStream {
  next(): RowChunk | 'pause' | undefined;
}

interface Lane {
  readonly stream: ChunkStream;
  readonly order: number;
  chunk: RowChunk;
  at: number;
}

const chunkRowsMax = 4096;

const noRows: RowChunk = { timesNs: new BigInt64Array(0), columns: [] };

export interface ChunkOrder {
  readonly ascending: boolean;
  /** The integer column by which rows of one time stand; without it they keep the order of the streams. */
  readonly rankAt?: number | undefined;
}

/**
 * Merges streams by time, rows of one time as `order` says, whatever the direction. A stream whose next chunk lies wholly
 * before all others passes through untouched. A chunk without rows is a pause.
 */
export function* mergeChunks(
  streams: readonly ChunkStream[],
  types: readonly ColumnType[],
  { ascending, rankAt }: ChunkOrder,
): Generator<RowChunk> {
  const lanes: Lane[] = [];
  for (const [order, stream] of streams.entries()) {
    const chunk = yield* nextChunk(stream);
    if (chunk !== undefined) lanes.push({ stream, order, chunk, at: 0 });
  }
  const before = (left: Lane, right: Lane): boolean => {
    const a = left.chunk.timesNs[left.at] ?? 0n;
    const b = right.chunk.timesNs[right.at] ?? 0n;
    if (a !== b) return ascending ? a < b : a > b;
    const [leftRank, rightRank] = [rankOf(left, rankAt), rankOf(right, rankAt)];
    return leftRank === rightRank ? left.order < right.order : leftRank < rightRank;
  };
  heapify(lanes, before);
  while (lanes.length > 1) {
    const chunk = passThrough(lanes, ascending) ?? mergeRows(lanes, types, before);
    if (chunk.timesNs.length > 0) yield chunk;
    yield* refill(lanes, before);
  }
  const last = lanes[0];
  if (last === undefined) return;
  if (last.at < last.chunk.timesNs.length) yield rest(last);
  for (let chunk = last.stream.next(); chunk !== undefined; chunk = last.stream.next())
    yield chunk === 'pause' ? noRows : chunk;
}

function rankOf({ chunk, at }: Lane, rankAt: number | undefined): bigint {
  const column = rankAt === undefined ? undefined : chunk.columns[rankAt];
  return column?.type === 'integer' ? (column.values[at] ?? 0n) : 0n;
}

/** The next chunk with rows. */
function* nextChunk(stream: ChunkStream): Generator<RowChunk, RowChunk | undefined> {
  for (;;) {
    const chunk = stream.next();
    if (chunk === undefined) return undefined;
    if (chunk !== 'pause' && chunk.timesNs.length > 0) return chunk;
    yield noRows;
  }
}

function rest(lane: Lane): RowChunk {
  if (lane.at === 0) return lane.chunk;
  const end = lane.chunk.timesNs.length;
  return {
    timesNs: lane.chunk.timesNs.slice(lane.at),
    columns: lane.chunk.columns.map((column): Column => sliceColumn(column, lane.at, end)),
  };
}

/** The first lane's rows when all of them come before every other lane's next row. */
function passThrough(lanes: Lane[], ascending: boolean): RowChunk | undefined {
  const first = lanes[0];
  if (first === undefined) return undefined;
  const endNs = first.chunk.timesNs[first.chunk.timesNs.length - 1] ?? 0n;
  for (const child of [lanes[1], lanes[2]]) {
    if (child === undefined) continue;
    const nextNs = child.chunk.timesNs[child.at] ?? 0n;
    if (ascending ? endNs >= nextNs : endNs <= nextNs) return undefined;
  }
  const chunk = rest(first);
  first.at = first.chunk.timesNs.length;
  return chunk;
}

function mergeRows(
  lanes: Lane[],
  types: readonly ColumnType[],
  before: (left: Lane, right: Lane) => boolean,
): RowChunk {
  const timesNs = new BigInt64Array(chunkRowsMax);
  const builders = types.map((type) => new ColumnBuilder(type, chunkRowsMax));
  let count = 0;
  while (count < chunkRowsMax && lanes.length > 1) {
    const first = lanes[0];
    if (first === undefined) break;
    timesNs[count++] = first.chunk.timesNs[first.at] ?? 0n;
    for (let c = 0; c < builders.length; c++) {
      const column = first.chunk.columns[c];
      if (column === undefined) builders[c]?.pushNull();
      else builders[c]?.pushFrom(column, first.at);
    }
    first.at++;
    // Its next chunk may be long in coming.
    if (first.at === first.chunk.timesNs.length) break;
    siftDown(lanes, 0, before);
  }
  return { timesNs: timesNs.slice(0, count), columns: builders.map((b) => b.finish()) };
}

/** Gives the first lane its next chunk once it has none left, or removes it at its end. */
function* refill(
  lanes: Lane[],
  before: (left: Lane, right: Lane) => boolean,
): Generator<RowChunk, undefined> {
  const first = lanes[0];
  if (first === undefined || first.at < first.chunk.timesNs.length) return;
  const next = yield* nextChunk(first.stream);
  if (next === undefined) {
    const last = lanes.pop();
    if (last !== undefined && lanes.length > 0) lanes[0] = last;
  } else {
    first.chunk = next;
    first.at = 0;
  }
  siftDown(lanes, 0, before);
}

function heapify(lanes: Lane[], before: (left: Lane, right: Lane) => boolean): void {
  for (let i = (lanes.length >> 1) - 1; i >= 0; i--) siftDown(lanes, i, before);
}

function siftDown(
  lanes: Lane[],
  start: number,
  before: (left: Lane, right: Lane) => boolean,
): void {
  let at = start;
  for (;;) {
    let least = at;
    for (const child of [2 * at + 1, 2 * at + 2]) {
      const lane = lanes[child];
      const leastLane = lanes[least];
      if (lane !== undefined && leastLane !== undefined && before(lane, leastLane)) least = child;
    }
    const a = lanes[at];
    const b = lanes[least];
    if (least === at || a === undefined || b === undefined) return;
    lanes[at] = b;
    lanes[least] = a;
    at = least;
  }
}
