/**
 * The blocks of one series and field in one file that may hold points within bounds, as pieces of the column. They follow
 * each other in time. A piece is made when it is asked for: who reads one row of a series needs one of them.
 */
import { must } from '../../../base/assert.ts';
import { decodeBlock } from '../../../codec/block.ts';
import type { FieldType } from '../../../models/field-value.ts';
import { covers } from '../../tsm/deleted-ranges.ts';
import type { TimeRange } from '../../tsm/tombstones.ts';
import type { TsmColumn, TsmEntry } from '../../tsm/tsm-column.ts';
import type { TsmFile } from '../../tsm/tsm-file.ts';
import type { TimeBounds } from '../memtable/shape-table.ts';
import { withoutRanges } from './rows-forms.ts';
import { batchTypes, type ColumnPiece, type CursorArena, type CursorBatch } from './run-cursor.ts';

const noTimes: TimeBounds = { minTimeNs: 1n, maxTimeNs: 0n };

export class FileBlocks {
  readonly #file: TsmFile;
  readonly #column: TsmColumn;
  readonly #deleted: readonly TimeRange[];
  readonly #start: number;
  readonly #end: number;

  private constructor(
    file: TsmFile,
    column: TsmColumn,
    { start, end, deleted }: { readonly start: number; readonly end: number; readonly deleted: readonly TimeRange[] }, // prettier-ignore
  ) {
    this.#file = file;
    this.#column = column;
    this.#deleted = deleted;
    this.#start = start;
    this.#end = end;
  }

  /** Undefined when there is none. */
  static of(file: TsmFile, key: Uint8Array, bounds: TimeBounds): FileBlocks | undefined {
    const { minTimeNs, maxTimeNs } = file.bounds ?? noTimes;
    // A key is dearer to find than a file of other times is to pass by.
    if (minTimeNs > bounds.maxTimeNs || maxTimeNs < bounds.minTimeNs) return undefined;
    const column = file.column(key);
    if (column === undefined) return undefined;
    const [start, end] = column.within(bounds);
    if (start === end) return undefined;
    return new FileBlocks(file, column, { start, end, deleted: file.deletedRanges(key) });
  }

  /** One after the other, from the end that `ascending` says; those that were deleted whole are left out. */
  *pieces(ascending: boolean): Generator<ColumnPiece> {
    const count = this.#end - this.#start;
    for (let i = 0; i < count; i++) {
      const entry = this.#column.entry(ascending ? this.#start + i : this.#end - 1 - i);
      if (this.#deleted.length === 0) yield new BlockPiece(this.#file, entry);
      else if (!covers(this.#deleted, entry)) yield this.#cut(entry);
    }
  }

  #cut(entry: TsmEntry): ColumnPiece {
    return {
      minTimeNs: entry.minTimeNs,
      maxTimeNs: entry.maxTimeNs,
      load: () => withoutRanges(decodeBlock(this.#file.block(entry)), this.#deleted),
    };
  }
}

/** A block of which nothing is deleted. */
class BlockPiece implements ColumnPiece {
  readonly minTimeNs: bigint;
  readonly maxTimeNs: bigint;
  readonly #file: TsmFile;
  readonly #entry: TsmEntry;

  constructor(file: TsmFile, entry: TsmEntry) {
    this.minTimeNs = entry.minTimeNs;
    this.maxTimeNs = entry.maxTimeNs;
    this.#file = file;
    this.#entry = entry;
  }

  load(): ReturnType<typeof decodeBlock> {
    return decodeBlock(this.#file.block(this.#entry));
  }

  place(arena: CursorArena): CursorBatch | undefined {
    const block = this.#file.block(this.#entry);
    const rows = must(arena.decodeBlock, 'the arena of a cursor that places blocks decodes them').call(arena, block); // prettier-ignore
    return rows && { ...rows, type: typeOf(block) };
  }

  end(arena: CursorArena, isFirst: boolean): CursorBatch | undefined {
    return blockEnd(this.#file.block(this.#entry), this.#entry, { isFirst, arena });
  }
}

/** The first point of a block or the last, alone; undefined when the arena does not decode it. */
function blockEnd(
  block: Uint8Array,
  { minTimeNs, maxTimeNs }: TsmEntry,
  { isFirst, arena }: { readonly isFirst: boolean; readonly arena: CursorArena },
): CursorBatch | undefined {
  const valuesPtr = arena.decodeEnd?.(block, { isFirst });
  if (valuesPtr === undefined) return undefined;
  const timesPtr = arena.allocate(8);
  new BigInt64Array(arena.memory.buffer, timesPtr, 1)[0] = isFirst ? minTimeNs : maxTimeNs;
  return { type: typeOf(block), count: 1, timesPtr, valuesPtr };
}

function typeOf(block: Uint8Array): CursorBatch['type'] {
  return batchTypes[(block[0] ?? 0) as FieldType];
}
