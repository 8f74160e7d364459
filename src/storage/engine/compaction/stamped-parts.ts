/** The files of a shard and a memtable that is being flushed, as late-points.ts compares them with a batch. */
import { lowerBound } from '../../../base/lower-bound.ts';
import { decodeBlock } from '../../../codec/block.ts';
import { noStamp, type StampRange } from '../../../models/stamp.ts';
import type { TsmFile } from '../../tsm/tsm-file.ts';
import { escapedSeriesKey, fieldEnding } from '../../tsm/tsm-format.ts';
import { clipRun } from '../columns/column-run.ts';
import type { StampedPart } from '../memtable/late-points.ts';
import type { Memtable } from '../memtable/memtable.ts';
import type { ShapeTable, TimeBounds } from '../memtable/shape-table.ts';
import { withoutRanges } from '../columns/rows-forms.ts';

/** Of files of before there were stamps, and of those that came by another way. */
const withoutStamps: StampRange = { least: noStamp, greatest: noStamp };

export function stampsOfFile({ seal }: TsmFile): StampRange {
  return seal.stamps ?? withoutStamps;
}

export function filePart(file: TsmFile): StampedPart {
  return {
    stamps: stampsOfFile(file),
    bounds: file.bounds,
    *times({ key, field }, bounds) {
      const name = Buffer.concat([escapedSeriesKey(key), fieldEnding(field)]);
      const deleted = file.deletedRanges(name);
      for (const entry of file.entries(name, bounds)) {
        const run = withoutRanges(decodeBlock(file.block(entry)), deleted);
        yield clipRun(run, bounds.minTimeNs, bounds.maxTimeNs).timesNs;
      }
    },
  };
}

export function memtablePart(memtable: Memtable): StampedPart {
  return {
    stamps: memtable.stamps ?? withoutStamps,
    bounds: memtable.bounds,
    *times({ key, measurement, field }, bounds) {
      const seriesId = memtable.series.find(key);
      if (seriesId === undefined) return;
      const holds = (table: ShapeTable): boolean =>
        table.columnOf(field) >= 0 && table.hasRows(seriesId, table.rowCount);
      const [table, ...others] = [...memtable.tablesOf(measurement, seriesId)].filter(holds);
      if (table === undefined) return;
      yield others.length === 0
        ? timesOf(table, seriesId, bounds)
        : mergedTimes(memtable, { measurement, seriesId, field }, bounds);
    },
  };
}

/** Without the values, and listed once for all fields: a late batch asks for each of its series and fields. */
function timesOf(
  table: ShapeTable,
  seriesId: number,
  { minTimeNs, maxTimeNs }: TimeBounds,
): BigInt64Array {
  const { times, count } = table.inTime(seriesId, table.rowCount);
  const all = new BigInt64Array(table.kernel.buffer, times, count);
  return all.slice(lowerBound(all, minTimeNs), lowerBound(all, maxTimeNs + 1n));
}

/** Of rows of several shapes. */
function mergedTimes(
  memtable: Memtable,
  field: { readonly measurement: string; readonly seriesId: number; readonly field: string },
  { minTimeNs, maxTimeNs }: TimeBounds,
): BigInt64Array {
  const view = memtable.pin();
  try {
    const run = view.read(field);
    return run === undefined ? new BigInt64Array() : clipRun(run, minTimeNs, maxTimeNs).timesNs;
  } finally {
    view.release();
  }
}
