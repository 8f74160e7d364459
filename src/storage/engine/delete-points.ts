/**
 * Deletes points of some series from the files of a shard: tombstones are made durable, and once all are they are shown.
 *
 * Invariants:
 * - once it has resolved none of the points comes back: not after a crash, not out of a compaction (the caller lets none
 *   run meanwhile), not out of the log (the caller has flushed what was in memory before);
 * - when it fails all of the points show as before, though some files may have their tombstones: asked again for the same it writes
 *   these anew, and until then nobody may compact the files, as the power may go (mark-delete.ts);
 * - a million series are gone through in slices, each key of a file looked for once; of a whole measurement the keys are taken
 *   as the file has them. Beside packed tombstones it holds the numbers of keys, in runs.
 */
import type { Clock } from '../../env/clock.ts';
import type { Disk } from '../../env/disk.ts';
import { Slices, type SlicePorts } from '../../env/slices.ts';
import type { IndexSegment } from '../index/index-segment.ts';
import { escapeMeasurement } from '../../models/series-key.ts';
import type { LocatedKey } from '../tsm/tsm-key-set.ts';
import type { TsmFile } from '../tsm/tsm-file.ts';
import { escapedSeriesKey, fieldEnding, measurementHeads } from '../tsm/tsm-format.ts';
import { addTombstones, type TimeRange, type Tombstone } from '../tsm/tombstones.ts';
import type { TombstoneSeal } from '../tsm/tsm-seal.ts';

export interface DeletePorts {
  readonly disk: Disk;
  readonly clock: Clock;
  /** Lets other messages run. */
  readonly turn: () => Promise<void>;
}

/** `isDeciding`: a batch is decided and not applied; `forget` runs what it is given and makes durable what that answers. */
export interface ShardDeletePorts extends DeletePorts {
  readonly isDeciding: () => boolean;
  readonly forget: (forget: (slices: Slices) => Promise<ReadonlySet<IndexSegment>>) => Promise<void>; // prettier-ignore
}

/** Series of one measurement of which points are to be deleted. */
export interface SelectedSeries {
  readonly measurement: string;
  readonly seriesIds: Uint32Array;
  /** They are all that it has. */
  readonly isWhole?: boolean | undefined;
}

/** With the keys that they have in files. */
export interface DoomedSeries extends SelectedSeries {
  readonly fields: readonly string[];
  /** The bytes of a series' key, which hold until the next one. */
  readonly keyOf: (seriesId: number) => Uint8Array;
}

/** What is to be shown of a file once all is durable. */
interface Struck {
  /** Keys of which nothing is left. */
  readonly whole: KeyRuns;
  /** Keys of which something is. */
  readonly parts: KeyRuns;
}

/** Series that are looked at between two looks at the clock: a page that is read takes as long as many of them. */
const atOnce = 32;
/** Tombstones that are shown. */
const shownAtOnce = 256;

export async function deleteFromFiles(
  files: readonly TsmFile[],
  doomed: readonly DoomedSeries[],
  range: TimeRange,
  ports: DeletePorts,
): Promise<void> {
  const slices = new Slices(ports);
  const turn = async (): Promise<void> => {
    await slices.next();
  };
  const { disk } = ports;
  const durable: (Struck & { readonly file: TsmFile; readonly seal: TombstoneSeal })[] = [];
  for (const file of files) {
    const struck: Struck = { whole: new KeyRuns(), parts: new KeyRuns() };
    const list = tombstonesOf(file, doomed, { range, struck });
    const seal = await addTombstones({ disk, turn }, { path: file.path, ...file.knownTombstones }, list); // prettier-ignore
    if (seal !== undefined) durable.push({ file, seal, ...struck });
  }
  // None of this may fail.
  for (const { file, seal, whole, parts } of durable) {
    file.sealTombstones(seal);
    for (const numbers of whole.inPieces()) {
      file.forgetKeys(numbers);
      await turn();
    }
    for (const numbers of parts.inPieces()) {
      file.forgetRange(numbers, range);
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
  const keys = new FieldKeys(doomed.fields);
  const slices = new Slices(ports);
  for (const [i, seriesId] of doomed.seriesIds.entries()) {
    if (i % atOnce === atOnce - 1) await slices.next();
    if (!hasAnyOf(files, keys, doomed.keyOf(seriesId))) empty.push(seriesId);
  }
  return empty;
}

/** Whether one of the files has points of a series. */
export function hasPoints(
  files: readonly TsmFile[],
  { fields, keyOf }: Pick<DoomedSeries, 'fields' | 'keyOf'>,
  seriesId: number,
): boolean {
  return files.length > 0 && hasAnyOf(files, new FieldKeys(fields), keyOf(seriesId));
}

function hasAnyOf(files: readonly TsmFile[], keys: FieldKeys, seriesKey: Uint8Array): boolean {
  keys.begin(seriesKey);
  for (let i = 0; i < keys.count; i++) {
    const key = keys.at(i);
    for (const file of files) if (file.column(key) !== undefined) return true;
  }
  return false;
}

/** Of the keys that the file has points of in the range; undefined is a place to rest at. */
function* tombstonesOf(
  file: TsmFile,
  doomed: readonly DoomedSeries[],
  { range, struck }: { readonly range: TimeRange; readonly struck: Struck },
): Generator<Tombstone | undefined> {
  const { minTimeNs, maxTimeNs } = range;
  for (const one of doomedKeysOf(file, doomed)) {
    if (one === undefined) {
      yield undefined;
      continue;
    }
    const { bounds } = one.column;
    if (bounds.minTimeNs > maxTimeNs || bounds.maxTimeNs < minTimeNs) continue;
    (file.isCoveredWith(one, range) ? struck.whole : struck.parts).add(one.number);
    yield { key: one.key, minTimeNs, maxTimeNs };
  }
}

function* doomedKeysOf(
  file: TsmFile,
  doomed: readonly DoomedSeries[],
): Generator<LocatedKey | undefined> {
  for (const one of doomed) {
    const heads = one.isWhole === true ? measurementHeads(escapeMeasurement(one.measurement)) : undefined; // prettier-ignore
    yield* heads === undefined ? keysOfSeries(file, one) : keysWithHeads(file, heads);
    yield undefined;
  }
}

function* keysOfSeries(
  file: TsmFile,
  { seriesIds, fields, keyOf }: DoomedSeries,
): Generator<LocatedKey | undefined> {
  const keys = new FieldKeys(fields);
  for (const [i, seriesId] of seriesIds.entries()) {
    if (i % atOnce === atOnce - 1) yield undefined;
    keys.begin(keyOf(seriesId));
    for (let field = 0; field < fields.length; field++) {
      const key = keys.at(field);
      const found = file.locate(key);
      if (found !== undefined) yield { key, ...found };
    }
  }
}

function* keysWithHeads(
  file: TsmFile,
  heads: readonly Uint8Array[],
): Generator<LocatedKey | undefined> {
  for (const head of heads) {
    let count = 0;
    for (const found of file.columnsFrom(head)) {
      if (found !== undefined && !beginsWith(found.key, head)) break;
      yield found;
      if (++count % atOnce === 0) yield undefined;
    }
  }
}

function beginsWith(key: Uint8Array, head: Uint8Array): boolean {
  for (let i = 0; i < head.length; i++) if (key[i] !== head[i]) return false;
  return true;
}

/** Numbers of keys in the order that they come in: those of one delete mostly stand side by side. */
class KeyRuns {
  /** Half-open: first, end, first, end. */
  readonly #runs: number[] = [];

  add(number: number): void {
    const runs = this.#runs;
    if (runs.at(-1) === number) runs[runs.length - 1] = number + 1;
    else runs.push(number, number + 1);
  }

  *inPieces(): Generator<readonly number[]> {
    let piece: number[] = [];
    for (let i = 0; i < this.#runs.length; i += 2) {
      for (let number = this.#runs[i] ?? 0; number < (this.#runs[i + 1] ?? 0); number++) {
        piece.push(number);
        if (piece.length < shownAtOnce) continue;
        yield piece;
        piece = [];
      }
    }
    if (piece.length > 0) yield piece;
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

  get count(): number {
    return this.#endings.length;
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

/** Each holds until the next one. */
export function* keysOf(doomed: readonly DoomedSeries[]): Generator<Uint8Array> {
  for (const { seriesIds, keyOf } of doomed)
    for (const seriesId of seriesIds) yield keyOf(seriesId);
}
