/**
 * Walks the pieces of one series and field in time order. Pieces that overlap in time are loaded together and merged;
 * the others one by one, so that a reader that stops early has loaded no more than it took.
 */
import { lowerBound } from '../../../base/lower-bound.ts';
import { FieldType } from '../../../models/field-value.ts';
import { clipRun, type ColumnRun, mergeRuns } from './column-run.ts';

/** A part of the column: a block of a file or what a memtable holds. Later pieces of a list win over earlier ones. */
export interface ColumnPiece {
  readonly minTimeNs: bigint;
  readonly maxTimeNs: bigint;
  load(): ColumnRun;
  /** The same in the arena, for a piece that can be decoded there. */
  place?(arena: DecodingArena): CursorBatch | undefined;
  /** Its first row or its last one alone, the same way. */
  end?(arena: CursorArena, isFirst: boolean): CursorBatch | undefined;
  /** Any of its rows in the arena, for a piece that lies within the bounds and need not be decoded. */
  readonly rows?: PieceRows | undefined;
}

/** Of numbers and booleans. Views hold until the next one is asked for. */
export interface PieceRows {
  readonly type: CursorBatch['type'];
  readonly count: number;
  times(from: number, count: number): BigInt64Array;
  /** Eight bytes a value, of booleans one. */
  values(from: number, count: number): Uint8Array;
}

/** The part of an arena that a cursor writes to. */
export interface CursorArena {
  readonly memory: WebAssembly.Memory;
  allocate(lengthBytes: number): number;
  decodeBlock?: DecodingArena['decodeBlock'];
  /** Where the first value of a block is, or the last; undefined when that is left to others. */
  decodeEnd?(block: Uint8Array, which: { readonly isFirst: boolean }): number | undefined;
  reverse?: DecodingArena['reverse'];
}

interface PlacedRows {
  readonly count: number;
  readonly timesPtr: number;
  readonly valuesPtr: number;
}

/** An arena that decodes blocks itself, but for some. */
export interface DecodingArena extends CursorArena {
  decodeBlock(block: Uint8Array): PlacedRows | undefined;
  reverse(rows: PlacedRows, valueBytes: number): void;
}

export interface CursorBatch {
  readonly type: 'float' | 'integer' | 'unsigned' | 'boolean' | 'string';
  readonly count: number;
  readonly timesPtr: number;
  readonly valuesPtr: number;
}

export interface CursorBounds {
  readonly minTimeNs: bigint;
  readonly maxTimeNs: bigint;
  readonly ascending: boolean;
  /** So many rows may be all that is read: the first batch has no more, later ones more and more. */
  readonly rowsFirst?: number | undefined;
}

/** Rows a batch holds at most: its times and values fit the first cache levels. */
export const batchRowsMax = 4096;

/** By number of the field type. */
export const batchTypes = ['float', 'integer', 'boolean', 'string', 'unsigned'] as const;

/** Each batch of a cursor that began with few rows may have so many times those of the one before. */
const rowsGrowth = 4;

export class RunCursor {
  readonly #clusters: ColumnPiece[][];
  /** Pieces that are apart and in the order of reading, made as they are reached. */
  readonly #later: Iterator<ColumnPiece> | undefined;
  readonly #bounds: CursorBounds;
  #rowsNext: number;
  /** Of the cluster at hand, which is the last of the list: rows given, and those of several pieces merged. */
  #taken = 0;
  #run: ColumnRun | undefined;

  /** `later` are pieces instead of a list of them: in the order of reading, apart, each with times within the bounds. */
  constructor(pieces: readonly ColumnPiece[], bounds: CursorBounds, later?: Iterator<ColumnPiece>) {
    this.#later = later;
    const wanted = pieces.filter(
      (piece) => piece.maxTimeNs >= bounds.minTimeNs && piece.minTimeNs <= bounds.maxTimeNs,
    );
    // Clusters are kept with the next one last.
    this.#clusters = clusterByTime(wanted);
    if (bounds.ascending) this.#clusters.reverse();
    this.#bounds = bounds;
    this.#rowsNext = Math.max(1, Math.min(batchRowsMax, bounds.rowsFirst ?? batchRowsMax));
  }

  next(arena: CursorArena): CursorBatch | undefined {
    for (;;) {
      const cluster = this.#clusters[this.#clusters.length - 1] ?? this.#nextLater();
      if (cluster === undefined) return undefined;
      const part = this.#single(cluster, arena) ?? this.#merged(cluster, arena);
      if (part.isLast) {
        this.#clusters.pop();
        this.#run = undefined;
        this.#taken = 0;
      } else this.#taken += part.batch.count;
      if (part.batch.count === 0) continue;
      this.#rowsNext = Math.min(batchRowsMax, this.#rowsNext * rowsGrowth);
      return part.batch;
    }
  }

  #nextLater(): ColumnPiece[] | undefined {
    const next = this.#later?.next();
    if (next === undefined || next.done === true) return undefined;
    const cluster = [next.value];
    this.#clusters.push(cluster);
    return cluster;
  }

  /** The next rows of a piece that overlaps no other one, placed where the reader wants them. */
  #single(cluster: readonly ColumnPiece[], arena: CursorArena): Part | undefined {
    const [piece, ...others] = cluster;
    if (piece === undefined || others.length > 0 || !isDecoding(arena)) return undefined;
    const { ascending } = this.#bounds;
    const end = this.#isEndAsked(piece) ? piece.end?.(arena, ascending) : undefined;
    // Whether it has more rows is found out when more are asked for.
    if (end !== undefined) return { batch: end, isLast: false };
    if (piece.rows !== undefined) {
      const { from, count, isLast } = this.#range(0, piece.rows.count, batchRowsMax);
      const batch = placeRows(piece.rows, { from, count }, arena);
      if (!ascending) arena.reverse(batch, valueBytes(batch));
      return { batch, isLast };
    }
    const placed = piece.place?.(arena);
    if (placed === undefined) return undefined;
    const [start, stop] = rowsWithin(placed, this.#bounds, arena);
    // A block is decoded anew for the rows that were left of it, which happens a few times at the most.
    const { from, count, isLast } = this.#range(start, stop, Number.POSITIVE_INFINITY);
    const width = valueBytes(placed);
    const batch = {
      type: placed.type,
      count,
      timesPtr: placed.timesPtr + from * 8,
      valuesPtr: placed.valuesPtr + from * width,
    };
    if (!ascending) arena.reverse(batch, width);
    return { batch, isLast };
  }

  /** Whether one row is asked for, and the end of the piece is that row. */
  #isEndAsked({ minTimeNs, maxTimeNs }: ColumnPiece): boolean {
    if (this.#rowsNext !== 1 || this.#taken > 0) return false;
    const { ascending, ...bounds } = this.#bounds;
    const timeNs = ascending ? minTimeNs : maxTimeNs;
    return timeNs >= bounds.minTimeNs && timeNs <= bounds.maxTimeNs;
  }

  #merged(cluster: readonly ColumnPiece[], arena: CursorArena): Part {
    const { minTimeNs, maxTimeNs, ascending } = this.#bounds;
    const run = (this.#run ??= mergeRuns(cluster.map((piece) => clipRun(piece.load(), minTimeNs, maxTimeNs)))); // prettier-ignore
    const { from, count, isLast } = this.#range(0, run.timesNs.length, batchRowsMax);
    return { batch: writeBatch(run, { start: from, count, ascending }, arena), isLast };
  }

  /** Which of the rows [start, end) come next, in ascending order, and whether none are left behind them. */
  #range(
    start: number,
    end: number,
    rowsMax: number,
  ): { readonly from: number; readonly count: number; readonly isLast: boolean } {
    const left = Math.max(0, end - start - this.#taken);
    const count = Math.min(left, this.#rowsNext < batchRowsMax ? this.#rowsNext : rowsMax);
    const from = this.#bounds.ascending ? start + this.#taken : start + left - count;
    return { from, count, isLast: count === left };
  }
}

interface Part {
  readonly batch: CursorBatch;
  readonly isLast: boolean;
}

function placeRows(
  rows: PieceRows,
  { from, count }: { readonly from: number; readonly count: number },
  arena: CursorArena,
): CursorBatch {
  const timesPtr = arena.allocate(count * 8);
  const valuesPtr = arena.allocate(count * 8);
  const { buffer } = arena.memory;
  new BigInt64Array(buffer, timesPtr, count).set(rows.times(from, count));
  const values = rows.values(from, count);
  new Uint8Array(buffer, valuesPtr, values.length).set(values);
  return { type: rows.type, count, timesPtr, valuesPtr };
}

function isDecoding(arena: CursorArena): arena is DecodingArena {
  return arena.decodeBlock !== undefined;
}

function valueBytes({ type }: CursorBatch): number {
  return type === 'boolean' ? 1 : 8;
}

/** The rows of a placed piece that lie within the bounds: [start, end). */
function rowsWithin(
  { timesPtr, count }: CursorBatch,
  { minTimeNs, maxTimeNs }: CursorBounds,
  { memory }: DecodingArena,
): readonly [start: number, end: number] {
  const times = new BigInt64Array(memory.buffer, timesPtr, count);
  const start = (times[0] ?? 0n) >= minTimeNs ? 0 : lowerBound(times, minTimeNs);
  const isWhole = (times[count - 1] ?? 0n) <= maxTimeNs;
  return [start, isWhole ? count : lowerBound(times, maxTimeNs + 1n)];
}

/** Groups of pieces that overlap, ascending in time; within a group the order of the list is kept. */
function clusterByTime(pieces: readonly ColumnPiece[]): ColumnPiece[][] {
  // Most are: of one file, or of files that were written one after the other.
  if (areApart(pieces)) return pieces.map((piece) => [piece]);
  const order = pieces.map((piece, rank) => ({ piece, rank }));
  order.sort((a, b) => (a.piece.minTimeNs < b.piece.minTimeNs ? -1 : 1));
  const clusters: { piece: ColumnPiece; rank: number }[][] = [];
  let maxTimeNs = 0n;
  for (const one of order) {
    const overlapped =
      one.piece.minTimeNs <= maxTimeNs && clusters.length > 0 ? clusters.at(-1) : undefined;
    if (overlapped === undefined) {
      clusters.push([one]);
      maxTimeNs = one.piece.maxTimeNs;
    } else {
      overlapped.push(one);
      if (one.piece.maxTimeNs > maxTimeNs) maxTimeNs = one.piece.maxTimeNs;
    }
  }
  return clusters.map((cluster) =>
    cluster.sort((a, b) => a.rank - b.rank).map(({ piece }) => piece),
  );
}

/** Whether they follow each other in time. */
function areApart(pieces: readonly ColumnPiece[]): boolean {
  for (let i = 1; i < pieces.length; i++)
    if ((pieces[i]?.minTimeNs ?? 0n) <= (pieces[i - 1]?.maxTimeNs ?? 0n)) return false;
  return true;
}

export interface Rows {
  readonly start: number;
  readonly count: number;
  readonly ascending: boolean;
}

/** Copies rows of a run to the arena. */
export function writeBatch(run: ColumnRun, rows: Rows, arena: CursorArena): CursorBatch {
  const { start, count, ascending } = rows;
  const timesPtr = arena.allocate(count * 8);
  const valuesPtr = arena.allocate(count * 8);
  const textsPtr = run.type === FieldType.string ? placeTexts(run, rows, arena) : 0;
  // The memory may have grown while allocating: views are made now.
  const { buffer } = arena.memory;
  const times = new BigInt64Array(buffer, timesPtr, count);
  times.set(run.timesNs.subarray(start, start + count));
  const { values } = run;
  if ('offsets' in values) {
    const pairs = new Uint32Array(buffer, valuesPtr, count * 2);
    const base = values.offsets[start] ?? 0;
    for (let i = 0; i < count; i++) {
      const from = values.offsets[start + i] ?? 0;
      const row = ascending ? i : count - 1 - i;
      pairs[row * 2] = textsPtr + from - base;
      pairs[row * 2 + 1] = (values.offsets[start + i + 1] ?? 0) - from;
    }
  } else {
    const bytes = new Uint8Array(buffer);
    const width = values.BYTES_PER_ELEMENT;
    const part = values.subarray(start, start + count);
    const ordered = ascending ? part : part.slice().reverse();
    bytes.set(new Uint8Array(ordered.buffer, ordered.byteOffset, count * width), valuesPtr);
  }
  if (!ascending) times.reverse();
  return { type: batchTypes[run.type], count, timesPtr, valuesPtr };
}

function placeTexts(run: ColumnRun, { start, count }: Rows, arena: CursorArena): number {
  if (!('offsets' in run.values)) return 0;
  const { offsets, bytes } = run.values;
  const part = bytes.subarray(offsets[start], offsets[start + count]);
  const at = arena.allocate(part.length);
  new Uint8Array(arena.memory.buffer).set(part, at);
  return at;
}
