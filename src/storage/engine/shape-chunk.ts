/** A part of a table: so many rows at the most, column by column. Full ones are never copied again. */
import { wordsOf } from '../../codec/words.ts';
import { FieldType } from '../../models/field-value.ts';
import type { BatchColumn, BatchField, TextColumn } from '../../models/point-batch.ts';
import { emptyColumn } from './column-run.ts';

export const chunkRowsMax = 16_384;

export interface Chunk {
  capacity: number;
  timesNs: BigInt64Array;
  /** The same times as pairs of words, the lower first. */
  timeWords: Uint32Array;
  sequences: Float64Array;
  /** Row of the same series that came before, + 1; 0 when there is none. */
  previous: Uint32Array;
  readonly columns: ChunkColumn[];
}

export type Values = ReturnType<typeof emptyColumn>;
/** Texts stay in the batch they came in; a row refers to a list of them. */
export type ChunkColumn = { values: Values } | { texts: Uint8Array[] };

export function newChunk(fields: readonly BatchField[], capacity: number): Chunk {
  const timesNs = new BigInt64Array(capacity);
  return {
    capacity,
    timesNs,
    timeWords: wordsOf(timesNs),
    sequences: new Float64Array(capacity),
    previous: new Uint32Array(capacity),
    columns: fields.map(({ type }) =>
      type === FieldType.string ? { texts: [] } : { values: emptyColumn(type, capacity) },
    ),
  };
}

/** Copies rows [from, end) of a batch's column; answers the bytes of texts among them. */
export function copyRows(
  to: ChunkColumn,
  at: number,
  values: BatchColumn,
  [from, end]: readonly [number, number],
): number {
  if ('texts' in to) {
    const { offsets, bytes } = values as TextColumn;
    for (let row = from; row < end; row++)
      to.texts[at + row - from] = bytes.subarray(offsets[row], offsets[row + 1]);
    return (offsets[end] ?? 0) - (offsets[from] ?? 0);
  }
  to.values.set((values as Values).subarray(from, end) as never, at);
  return 0;
}

/** Makes room for at least `capacity` rows. */
export function growChunk(chunk: Chunk, capacity: number): void {
  chunk.capacity = Math.min(Math.max(chunk.capacity * 4, capacity), chunkRowsMax);
  chunk.timesNs = grown(chunk.timesNs, new BigInt64Array(chunk.capacity));
  chunk.timeWords = wordsOf(chunk.timesNs);
  chunk.sequences = grown(chunk.sequences, new Float64Array(chunk.capacity));
  chunk.previous = grown(chunk.previous, new Uint32Array(chunk.capacity));
  for (const column of chunk.columns) {
    if ('texts' in column) continue;
    const { values } = column;
    if (values instanceof Float64Array)
      column.values = grown(values, new Float64Array(chunk.capacity));
    else if (values instanceof BigInt64Array)
      column.values = grown(values, new BigInt64Array(chunk.capacity));
    else if (values instanceof BigUint64Array)
      column.values = grown(values, new BigUint64Array(chunk.capacity));
    else column.values = grown(values, new Uint8Array(chunk.capacity));
  }
}

function grown<T extends { set(from: T): void }>(from: T, into: T): T {
  into.set(from);
  return into;
}
