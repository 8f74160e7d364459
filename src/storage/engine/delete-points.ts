/**
 * Deletes points of some series from the files of a shard: tombstones are made durable, then shown.
 *
 * Invariants:
 * - once it has resolved none of the points comes back: not after a crash, not out of a compaction (the caller lets none
 *   run meanwhile), not out of the log (the caller has flushed what was in memory before);
 * - when it fails some of the points may be deleted already; asked again it deletes the rest;
 * - a million series are gone through in slices, and no more than a slice of their tombstones is held.
 */
import type { Clock } from '../../env/clock.ts';
import type { Disk } from '../../env/disk.ts';
import { Slices } from '../../env/slices.ts';
import type { TsmFile } from '../tsm/tsm-file.ts';
import { tsmKey } from '../tsm/tsm-format.ts';
import { addTombstones, type TimeRange, type Tombstone } from '../tsm/tombstones.ts';

export interface DeletePorts {
  readonly disk: Disk;
  readonly clock: Clock;
  /** Lets other messages run. */
  readonly turn: () => Promise<void>;
}

/** Series of one measurement. */
export interface DoomedSeries {
  readonly seriesIds: Uint32Array;
  readonly fields: readonly string[];
}

/** Tombstones that are shown between two looks at the clock. */
const shownAtOnce = 512;

export async function deleteFromFiles(
  files: readonly TsmFile[],
  doomed: DoomedSeries,
  request: { readonly range: TimeRange; readonly keyOf: (seriesId: number) => string },
  ports: DeletePorts,
): Promise<void> {
  for (const file of files) {
    const list = (): Generator<Tombstone> => tombstonesOf(file, doomed, request);
    if (list().next().done === true) continue;
    await addTombstones(ports, file.path, list());
    await show(file, list(), ports);
  }
}

/** Of the keys that the file has points of in the range. */
function* tombstonesOf(
  file: TsmFile,
  { seriesIds, fields }: DoomedSeries,
  { range, keyOf }: { readonly range: TimeRange; readonly keyOf: (seriesId: number) => string },
): Generator<Tombstone> {
  for (const seriesId of seriesIds) {
    const seriesKey = keyOf(seriesId);
    for (const field of fields) {
      const key = tsmKey(seriesKey, field);
      const bounds = file.keyBounds(key);
      if (bounds === undefined) continue;
      if (bounds.minTimeNs > range.maxTimeNs || bounds.maxTimeNs < range.minTimeNs) continue;
      yield { key, ...range };
    }
  }
}

async function show(file: TsmFile, list: Generator<Tombstone>, ports: DeletePorts): Promise<void> {
  const slices = new Slices(ports);
  let some: Tombstone[] = [];
  for (const tombstone of list) {
    some.push(tombstone);
    if (some.length < shownAtOnce) continue;
    file.forget(some);
    some = [];
    await slices.next();
  }
  file.forget(some);
}
