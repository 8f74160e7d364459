/**
 * What has changed in a shard since somebody looked at it, in parts of its series and time: who keeps a digest of it has to look at
 * these again, and at no others.
 *
 * A mark has the files whose points were seen. What came since is in memory or in other files, wherever flushes have put it, and costs
 * nothing until it is asked for (changedParts(), partsInMemory()). Two things change what the files of a mark are, and are told to the marks:
 *
 * - Compactions: what stands in the place of files that were seen was seen. Where some of the inputs were not, what these have is
 *   marked before they go (foresee()).
 * - Deletes: from the moment one begins to the moment it ends, as tombstones come to show one after the other. A mark that is made
 *   meanwhile has seen some of them only, so it begins with the parts of the deletes that are under way.
 *
 * Invariants:
 * - A part that no point came to, left or changed its value in may be marked; one in which that happened is.
 * - Nobody who keeps no digest pays more than a look at an empty set.
 */
import {
  seriesPartOf,
  seriesParts,
  timeMaskOf,
  type DigestRange,
} from '../../../models/digest-grid.ts';
import { splitTsmKeyBytes } from '../../tsm/tsm-format.ts';
import type { TsmFile } from '../../tsm/tsm-file.ts';
import type { KeyedColumn } from '../../tsm/tsm-key-set.ts';
import type { TimeRange } from '../../tsm/tombstones.ts';
import type { ShardView } from '../shard-view.ts';
import { PartSet } from './part-set.ts';

/** Keys of a delete of more are not looked at one by one: they are likely to be of all parts. */
const doomedKeysMax = 4_096;
/** Series, keys of files, between two rests. */
const atOnce = 256;

export class ContentMark {
  readonly range: DigestRange;
  /** In these since. */
  readonly changed: PartSet;
  #files: ReadonlySet<TsmFile>;
  #isLost = false;

  constructor(range: DigestRange, files: Iterable<TsmFile>, changed: PartSet) {
    this.range = range;
    this.changed = changed;
    this.#files = new Set(files);
  }

  /** Whose points were seen, all but those of the parts above. */
  get files(): ReadonlySet<TsmFile> {
    return this.#files;
  }

  /** Nobody can tell any more what has changed. */
  get isLost(): boolean {
    return this.#isLost;
  }

  struck({ seriesMask, range }: StruckParts): void {
    const timeMask = timeMaskOf(this.range, range);
    for (let part = 0; part < seriesParts; part++)
      if (seriesMask[part] === 1) this.changed.add(part, timeMask);
  }

  replaced(old: readonly TsmFile[], fresh: readonly TsmFile[]): void {
    const seen = old.filter((file) => this.#files.has(file));
    if (seen.length === 0) return;
    // Of the others foresee() has marked what they have, if it was asked.
    if (old.some((file) => !this.#files.has(file) && !this.#foreseen.has(file)))
      this.#isLost = true;
    this.#files = new Set([...[...this.#files].filter((file) => !old.includes(file)), ...fresh]);
  }

  readonly #foreseen = new WeakSet<TsmFile>();

  /** Marks what a file that was not seen has, as it is about to go with some that were. */
  *foresee(inputs: readonly TsmFile[]): Generator<undefined, void> {
    if (!inputs.some((file) => this.#files.has(file))) return;
    for (const file of inputs) {
      if (this.#files.has(file)) continue;
      yield* partsOfFile(file, this.range, this.changed);
      this.#foreseen.add(file);
    }
  }
}

/** Of one delete: a byte for each part of series, 1 where it means one of them. */
interface StruckParts {
  readonly seriesMask: Uint8Array;
  readonly range: TimeRange;
}

export class ContentWatch {
  readonly #marks = new Set<ContentMark>();
  readonly #striking = new Set<StruckParts>();

  /** To be let go of. `changed`: parts that were not seen. */
  mark(range: DigestRange, files: Iterable<TsmFile>, changed = new PartSet()): ContentMark {
    const mark = new ContentMark(range, files, changed);
    for (const struck of this.#striking) mark.struck(struck);
    this.#marks.add(mark);
    return mark;
  }

  letGo(mark: ContentMark): void {
    this.#marks.delete(mark);
  }

  /** A delete begins, of these series or of any; what it returns is to be called once it has ended, or failed. */
  strike(keys: Iterable<Uint8Array> | undefined, range: TimeRange): () => void {
    const seriesMask = keys === undefined ? new Uint8Array(seriesParts).fill(1) : seriesMaskOf(keys); // prettier-ignore
    const struck = { seriesMask, range };
    this.#striking.add(struck);
    for (const mark of this.#marks) mark.struck(struck);
    return () => {
      this.#striking.delete(struck);
      for (const mark of this.#marks) mark.struck(struck);
    };
  }

  /** Before files are replaced; in steps. */
  *foresee(inputs: readonly TsmFile[]): Generator<undefined, void> {
    for (const mark of [...this.#marks]) yield* mark.foresee(inputs);
  }

  replaced(old: readonly TsmFile[], fresh: readonly TsmFile[]): void {
    for (const mark of this.#marks) mark.replaced(old, fresh);
  }
}

/** All parts in which what files of a view show is not what the mark has seen. Yields where it may rest. */
export function* changedParts(
  view: Pick<ShardView, 'files'>,
  { range, files, changed }: ContentMark,
): Generator<undefined, PartSet> {
  const parts = new PartSet();
  parts.addAll(changed);
  for (const file of view.files) if (!files.has(file)) yield* partsOfFile(file, range, parts);
  return parts;
}

/** Those of what is in no file yet: seen or not, it is not of any file that a mark has. */
export function* partsInMemory(
  view: Pick<ShardView, 'inMemory'>,
  range: DigestRange,
): Generator<undefined, PartSet> {
  const parts = new PartSet();
  let count = 0;
  for (const { key, ...bounds } of view.inMemory()) {
    // A key holds until the memory grows, as it may while this rests.
    parts.addSeries(key, timeMaskOf(range, bounds));
    if (++count % atOnce === 0) yield;
  }
  return parts;
}

function* partsOfFile(
  file: TsmFile,
  range: DigestRange,
  into: PartSet,
): Generator<undefined, void> {
  let count = 0;
  for (const one of file.columnsAndRests()) {
    if (one !== undefined) addColumn(one, range, into);
    if (++count % atOnce === 0) yield;
  }
}

function addColumn([key, column]: KeyedColumn, range: DigestRange, into: PartSet): void {
  const part = seriesPartOf(splitTsmKeyBytes(key).seriesKey);
  const whole = timeMaskOf(range, column.bounds);
  if ((into.maskOf(part) | whole) === into.maskOf(part)) return;
  for (let i = 0; i < column.count; i++) into.add(part, timeMaskOf(range, column.entry(i)));
}

function seriesMaskOf(keys: Iterable<Uint8Array>): Uint8Array {
  const mask = new Uint8Array(seriesParts);
  let count = 0;
  for (const key of keys) {
    if (++count > doomedKeysMax) return mask.fill(1);
    mask[seriesPartOf(key)] = 1;
  }
  return mask;
}
