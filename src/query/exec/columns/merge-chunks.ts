import { Buffer } from 'node:buffer';
import type { Column, ColumnType } from '../../column.ts';
import { sliceColumn } from './column-builder.ts';
import { streamBytes } from './chunk-bytes.ts';
import { MergedRows, pickedColumns, pickedTimes, type PickedRows } from './pick-merged.ts';
import type { RowChunk } from '../series/series-rows.ts';

/** Rows in time order, a chunk at a time; 'pause' where much was read without a row to show for it. */
export interface ChunkStream {
  /** No row comes before it in the direction of time: as long as others have earlier ones the stream is not asked. */
  readonly boundNs?: bigint | undefined;
  next(): RowChunk | 'pause' | undefined;
}

const noRows: RowChunk = { timesNs: new BigInt64Array(0), columns: [] };

class Lane {
  readonly stream: ChunkStream;
  readonly order: number;
  readonly #rankAt: number | undefined;
  chunk: RowChunk = noRows;
  at = 0;
  /** Of its next row: upper and lower word of the time, and the rank. A bigint for each comparison costs too much. */
  high = 0;
  low = 0;
  rank = 0;
  #words: Uint32Array = new Uint32Array(0);
  /** Its place among those that the rows being merged are of; -1 for none. */
  number = -1;
  /** Of it and the chunk at hand, as they are charged. */
  bytes = 0;

  constructor(stream: ChunkStream, order: number, rankAt: number | undefined) {
    this.stream = stream;
    this.order = order;
    this.#rankAt = rankAt;
  }

  /** Stands where its first row may be at the earliest, until it is asked for it. */
  expect(boundNs: bigint): void {
    this.low = Number(BigInt.asUintN(32, boundNs));
    this.high = Number(boundNs >> 32n);
    // Of rows of that time it may have the first.
    if (this.#rankAt !== undefined) this.rank = Number.NEGATIVE_INFINITY;
  }

  get nextNs(): bigint {
    return this.chunk.timesNs[this.at] ?? this.stream.boundNs ?? 0n;
  }

  /** Whether it has given its first rows. */
  get isAsked(): boolean {
    return this.chunk !== noRows;
  }

  get isAtEnd(): boolean {
    return this.at === this.chunk.timesNs.length;
  }

  /** Of the rows that it has at hand. */
  get left(): number {
    return this.chunk.timesNs.length - this.at;
  }

  /** Whether its next `count` rows, which it has, have the times of those of another. */
  isInStep({ chunk: { timesNs }, at }: Lane, count: number): boolean {
    const own = Buffer.from(this.#words.buffer, this.#words.byteOffset + this.at * 8, count * 8);
    return own.equals(Buffer.from(timesNs.buffer, timesNs.byteOffset + at * 8, count * 8));
  }

  take(chunk: RowChunk): void {
    const { buffer, byteOffset, length } = chunk.timesNs;
    this.#words = new Uint32Array(buffer, byteOffset, length * 2);
    this.chunk = chunk;
    this.at = -1;
    this.advance();
  }

  /** Past some rows; at its end it stands where the last of them was. */
  skip(count: number): void {
    this.at += count - 2;
    this.advance();
    this.advance();
  }

  advance(): void {
    const at = ++this.at;
    if (this.isAtEnd) return;
    this.low = this.#words[at * 2] ?? 0;
    this.high = (this.#words[at * 2 + 1] ?? 0) | 0;
    const column = this.#rankAt === undefined ? undefined : this.chunk.columns[this.#rankAt];
    if (column?.type === 'integer') this.rank = Number(column.values[at]);
  }
}

const chunkRowsMax = 4096;
/** So many chunks may be read for the rows of one: a few milliseconds, whatever passes a predicate. */
const chunksPerMerge = 32;

/** To open a stream takes some ten microseconds, and there may be a hundred thousand. */
const opensPerPause = 256;

export interface ChunkOrder {
  readonly ascending: boolean;
  /** The integer column by which rows of one time stand; without it they keep the order of the streams. */
  readonly rankAt?: number | undefined;
  /** So many rows may be all that is wanted. */
  readonly rowsFirst?: number | undefined;
  /**
   * Told how many bytes more than before are at hand, or fewer: a chunk of each stream, however many there are, and what the stream
   * takes itself. What it throws ends the merge.
   */
  readonly charge?: ((bytes: number) => void) | undefined;
}

/** What chunks at hand hold, as it was charged. */
class HeldBytes {
  readonly #charge: (bytes: number) => void;
  #bytes = 0;

  constructor(charge: (bytes: number) => void = () => undefined) {
    this.#charge = charge;
  }

  /** Undefined where the lane has nothing more. Throws what charging does. */
  replace(lane: Lane, chunk: RowChunk | undefined): void {
    const bytes = chunk === undefined ? 0 : streamBytes(chunk);
    const more = bytes - lane.bytes;
    this.#charge(more);
    this.#bytes += more;
    lane.bytes = bytes;
  }

  end(): void {
    this.#charge(-this.#bytes);
    this.#bytes = 0;
  }
}

/**
 * Merges streams by time, rows of one time as `order` says, whatever the direction. A stream whose next chunk lies wholly
 * before all others passes through untouched. A chunk without rows is a pause.
 */
export function* mergeChunks(
  streams: readonly ChunkStream[],
  types: readonly ColumnType[],
  order: ChunkOrder,
): Generator<RowChunk> {
  const [only, ...others] = streams;
  if (only === undefined || others.length === 0) {
    if (only !== undefined) yield* chunksOf(only);
    return;
  }
  const held = new HeldBytes(order.charge);
  try {
    yield* mergeMany(streams, { ...order, types, held });
  } finally {
    held.end();
  }
}

function* mergeMany(
  streams: readonly ChunkStream[],
  { types, ascending, rankAt, rowsFirst = chunkRowsMax, held }: ChunkOrder & { readonly types: readonly ColumnType[]; readonly held: HeldBytes }, // prettier-ignore
): Generator<RowChunk> {
  const lanes: Lane[] = [];
  for (const [order, stream] of streams.entries()) {
    if (order % opensPerPause === opensPerPause - 1) yield noRows;
    const lane = new Lane(stream, order, rankAt);
    if (stream.boundNs !== undefined) lane.expect(stream.boundNs);
    else {
      const chunk = yield* nextChunk(stream);
      if (chunk === undefined) continue;
      held.replace(lane, chunk);
      lane.take(chunk);
    }
    lanes.push(lane);
  }
  const before = (left: Lane, right: Lane): boolean => {
    if (left.high !== right.high)
      return ascending ? left.high < right.high : left.high > right.high;
    if (left.low !== right.low) return ascending ? left.low < right.low : left.low > right.low;
    return left.rank === right.rank ? left.order < right.order : left.rank < right.rank;
  };
  heapify(lanes, before);
  const rowsMax = Math.min(chunkRowsMax, rowsFirst);
  const merged = new MergedRows(lanes.length > 1 ? rowsMax : 0);
  while (lanes.length > 1) {
    yield* refill(lanes, before, held);
    if (lanes.length < 2 || lanes[0]?.isAtEnd !== false) continue;
    const to = { types, merged, before, rowsMax, held };
    const chunk = passThrough(lanes, ascending) ?? mergeSteps(lanes, rankAt, to) ?? mergeRows(lanes, to); // prettier-ignore
    if (chunk.timesNs.length > 0) yield chunk;
  }
  const last = lanes[0];
  if (last === undefined) return;
  if (!last.isAtEnd) yield rest(last);
  yield* chunksOf(last.stream);
}

/** What is left of a stream. */
function* chunksOf(stream: ChunkStream): Generator<RowChunk> {
  for (let chunk = stream.next(); chunk !== undefined; chunk = stream.next())
    yield chunk === 'pause' ? noRows : chunk;
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
    const { nextNs } = child;
    if (ascending ? endNs >= nextNs : endNs <= nextNs) return undefined;
  }
  const chunk = rest(first);
  first.at = first.chunk.timesNs.length;
  return chunk;
}

/** How the rows of lanes become a chunk. */
interface MergeInto {
  readonly types: readonly ColumnType[];
  readonly merged: MergedRows;
  readonly before: (left: Lane, right: Lane) => boolean;
  readonly rowsMax: number;
  readonly held: HeldBytes;
}

/** So many next rows of all lanes have the same times, as those of series that are written at once: 0 if not even one. */
function stepsOf(lanes: readonly Lane[], rowsMax: number): number {
  const first = lanes[0];
  if (first === undefined) return 0;
  let steps = Math.floor(rowsMax / lanes.length);
  for (const lane of lanes) {
    if (!lane.isAsked || lane.low !== first.low || lane.high !== first.high) return 0;
    steps = Math.min(steps, lane.left);
  }
  return steps > 0 && lanes.every((lane) => lane === first || lane.isInStep(first, steps)) ? steps : 0; // prettier-ignore
}

/** Lanes that are in step take turns; undefined where they are not. */
function mergeSteps(
  lanes: Lane[],
  rankAt: number | undefined,
  { types, merged, before, rowsMax }: MergeInto,
): RowChunk | undefined {
  const steps = rankAt === undefined ? stepsOf(lanes, rowsMax) : 0;
  if (steps === 0) return undefined;
  const inOrder = [...lanes].sort((left, right) => left.order - right.order);
  merged.clear();
  for (let step = 0; step < steps; step++)
    for (let i = 0; i < inOrder.length; i++) merged.push(i, (inOrder[i]?.at ?? 0) + step);
  for (const lane of lanes) lane.skip(steps);
  heapify(lanes, before);
  return pickedChunk(types, merged.of(inOrder.map(({ chunk }) => chunk)));
}

function pickedChunk(types: readonly ColumnType[], rows: PickedRows): RowChunk {
  return { timesNs: pickedTimes(rows), columns: pickedColumns(types, rows) };
}

function mergeRows(lanes: Lane[], to: MergeInto): RowChunk {
  const { types, merged, before, rowsMax, held } = to;
  // Those that rows come of: few of very many, it may be.
  const touched: Lane[] = [];
  const chunks: RowChunk[] = [];
  let chunksLeft = chunksPerMerge;
  merged.clear();
  while (merged.count < rowsMax) {
    const first = lanes[0];
    if (first === undefined || lanes.length === 1) break;
    if (!first.isAsked || first.isAtEnd) {
      // Its next chunk may be long in coming.
      if (first.isAsked && --chunksLeft < 0) break;
      const chunk = first.stream.next();
      if (chunk === 'pause' || chunk?.timesNs.length === 0) break;
      first.number = -1;
      goOn(lanes, chunk, { before, held });
      continue;
    }
    if (first.number < 0) {
      first.number = chunks.push(first.chunk) - 1;
      touched.push(first);
    }
    merged.push(first.number, first.at);
    first.advance();
    if (lanes[0]?.isAtEnd === false) siftDown(lanes, 0, before);
  }
  for (const lane of touched) lane.number = -1;
  return pickedChunk(types, merged.of(chunks));
}

/** Gives the first lane its next chunk once it has none left, or removes it at its end. */
function* refill(
  lanes: Lane[],
  before: (left: Lane, right: Lane) => boolean,
  held: HeldBytes,
): Generator<RowChunk, undefined> {
  const first = lanes[0];
  if (first === undefined || !first.isAtEnd) return;
  goOn(lanes, yield* nextChunk(first.stream), { before, held });
}

/** With the first lane's next chunk, without it at its end. */
function goOn(
  lanes: Lane[],
  chunk: RowChunk | undefined,
  { before, held }: Pick<MergeInto, 'before' | 'held'>,
): void {
  const [first] = lanes;
  if (first !== undefined) held.replace(first, chunk);
  if (chunk !== undefined) first?.take(chunk);
  else {
    const last = lanes.pop();
    if (last !== undefined && lanes.length > 0) lanes[0] = last;
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
  const moved = lanes[start];
  if (moved === undefined) return;
  let at = start;
  for (;;) {
    let next = 2 * at + 1;
    let child = lanes[next];
    const other = lanes[next + 1];
    if (child === undefined) break;
    if (other !== undefined && before(other, child)) {
      next++;
      child = other;
    }
    if (!before(child, moved)) break;
    lanes[at] = child;
    at = next;
  }
  lanes[at] = moved;
}
