/** The files of a shard and a memtable that is being flushed, as late-points.ts compares them with a batch. */
import { decodeBlock } from '../../../codec/block.ts';
import { noStamp, type StampRange } from '../../../models/stamp.ts';
import type { TsmFile } from '../../tsm/tsm-file.ts';
import { escapedSeriesKey, fieldEnding } from '../../tsm/tsm-format.ts';
import { clipRun } from '../columns/column-run.ts';
import type { StampedPart } from '../memtable/late-points.ts';
import type { Memtable } from '../memtable/memtable.ts';
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
    *times({ key, measurement, field }, { minTimeNs, maxTimeNs }) {
      const seriesId = memtable.series.find(key);
      if (seriesId === undefined) return;
      const view = memtable.pin();
      try {
        const run = view.read({ measurement, seriesId, field });
        if (run !== undefined) yield clipRun(run, minTimeNs, maxTimeNs).timesNs;
      } finally {
        view.release();
      }
    },
  };
}
