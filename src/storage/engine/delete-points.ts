/**
 * Deletes points of some series from the files of a shard: tombstones are made durable, then shown.
 *
 * Invariants:
 * - once it has resolved none of the points comes back: not after a crash, not out of a compaction (the caller lets none
 *   run meanwhile), not out of the log (the caller has flushed what was in memory before);
 * - when it fails some of the points may be deleted already; asked again it deletes the rest;
 * - a million series are gone through in slices, each key of a file looked for once. Beside packed tombstones it holds the
 *   number of each key.
 */
import type { Clock } from '../../env/clock.ts';
import type { Disk } from '../../env/disk.ts';
import { Slices, type SlicePorts } from '../../env/slices.ts';
import type { TsmFile } from '../tsm/tsm-file.ts';
import { escapedSeriesKey, fieldEnding } from '../tsm/tsm-format.ts';
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
  /** The bytes of a series' key, which hold until the next one. */
  readonly keyOf: (seriesId: number) => Uint8Array;
}

/** What is to be shown of a file once it is durable: numbers of its keys. */
interface Struck {
  /** Keys of which nothing is left. */
  readonly whole: number[];
  /** Keys of which something is. */
  readonly parts: number[];
}

/** Series that are looked at, and tombstones that are shown, between two looks at the clock. */
const atOnce = 256;

export async function deleteFromFiles(
  files: readonly TsmFile[],
  doomed: DoomedSeries,
  range: TimeRange,
  ports: DeletePorts,
): Promise<void> {
  const slices = new Slices(ports);
  const turn = async (): Promise<void> => {
    await slices.next();
  };
  const { disk } = ports;
  for (const file of files) {
    const struck: Struck = { whole: [], parts: [] };
    const list = tombstonesOf(file, doomed, { range, struck });
    if (!(await addTombstones({ disk, turn }, file.path, list))) continue;
    for (let from = 0; from < struck.whole.length; from += atOnce) {
      file.forgetKeys(struck.whole.slice(from, from + atOnce));
      await turn();
    }
    for (let from = 0; from < struck.parts.length; from += atOnce) {
      file.forgetRange(struck.parts.slice(from, from + atOnce), range);
      await turn();
    }
  }
}

/** The series that none of the files has a point of. */
export async function emptySeries(
  files: readonly TsmFile[],
  doomed: DoomedSeries,
  ports: SlicePorts,
): Promise<readonly number[]> {
  const empty: number[] = [];
  const slices = new Slices(ports);
  for (const [i, seriesId] of doomed.seriesIds.entries()) {
    if (i % atOnce === atOnce - 1) await slices.next();
    if (!hasPoints(files, doomed, seriesId)) empty.push(seriesId);
  }
  return empty;
}

/** Whether one of the files has points of a series. */
export function hasPoints(
  files: readonly TsmFile[],
  { fields, keyOf }: Pick<DoomedSeries, 'fields' | 'keyOf'>,
  seriesId: number,
): boolean {
  if (files.length === 0) return false;
  const keys = new FieldKeys(fields);
  keys.begin(keyOf(seriesId));
  for (let i = 0; i < fields.length; i++)
    if (files.some((file) => file.column(keys.at(i)) !== undefined)) return true;
  return false;
}

/** Of the keys that the file has points of in the range; undefined is a place to rest at. */
function* tombstonesOf(
  file: TsmFile,
  { seriesIds, fields, keyOf }: DoomedSeries,
  { range, struck }: { readonly range: TimeRange; readonly struck: Struck },
): Generator<Tombstone | undefined> {
  const keys = new FieldKeys(fields);
  for (const [i, seriesId] of seriesIds.entries()) {
    if (i % atOnce === atOnce - 1) yield undefined;
    keys.begin(keyOf(seriesId));
    for (let field = 0; field < fields.length; field++) {
      const key = keys.at(field);
      const found = file.locate(key);
      if (found === undefined) continue;
      const { bounds } = found.column;
      if (bounds.minTimeNs > range.maxTimeNs || bounds.maxTimeNs < range.minTimeNs) continue;
      (file.isCoveredWith(found, range) ? struck.whole : struck.parts).push(found.number);
      yield { key, ...range };
    }
  }
}

/** The keys that a series has in files, one after the other in the same room. */
class FieldKeys {
  readonly #endings: readonly Uint8Array[];
  #room = new Uint8Array(256);
  #seriesBytes = 0;

  constructor(fields: readonly string[]) {
    this.#endings = fields.map(fieldEnding);
  }

  begin(seriesKey: Uint8Array): void {
    const escaped = escapedSeriesKey(seriesKey);
    this.#seriesBytes = 0;
    this.#put(escaped);
    this.#seriesBytes = escaped.length;
  }

  /** It holds until the next one. */
  at(field: number): Uint8Array {
    const ending = this.#endings[field] ?? new Uint8Array();
    this.#put(ending);
    return this.#room.subarray(0, this.#seriesBytes + ending.length);
  }

  #put(bytes: Uint8Array): void {
    const end = this.#seriesBytes + bytes.length;
    if (end > this.#room.length) {
      const grown = new Uint8Array(end * 2);
      grown.set(this.#room);
      this.#room = grown;
    }
    this.#room.set(bytes, this.#seriesBytes);
  }
}
