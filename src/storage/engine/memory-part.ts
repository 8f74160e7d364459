/** Points of a shard in memory as a view of it reads them: a memtable's, or rows that another worker has lent of its own. */
import type { Arena } from '../../kernels/arena.ts';
import type { WindowTable } from '../../kernels/window-table.ts';
import type { ViewedIndex } from '../index/index-view.ts';
import type { EndValue } from '../tsm/known-ends.ts';
import type { ColumnPiece } from './columns/run-cursor.ts';
import type { RunKeys } from './columns/run-keys.ts';
import type { RunRequest, RunRows } from './memtable/run-rows.ts';
import type { TimeBounds } from './memtable/shape-table.ts';

export interface SeriesBounds extends TimeBounds {
  readonly measurement: string;
  readonly seriesId: number;
}

export interface ColumnName {
  readonly measurement: string;
  readonly seriesId: number;
  readonly field: string;
}

export interface RowEndRequest extends SeriesBounds {
  /** The first one when true, the last one otherwise. */
  readonly ascending: boolean;
}

export interface ColumnEndRequest extends RowEndRequest {
  readonly field: string;
}

export interface MemoryEnd {
  readonly timeNs: bigint;
  value(): EndValue;
}

export interface MemoryRow {
  readonly timeNs: bigint;
  /** Undefined where the row has none. */
  valueOf(field: string): EndValue | undefined;
}

export interface MemoryFold extends SeriesBounds {
  /** By column of the table. */
  readonly fields: readonly string[];
  readonly table: WindowTable;
}

export interface MemoryRuns extends Omit<RunRequest, 'table' | 'rowsMax' | 'columns'> {
  readonly measurements: readonly string[];
  readonly fields: readonly string[];
}

/** How a reader knows series. */
export interface KnownSeries {
  readonly index: ViewedIndex;
  /** With those of the series that are asked for, in their order. */
  readonly keys: RunKeys;
}

export interface MemoryPart {
  /** Of all rows, those that came later included; undefined when there are none. */
  readonly bounds: TimeBounds | undefined;
  /** About what its values, times and keys take, those that came later included. */
  readonly sizeBytes: number;
  /** The id here of a series, by its key and the reader's own id; undefined when it cannot have rows here. */
  idOf(key: Uint8Array, readerId: number): number | undefined;
  /** The same of many; -1 for those. */
  idsOf(readerIds: Uint32Array, known: KnownSeries): Int32Array;
  /** The point of a series at one end of the bounds that has the field; of one time the one that counts. */
  end(request: ColumnEndRequest): MemoryEnd | undefined;
  /** The row of a series at one end of the bounds; undefined when there is none, or it is not found at once. */
  endRow(request: RowEndRequest): MemoryRow | undefined;
  /** The first and the last time of a series within the bounds; undefined when it has no rows there. */
  timesOf(request: SeriesBounds): TimeBounds | undefined;
  /** How many values of a field a series has, those that were written again included. */
  valueCount(name: ColumnName): number;
  /** Adds the rows of a series to tables of windows where they lie; undefined when cursors have to be read. */
  fold(request: MemoryFold): number | undefined;
  /** Rows of many series, part after part of those that have one of the fields. */
  runs(request: MemoryRuns, arena: Arena): Generator<RunRows, undefined>;
  /** Values of a field within the bounds in parts for a cursor, none overlapping another. */
  pieces(name: ColumnName, bounds: TimeBounds): readonly ColumnPiece[];
  /** Lets go of it: it must not be asked any more. */
  release(): void;
}
