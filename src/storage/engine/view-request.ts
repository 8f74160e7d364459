/** What is asked of the view of a shard, and what it answers. */
import type { WindowTable } from '../../kernels/window-table.ts';
import type { EndValue } from '../tsm/known-ends.ts';
import type { TsmFile } from '../tsm/tsm-file.ts';
import type { CursorArena, CursorBatch, CursorBounds } from './columns/run-cursor.ts';
import type { MemoryPart } from './memory-part.ts';
import type { TimeBounds } from './memtable/shape-table.ts';

export interface ViewRequest extends CursorBounds {
  readonly seriesId: number;
  readonly field: string;
}

export interface ViewFold extends TimeBounds {
  readonly seriesId: number;
  /** By column of the table. */
  readonly fields: readonly string[];
  readonly table: WindowTable;
}

/** Points that are added to tables of windows, a millisecond's work at a time. */
export interface ViewFolding {
  /** How many were added now; undefined once all are. */
  next(): number | undefined;
}

/** What a view reads, oldest first: later parts win. */
export interface ViewParts {
  readonly files: readonly TsmFile[];
  readonly memtables: readonly MemoryPart[];
}

/** Points of one series and field, see RunCursor. */
export interface ViewCursor {
  next(arena: CursorArena): CursorBatch | undefined;
}

export interface ViewEnd {
  readonly timeNs: bigint;
  /** A text is bytes. */
  readonly value: EndValue;
}

export interface ViewRow extends Omit<ViewRequest, 'field' | 'rowsFirst'> {
  readonly fields: readonly string[];
}
