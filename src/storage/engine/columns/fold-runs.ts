/**
 * Points of many series added to tables of windows at once: keys are looked for in each file one after the other, blocks are
 * copied as they lie side by side, rows of memtables are gathered for all of them, and the kernel adds all of that in one call.
 * No series costs an object. Twin: ShardView.fold(), series by series, which takes what is left to it here: series of
 * many blocks or rows, whose parts overlap in time, of which something is deleted, or whose keys are written with escapes.
 *
 * Invariant: what is of one series and field goes to its table in ascending time, and series in the order that they are asked in,
 * since another order changes the last digit of a sum.
 */
import { PlacedRuns } from '../../../kernels/placed-runs.ts';
import type { WindowTable } from '../../../kernels/window-table.ts';
import type { ViewedIndex } from '../../index/index-view.ts';
import { FoundBlock } from '../../tsm/block-pieces.ts';
import type { TsmColumn } from '../../tsm/tsm-column.ts';
import type { TsmFile } from '../../tsm/tsm-file.ts';
import type { MemoryPart } from '../memory-part.ts';
import type { RunRows } from '../memtable/run-rows.ts';
import type { TimeBounds } from '../memtable/shape-table.ts';
import { RunKeys } from './run-keys.ts';
import { isBefore, RunRecords } from './run-records.ts';

export interface RunsFold extends TimeBounds {
  /** Those that series are of: what is asked of them is of one type in all. */
  readonly measurements: readonly string[];
  /** Mostly in the order of their keys; of more than `runSeriesMax` the first are taken. */
  readonly seriesIds: Uint32Array;
  readonly fields: readonly string[];
  /** By series: the column of the table for the first of the fields; those of the others follow. */
  readonly columns: Uint32Array;
  readonly table: WindowTable;
}

export interface FoldedRuns {
  /** How many of the series were added, from the first on; with 0 nothing was. */
  readonly seriesCount: number;
  readonly pointCount: number;
}

/** Files from the earliest on, and the memtables, oldest first. */
export interface RunParts {
  readonly index: ViewedIndex;
  readonly files: readonly TsmFile[];
  readonly memtables: readonly MemoryPart[];
}

/** A millisecond's work at the most. */
export const runSeriesMax = 256;
const slotsMax = 1_024;
/** Keys looked for in files, of which each that is not there costs a microsecond: a shard may have hundreds of files. */
const lookupsMax = 4_096;
/** Of a series and field in one file: those of more are worth what they cost alone. */
const blocksMax = 16;
const seriesRowsMax = 256;

/** Of all views of a thread, of which a question may have thousands: nothing is left there from one call to the next. */
const keysRoom = new RunKeys(slotsMax);
const recordsRoom = new RunRecords(slotsMax, PlacedRuns.recordsMax);

/** Of one view. */
export class RunsFolder {
  readonly #parts: RunParts;
  readonly #keys = keysRoom;
  readonly #records = recordsRoom;
  /** Of a block, see TsmColumn.timesInto(). */
  readonly #times = new Int32Array(4);
  readonly #least = new Int32Array(2);
  readonly #greatest = new Int32Array(2);
  readonly #found = new FoundBlock();

  constructor(parts: RunParts) {
    this.#parts = parts;
  }

  /** Adds as many of the series as can be, from the first on. */
  fold(request: RunsFold): FoldedRuns {
    const { seriesIds, fields, table } = request;
    const { runs, arena } = table;
    runs.clear();
    this.#records.clear();
    halve(request.minTimeNs, this.#least);
    halve(request.maxTimeNs, this.#greatest);
    // Each file and memtable has as much room: else the first would have all of it for series that the last has none for.
    const files = this.#parts.files.filter(({ bounds }) => overlaps(bounds, request));
    const memtables = this.#parts.memtables.filter(({ bounds }) => overlaps(bounds, request));
    const parts = Math.max(1, files.length + memtables.length);
    const most = Math.min(seriesIds.length, runSeriesMax, Math.floor(slotsMax / fields.length), Math.ceil(lookupsMax / (fields.length * parts))); // prettier-ignore
    let count = this.#keys.write(this.#parts.index, seriesIds, { count: most, fields });
    for (const file of files) {
      runs.share(parts);
      this.#records.share(parts);
      count = this.#addBlocks(file, request, count);
    }
    const mark = arena.mark();
    try {
      for (const memtable of memtables) {
        this.#records.share(parts);
        if (count > 0) count = this.#addRows(memtable, request, count);
      }
      if (count === 0) return { seriesCount: 0, pointCount: 0 };
      for (let i = 0; i < count; i++)
        for (let field = 0; field < fields.length; field++)
          this.#records.addTo(runs, i * fields.length + field, (request.columns[i] ?? 0) + field);
      return { seriesCount: count, pointCount: runs.fold(request) };
    } finally {
      arena.release(mark);
    }
  }

  /** Takes note of the blocks in one file that may have points within the bounds; answers before which series it ended. */
  #addBlocks(file: TsmFile, { fields, table }: RunsFold, count: number): number {
    const { bytes, starts, ends } = this.#keys;
    const { runs } = table;
    const slotCount = count * fields.length;
    for (let slot = 0; slot < slotCount; slot++) {
      const [start, end] = [starts[slot] ?? 0, ends[slot] ?? 0];
      const column = file.nextColumn(bytes, start, end);
      if (column === undefined) continue;
      const isWhole = !file.hasDeletedRanges || file.deletedRanges(bytes.subarray(start, end)).length === 0; // prettier-ignore
      if (!isWhole || column.count > blocksMax || !this.#addColumn({ file, column, runs }, slot))
        return Math.floor(slot / fields.length);
    }
    return count;
  }

  /** False when the series cannot be added. */
  #addColumn(
    { file, column, runs }: { readonly file: TsmFile; readonly column: TsmColumn; readonly runs: PlacedRuns }, // prettier-ignore
    slot: number,
  ): boolean {
    const times = this.#times;
    const records = this.#records;
    const [least, greatest] = [this.#least, this.#greatest];
    for (let block = 0; block < column.count; block++) {
      column.timesInto(block, times);
      const [minUpper, minLower] = [times[0] ?? 0, (times[1] ?? 0) >>> 0];
      const [maxUpper, maxLower] = [times[2] ?? 0, (times[3] ?? 0) >>> 0];
      if (isBefore(maxUpper, maxLower, least[0] ?? 0, (least[1] ?? 0) >>> 0)) continue;
      if (isBefore(greatest[0] ?? 0, (greatest[1] ?? 0) >>> 0, minUpper, minLower)) return true;
      if (!records.isBehind(slot, minUpper, minLower)) return false;
      const found = file.find(column.placeOf(block), this.#found);
      const ptr = runs.place(found);
      if (ptr === 0 || !records.add(slot, ptr, found.end - found.start, 0)) return false;
      records.endsAt(slot, maxUpper, maxLower);
    }
    return true;
  }

  #addRows(memtable: MemoryPart, request: RunsFold, count: number): number {
    const known = { index: this.#parts.index, keys: this.#keys };
    const ids = memtable.idsOf(request.seriesIds.subarray(0, count), known);
    const met = new Uint8Array(count);
    let left = count;
    for (const rows of memtable.runs({ ...request, ids, seriesRowsMax }, request.table.arena))
      left = this.#addRun(rows, { met, request, count: left });
    return left;
  }

  #addRun(
    { seriesCount, counts, timesPtr, valuesPtrs }: RunRows,
    { met, request, count }: { readonly met: Uint8Array; readonly request: RunsFold; readonly count: number }, // prettier-ignore
  ): number {
    const { fields, table } = request;
    const most = Math.min(count, seriesCount);
    const words = new Int32Array(table.arena.memory.buffer);
    let at = timesPtr;
    for (let i = 0; i < most; i++) {
      const rowCount = counts[i] ?? 0;
      if (rowCount === 0) continue;
      // Rows of several shapes may have the same times.
      if (met[i] === 1) return i;
      met[i] = 1;
      const [first, last] = [at / 4, at / 4 + (rowCount - 1) * 2];
      for (let field = 0; field < fields.length; field++) {
        const valuesPtr = valuesPtrs[field] ?? 0;
        if (valuesPtr === 0) continue;
        const slot = i * fields.length + field;
        if (!this.#records.isBehind(slot, words[first + 1] ?? 0, (words[first] ?? 0) >>> 0)) return i; // prettier-ignore
        if (!this.#records.add(slot, at, rowCount, valuesPtr + at - timesPtr)) return i;
        this.#records.endsAt(slot, words[last + 1] ?? 0, (words[last] ?? 0) >>> 0);
      }
      at += rowCount * 8;
    }
    return most;
  }
}

function overlaps(bounds: TimeBounds | undefined, { minTimeNs, maxTimeNs }: TimeBounds): boolean {
  return bounds !== undefined && bounds.minTimeNs <= maxTimeNs && bounds.maxTimeNs >= minTimeNs;
}

/** The halves of a time, which may lie beyond an int64 in a question. */
function halve(timeNs: bigint, into: Int32Array): void {
  const least = -(2n ** 63n);
  const most = 2n ** 63n - 1n;
  const clamped = timeNs < least ? least : timeNs > most ? most : timeNs;
  into[0] = Number(clamped >> 32n);
  into[1] = Number(clamped & 0xffff_ffffn);
}
