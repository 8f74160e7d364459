/**
 * Walks the pieces of one series and field in time order. Pieces that overlap in time are loaded together and merged;
 * the others one by one, so that a reader that stops early has loaded no more than it took.
 */
import { FieldType } from '../../models/field-value.ts';
import { clipRun, type ColumnRun, lowerBound, mergeRuns } from './column-run.ts';

/** A part of the column: a block of a file or what a memtable holds. Later pieces of a list win over earlier ones. */
export interface ColumnPiece {
  readonly minTimeNs: bigint;
  readonly maxTimeNs: bigint;
  load(): ColumnRun;
  /** The same in the arena, for a piece that can be decoded there. */
  place?(arena: DecodingArena): CursorBatch | undefined;
}

/** The part of an arena that a cursor writes to. */
export interface CursorArena {
  readonly memory: WebAssembly.Memory;
  allocate(lengthBytes: number): number;
  decodeBlock?: DecodingArena['decodeBlock'];
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
}

/** Rows a batch holds at most: its times and values fit the first cache levels. */
export const batchRowsMax = 4096;

const typeNames = ['float', 'integer', 'boolean', 'string', 'unsigned'] as const;

export class RunCursor {
  readonly #clusters: ColumnPiece[][];
  readonly #bounds: CursorBounds;
  #run: ColumnRun | undefined;
  #taken = 0;

  constructor(pieces: readonly ColumnPiece[], bounds: CursorBounds) {
    const wanted = pieces.filter(
      (piece) => piece.maxTimeNs >= bounds.minTimeNs && piece.minTimeNs <= bounds.maxTimeNs,
    );
    this.#clusters = clusterByTime(wanted);
    if (bounds.ascending) this.#clusters.reverse();
    this.#bounds = bounds;
  }

  next(arena: CursorArena): CursorBatch | undefined {
    while (this.#run === undefined || this.#taken >= this.#run.timesNs.length) {
      // Clusters are kept with the next one last.
      const cluster = this.#clusters.pop();
      if (cluster === undefined) return undefined;
      const placed = placeSingle(cluster, arena);
      if (placed !== undefined) {
        const batch = finishPlaced(placed, this.#bounds, arena as DecodingArena);
        if (batch.count > 0) return batch;
        continue;
      }
      const { minTimeNs, maxTimeNs } = this.#bounds;
      this.#run = mergeRuns(cluster.map((piece) => clipRun(piece.load(), minTimeNs, maxTimeNs)));
      this.#taken = 0;
    }
    const run = this.#run;
    const count = Math.min(batchRowsMax, run.timesNs.length - this.#taken);
    const start = this.#bounds.ascending ? this.#taken : run.timesNs.length - this.#taken - count;
    this.#taken += count;
    return writeBatch(run, { start, count, ascending: this.#bounds.ascending }, arena);
  }
}

/** A piece that overlaps no other one is decoded where the reader wants it. */
function placeSingle(cluster: readonly ColumnPiece[], arena: CursorArena): CursorBatch | undefined {
  const [piece, ...others] = cluster;
  if (piece?.place === undefined || others.length > 0) return undefined;
  return arena.decodeBlock === undefined ? undefined : piece.place(arena as DecodingArena);
}

/** Cuts a placed piece to the bounds and turns it around where that is asked. */
function finishPlaced(
  placed: CursorBatch,
  bounds: CursorBounds,
  arena: DecodingArena,
): CursorBatch {
  const { type, timesPtr, valuesPtr } = placed;
  const times = new BigInt64Array(arena.memory.buffer, timesPtr, placed.count);
  const start = (times[0] ?? 0n) >= bounds.minTimeNs ? 0 : lowerBound(times, bounds.minTimeNs);
  const isWhole = (times[placed.count - 1] ?? 0n) <= bounds.maxTimeNs;
  const end = isWhole ? placed.count : lowerBound(times, bounds.maxTimeNs + 1n);
  const valueBytes = type === 'boolean' ? 1 : 8;
  const rows = {
    type,
    count: Math.max(0, end - start),
    timesPtr: timesPtr + start * 8,
    valuesPtr: valuesPtr + start * valueBytes,
  };
  if (!bounds.ascending) arena.reverse(rows, valueBytes);
  return rows;
}

/** Groups of pieces that overlap, ascending in time; within a group the order of the list is kept. */
function clusterByTime(pieces: readonly ColumnPiece[]): ColumnPiece[][] {
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
  return { type: typeNames[run.type], count, timesPtr, valuesPtr };
}

function placeTexts(run: ColumnRun, { start, count }: Rows, arena: CursorArena): number {
  if (!('offsets' in run.values)) return 0;
  const { offsets, bytes } = run.values;
  const part = bytes.subarray(offsets[start], offsets[start + count]);
  const at = arena.allocate(part.length);
  new Uint8Array(arena.memory.buffer).set(part, at);
  return at;
}
