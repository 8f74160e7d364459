import { Buffer } from 'node:buffer';
import type { Column, ColumnType } from '../../column.ts';
import type { ColumnBatch, ColumnCursor, SourceArena } from '../../source.ts';
import { ColumnBuilder, copyTimes, copyValues, sliceColumn } from '../columns/column-builder.ts';

/** Rows of one series: column i belongs to field i of the reader. */
export interface RowChunk {
  readonly timesNs: BigInt64Array;
  readonly columns: readonly Column[];
}

interface Lane {
  readonly cursor: ColumnCursor;
  readonly type: ColumnType;
  timesNs: BigInt64Array;
  column: Column | undefined;
  at: number;
  done: boolean;
}

/**
 * Joins the fields of one series into rows by time. Fields written together share their times, which one comparison
 * of memory finds; only then is nothing moved. Fields of differing times are merged row by row, null where absent.
 */
export class SeriesRows {
  readonly #lanes: Lane[];
  readonly #arena: SourceArena;
  readonly #ascending: boolean;

  /** `types[i]` is the type in which field i is wanted; cells that cannot be had in it are null. */
  constructor(
    cursors: readonly ColumnCursor[],
    types: readonly ColumnType[],
    arena: SourceArena,
    ascending: boolean,
  ) {
    this.#lanes = cursors.map((cursor, i) => ({
      cursor,
      type: types[i] ?? 'float',
      timesNs: new BigInt64Array(0),
      column: undefined,
      at: 0,
      done: false,
    }));
    this.#arena = arena;
    this.#ascending = ascending;
  }

  next(): RowChunk | undefined {
    for (const lane of this.#lanes) this.#fill(lane);
    const live = this.#lanes.filter((lane) => !lane.done);
    if (live.length === 0) return undefined;
    return live.length === this.#lanes.length && this.#sameTimes()
      ? this.#takeAll()
      : this.#merge();
  }

  #fill(lane: Lane): void {
    if (lane.done || lane.at < lane.timesNs.length) return;
    const mark = this.#arena.mark();
    const batch = lane.cursor.next(this.#arena);
    if (batch === undefined) lane.done = true;
    else {
      // Fields that were written together have the same times: one copy is enough for all.
      const known = this.#lanes[0]?.timesNs;
      lane.timesNs = known !== undefined && hasTimes(batch, this.#arena, known) ? known : copyTimes(batch, this.#arena); // prettier-ignore
      lane.column = copyValues(batch, this.#arena);
    }
    lane.at = 0;
    this.#arena.release(mark);
  }

  #sameTimes(): boolean {
    const first = this.#lanes[0];
    if (first === undefined) return false;
    const expected = restOfTimes(first);
    return this.#lanes.every(
      (lane) =>
        lane === first ||
        (lane.timesNs === first.timesNs && lane.at === first.at) ||
        (lane.timesNs.length - lane.at === first.timesNs.length - first.at &&
          restOfTimes(lane).equals(expected)),
    );
  }

  #takeAll(): RowChunk {
    const first = this.#lanes[0];
    const timesNs = first?.timesNs.subarray(first.at) ?? new BigInt64Array(0);
    const columns = this.#lanes.map((lane) => {
      const { at, column, type } = lane;
      const end = lane.timesNs.length;
      lane.at = end;
      if (column?.type === type) return at === 0 ? column : sliceColumn(column, at, end);
      const builder = new ColumnBuilder(type, end - at);
      for (let row = at; row < end; row++)
        if (column === undefined) builder.pushNull();
        else builder.pushFrom(column, row);
      return builder.finish();
    });
    return { timesNs, columns };
  }

  /** Rows up to the nearest end of what is at hand, so that no later batch can still add to one of them. */
  #merge(): RowChunk {
    let capacity = 0;
    let boundNs: bigint | undefined;
    for (const lane of this.#lanes) {
      if (lane.done) continue;
      capacity += lane.timesNs.length - lane.at;
      const endNs = lane.timesNs[lane.timesNs.length - 1] ?? 0n;
      if (boundNs === undefined || this.#before(endNs, boundNs)) boundNs = endNs;
    }
    const times = new BigInt64Array(capacity);
    const builders = this.#lanes.map((lane) => new ColumnBuilder(lane.type, capacity));
    let count = 0;
    for (;;) {
      const timeNs = this.#nextTime();
      if (timeNs === undefined || (boundNs !== undefined && this.#before(boundNs, timeNs))) break;
      times[count++] = timeNs;
      this.#lanes.forEach((lane, i) => {
        const has = !lane.done && lane.at < lane.timesNs.length && lane.timesNs[lane.at] === timeNs;
        if (has && lane.column !== undefined) builders[i]?.pushFrom(lane.column, lane.at++);
        else builders[i]?.pushNull();
      });
    }
    return { timesNs: times.slice(0, count), columns: builders.map((b) => b.finish()) };
  }

  #nextTime(): bigint | undefined {
    let nextNs: bigint | undefined;
    for (const lane of this.#lanes) {
      if (lane.done || lane.at === lane.timesNs.length) continue;
      const timeNs = lane.timesNs[lane.at] ?? 0n;
      if (nextNs === undefined || this.#before(timeNs, nextNs)) nextNs = timeNs;
    }
    return nextNs;
  }

  #before(leftNs: bigint, rightNs: bigint): boolean {
    return this.#ascending ? leftNs < rightNs : leftNs > rightNs;
  }
}

function hasTimes(
  { timesPtr, count }: ColumnBatch,
  { memory }: SourceArena,
  { buffer, byteOffset, length }: BigInt64Array,
): boolean {
  if (count !== length) return false;
  const own = Buffer.from(memory.buffer, timesPtr, count * 8);
  return own.equals(Buffer.from(buffer, byteOffset, count * 8));
}

function restOfTimes(lane: Lane): Buffer {
  const { timesNs } = lane;
  return Buffer.from(
    timesNs.buffer,
    timesNs.byteOffset + lane.at * 8,
    (timesNs.length - lane.at) * 8,
  );
}
