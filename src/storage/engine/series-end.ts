/**
 * The first or the last point of a series and field within bounds, without a look at what lies between: of a file the block
 * at that end, of a memtable the times of the series' rows.
 */
import { decodeBlock } from '../../codec/block.ts';
import { FieldType } from '../../models/field-value.ts';
import { covers } from '../tsm/deleted-ranges.ts';
import type { EndValue } from '../tsm/known-ends.ts';
import type { TsmColumn } from '../tsm/tsm-column.ts';
import type { TsmEntry, TsmFile } from '../tsm/tsm-file.ts';
import { clipRun, type ColumnRun, sliceRun, valueAt } from './columns/column-run.ts';
import type { MemoryPart } from './memory-part.ts';
import { withoutRanges } from './columns/rows-forms.ts';
import type { CursorArena } from './columns/run-cursor.ts';
import type { TimeBounds } from './memtable/shape-table.ts';

/** A part in memory, and the id that it knows the series by. */
export interface MemtableSeries {
  readonly memtable: MemoryPart;
  readonly seriesId: number;
}

export interface EndRequest extends TimeBounds {
  readonly measurement: string;
  readonly field: string;
  /** The first point when true, the last one otherwise. */
  readonly ascending: boolean;
}

/** That one point. */
export interface SeriesEnd {
  readonly timeNs: bigint;
  /** The arena decodes what it can. */
  value(arena: CursorArena): EndValue;
}

/** A file, and its place among all of a shard: of points at one time that of the last one counts. */
export interface RankedFile {
  readonly file: TsmFile;
  readonly rank: number;
}

/** Those that may have the end of any series first, so that others need not be asked. */
export function rankFiles(files: readonly TsmFile[], ascending: boolean): readonly RankedFile[] {
  const nearest = (left: RankedFile, right: RankedFile): number => {
    const [one, other] = [boundOf(left.file, ascending), boundOf(right.file, ascending)];
    if (one === other) return right.rank - left.rank;
    return isBeyond(one, other, ascending) ? 1 : -1;
  };
  return files.map((file, rank) => ({ file, rank })).sort(nearest);
}

/** No point of a file lies before it, in the direction of reading; undefined when it has none. */
export function boundOf({ bounds }: TsmFile, ascending: boolean): bigint | undefined {
  return ascending ? bounds?.minTimeNs : bounds?.maxTimeNs;
}

export function isBeyond(
  timeNs: bigint | undefined,
  than: bigint | undefined,
  ascending: boolean,
): boolean {
  if (timeNs === undefined || than === undefined) return timeNs === undefined;
  return ascending ? timeNs > than : timeNs < than;
}

/** Undefined when there is no point. Of points at one time the one written last counts. `files` are as rankFiles() has them. */
export function seriesEnd(
  key: Uint8Array,
  request: EndRequest,
  parts: { readonly files: readonly RankedFile[]; readonly memtables: readonly MemtableSeries[] },
): SeriesEnd | undefined {
  const { ascending } = request;
  let best: SeriesEnd | undefined;
  let bestRank = 0;
  // Oldest first: later parts win, and all of them win over files.
  for (const { memtable, seriesId } of parts.memtables) {
    const end = memtable.end({ ...request, seriesId });
    if (end === undefined || (best !== undefined && isBeyond(end.timeNs, best.timeNs, ascending))) continue; // prettier-ignore
    best = end;
    bestRank = Number.POSITIVE_INFINITY;
  }
  for (const { file, rank } of parts.files) {
    const bound = boundOf(file, ascending);
    if (best !== undefined && isBeyond(bound, best.timeNs, ascending)) break;
    if (bound === best?.timeNs && rank < bestRank) continue;
    const end = fileEnd(file, key, request);
    if (end === undefined || (best !== undefined && !isBetter(end, rank, { best, bestRank, ascending }))) continue; // prettier-ignore
    best = end;
    bestRank = rank;
  }
  return best;
}

interface BestEnd {
  readonly best: SeriesEnd;
  readonly bestRank: number;
  readonly ascending: boolean;
}

function isBetter(
  { timeNs }: SeriesEnd,
  rank: number,
  { best, bestRank, ascending }: BestEnd,
): boolean {
  return timeNs === best.timeNs ? rank > bestRank : isBeyond(best.timeNs, timeNs, ascending);
}

function fileEnd(file: TsmFile, key: Uint8Array, request: EndRequest): SeriesEnd | undefined {
  const column = file.column(key);
  if (column === undefined) return undefined;
  const { ascending, minTimeNs, maxTimeNs } = request;
  const [start, end] = column.within(request);
  const deleted = file.deletedRanges(key);
  for (let i = 0; i < end - start; i++) {
    const entry = column.entry(ascending ? start + i : end - 1 - i);
    const timeNs = ascending ? entry.minTimeNs : entry.maxTimeNs;
    // The ends of a block are times of points; where the bounds cut it, or part of it is deleted, only its points tell.
    if (deleted.length === 0 && timeNs >= minTimeNs && timeNs <= maxTimeNs) {
      const isOfAll = ascending ? start === 0 : end === column.count;
      return { timeNs, value: (arena) => entryEnd({ file, column, entry }, { isFirst: ascending, isOfAll, arena }) }; // prettier-ignore
    }
    if (covers(deleted, entry)) continue;
    const left = withoutRanges(decodeBlock(file.block(entry)), deleted);
    const run = clipRun(left, minTimeNs, maxTimeNs);
    if (run.timesNs.length === 0) continue;
    const found = endOf(run, ascending);
    return { timeNs: found.timesNs[0] ?? 0n, value: () => valueOf(found) };
  }
  return undefined;
}

/** The first value of all of a key of a file or the last. */
export function columnEnd(
  file: TsmFile,
  column: TsmColumn,
  { isFirst, arena }: { readonly isFirst: boolean; readonly arena: CursorArena },
): EndValue {
  const read = (): EndValue => {
    const entry = column.entry(isFirst ? 0 : column.count - 1);
    return blockEndValue({ file, column, entry }, { isFirst, arena });
  };
  return column.endValue(isFirst, read);
}

/** The value at one end of a block; `isOfAll` when it is that of all blocks. */
function entryEnd(
  place: BlockOfColumn,
  { isFirst, isOfAll, arena }: { readonly isFirst: boolean; readonly isOfAll: boolean; readonly arena: CursorArena }, // prettier-ignore
): EndValue {
  if (isOfAll) return columnEnd(place.file, place.column, { isFirst, arena });
  return blockEndValue(place, { isFirst, arena });
}

interface BlockOfColumn {
  readonly file: TsmFile;
  readonly column: TsmColumn;
  readonly entry: TsmEntry;
}

function blockEndValue(
  { file, column, entry }: BlockOfColumn,
  { isFirst, arena }: { readonly isFirst: boolean; readonly arena: CursorArena },
): EndValue {
  const block = file.block(entry);
  const valuePtr = arena.decodeEnd?.(block, { isFirst });
  if (valuePtr === undefined) return valueOf(endOf(decodeBlock(block), isFirst));
  return valueAt(column.type, new DataView(arena.memory.buffer, valuePtr, 8), 0);
}

/** That of a run of one row. */
function valueOf({ type, values }: Pick<ColumnRun, 'type' | 'values'>): EndValue {
  if ('offsets' in values) return values.bytes.subarray(values.offsets[0], values.offsets[1]);
  const value = values[0] ?? 0;
  return type === FieldType.boolean ? value === 1 : value;
}

function endOf(run: ColumnRun, ascending: boolean): ColumnRun {
  const row = ascending ? 0 : run.timesNs.length - 1;
  return sliceRun(run, row, row + 1);
}
