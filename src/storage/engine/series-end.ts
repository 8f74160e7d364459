/**
 * The first or the last point of a series and field within bounds, without a look at what lies between: of a file the block
 * at that end, of a memtable the times of the series' rows.
 */
import { decodeBlock } from '../../codec/block.ts';
import { FieldType } from '../../models/field-value.ts';
import { BlockReader } from '../tsm/block-reader.ts';
import type { TsmEntry, TsmFile } from '../tsm/tsm-file.ts';
import { clipRun, type ColumnRun, sliceRun } from './column-run.ts';
import type { MemtableEnd, MemtableView } from './memtable-view.ts';
import { withoutRanges } from './rows-forms.ts';
import type { TimeBounds } from './shape-table.ts';

/** A memtable, and the id that it knows the series by. */
export interface MemtableSeries {
  readonly memtable: MemtableView;
  readonly seriesId: number;
}

export interface EndRequest extends TimeBounds {
  readonly measurement: string;
  readonly field: string;
  /** The first point when true, the last one otherwise. */
  readonly ascending: boolean;
}

interface Candidate {
  readonly timeNs: bigint;
  /** A run of that one point. */
  load(): ColumnRun;
}

/** A run of one point; undefined when there is none. Of points at one time the one written last counts. */
export function seriesEnd(
  key: string,
  request: EndRequest,
  parts: { readonly files: readonly TsmFile[]; readonly memtables: readonly MemtableSeries[] },
): ColumnRun | undefined {
  let best: Candidate | undefined;
  const offer = (candidate: Candidate | undefined): void => {
    if (candidate === undefined) return;
    const isBetter =
      best === undefined ||
      candidate.timeNs === best.timeNs ||
      candidate.timeNs < best.timeNs === request.ascending;
    if (isBetter) best = candidate;
  };
  // Oldest first: later parts win.
  for (const file of parts.files) offer(fileEnd(file, key, request));
  for (const { memtable, seriesId } of parts.memtables)
    offer(memtableEnd(memtable.end({ ...request, seriesId })));
  return best?.load();
}

function fileEnd(file: TsmFile, key: string, request: EndRequest): Candidate | undefined {
  const entries = file.entries(key, request);
  const { ascending, minTimeNs, maxTimeNs } = request;
  const order = ascending ? entries : [...entries].reverse();
  const deleted = file.deletedRanges(key);
  for (const entry of order) {
    const timeNs = ascending ? entry.minTimeNs : entry.maxTimeNs;
    // The ends of a block are times of points; where the bounds cut it, or part of it is deleted, only its points tell.
    if (deleted.length === 0 && timeNs >= minTimeNs && timeNs <= maxTimeNs)
      return { timeNs, load: () => endOf(readRun(file, entry), ascending) };
    const left = withoutRanges(readRun(file, entry), deleted);
    const run = clipRun(left, minTimeNs, maxTimeNs);
    if (run.timesNs.length === 0) continue;
    const end = endOf(run, ascending);
    return { timeNs: end.timesNs[0] ?? 0n, load: () => end };
  }
  return undefined;
}

function readRun(file: TsmFile, entry: TsmEntry): ColumnRun {
  return decodeBlock(new BlockReader(file, [entry]).block(0));
}

function endOf(run: ColumnRun, ascending: boolean): ColumnRun {
  const row = ascending ? 0 : run.timesNs.length - 1;
  return sliceRun(run, row, row + 1);
}

function memtableEnd(end: MemtableEnd | undefined): Candidate | undefined {
  if (end === undefined) return undefined;
  const { table, column, row, timeNs } = end;
  const { type } = table.fields[column] ?? { type: FieldType.float };
  return {
    timeNs,
    load: () => ({ type, timesNs: BigInt64Array.of(timeNs), values: table.valueOf(column, row) }),
  };
}
