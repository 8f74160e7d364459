/** Where rows that are merged come from. */
import { must } from '../../../base/assert.ts';
import type { RowChunk } from '../series/series-rows.ts';

/** Rows in time order, a chunk at a time; 'pause' where much was read without a row to show for it. */
export interface ChunkStream {
  next(): RowChunk | 'pause' | undefined;
}

/** Streams that are made one by one, as their rows may be due. */
export interface StreamList {
  readonly count: number;
  /**
   * No row of it comes before, in the direction of time: it is not made as long as others have earlier ones. 'none' where it has no
   * rows, undefined where nothing is known of it.
   */
  boundNs(place: number): bigint | 'none' | undefined;
  /**
   * The same, looked up: asked of one that boundNs() said something of, once it is the next, so that what is told of all at once is
   * enough where a few rows are wanted. Undefined where there is nothing better.
   */
  nearerNs?(place: number): bigint | 'none' | undefined;
  /** Once for each. */
  at(place: number): ChunkStream;
}

/** Those that are there already. */
export function listOf(streams: readonly ChunkStream[]): StreamList {
  return {
    count: streams.length,
    boundNs: () => undefined,
    at: (place) => must(streams[place], 'a stream for each place'),
  };
}

export const noRows: RowChunk = { timesNs: new BigInt64Array(0), columns: [] };

/** What is left of a stream; a chunk without rows is a pause. */
export function* chunksOf(stream: ChunkStream): Generator<RowChunk> {
  for (let chunk = stream.next(); chunk !== undefined; chunk = stream.next())
    yield chunk === 'pause' ? noRows : chunk;
}

/** The next chunk with rows. */
export function* nextChunk(stream: ChunkStream): Generator<RowChunk, RowChunk | undefined> {
  for (;;) {
    const chunk = stream.next();
    if (chunk === undefined) return undefined;
    if (chunk !== 'pause' && chunk.timesNs.length > 0) return chunk;
    yield noRows;
  }
}
