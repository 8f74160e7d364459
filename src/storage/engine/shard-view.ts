/** An unchanging view of a shard's points for one reader. The shape is what the query engine asks of a shard. */
import { assert } from '../../base/assert.ts';
import type { HyperLogLog } from '../../base/collections/hyper-log-log.ts';
import type { TextPile } from '../../base/text-pile.ts';
import type { FieldType } from '../../models/field-value.ts';
import { IndexView, type IndexedSeries, type ViewedIndex } from '../index/index-view.ts';
import type { TsmFile } from '../tsm/tsm-file.ts';
import { viewFailure } from './damaged-shard.ts';
import { MemtableView, type ViewedSeries } from './memtable/memtable-view.ts';
import { FoldedBlocks } from './columns/fold-blocks.ts';
import { RunsFolder, type FoldedRuns, type RunsFold } from './columns/fold-runs.ts';
import { areInOrder, PartsFolder } from './columns/fold-parts.ts';
import { FileBlocks } from './columns/file-blocks.ts';
import { batchTypes, type ColumnPiece, type CursorArena, RunCursor } from './columns/run-cursor.ts';
import { fileEndRow, type EndRowValues } from './file-end-row.ts';
import { firstTime } from './first-time.ts';
import { boundOf, isBeyond, rankFiles, seriesEnd, type MemtableSeries, type RankedFile } from './series-end.ts'; // prettier-ignore
import { isWithin, united } from './part-bounds.ts';
import { noKey, SeriesNames, type NamedSeries } from './series-names.ts';
import type { TimeBounds } from './memtable/shape-table.ts';
import type { ViewCursor, ViewEnd, ViewFold, ViewFolding, ViewParts, ViewRequest, ViewRow } from './view-request.ts'; // prettier-ignore

export class ShardView {
  readonly shardId: number;
  readonly #index: ViewedIndex;
  readonly #parts: ViewParts;
  readonly #names: SeriesNames;
  #holdsMemtables = true;
  #fromFirst: readonly RankedFile[] | undefined;
  #fromLast: readonly RankedFile[] | undefined;
  #runs: RunsFolder | undefined;

  constructor(shardId: number, index: ViewedIndex, parts: ViewParts) {
    this.shardId = shardId;
    this.#index = index;
    this.#parts = parts;
    this.#names = new SeriesNames(index, parts);
    for (const file of parts.files) file.pin();
  }

  /** Of parts that another view holds as long as this one is there, by other names of series. */
  static within(shardId: number, index: ViewedIndex, parts: ViewParts): ShardView {
    const view = new ShardView(shardId, index, parts);
    view.#holdsMemtables = false;
    return view;
  }

  /**
   * Lets go of what it reads, once: nothing is read after it. A view that is not released keeps compacted files open, and
   * memory of memtables that were flushed.
   */
  release(): void {
    for (const file of this.#parts.files) file.unpin();
    if (this.#holdsMemtables) for (const memtable of this.#parts.memtables) memtable.release();
    this.#index.release();
  }

  get files(): readonly TsmFile[] {
    return this.#parts.files;
  }

  /** All of it, whatever its times. */
  get parts(): ViewParts {
    return this.#parts;
  }

  /**
   * All that may have points within the bounds, whatever is deleted from now on; undefined where something of its files is deleted
   * already.
   */
  partsWithin(bounds: TimeBounds): ViewParts | undefined {
    const { files, memtables } = this.#parts;
    const isIn = (part: { readonly bounds: TimeBounds | undefined }): boolean =>
      part.bounds !== undefined && isWithin(part.bounds, bounds);
    const within = files.filter(isIn);
    if (within.some(({ hasTombstones }) => hasTombstones)) return undefined;
    return { files: within.map((file) => file.whole()), memtables: memtables.filter(isIn) };
  }

  /** Series that have points in no file yet, some of them more than once. A key holds until the memory grows. */
  *inMemory(): Generator<ViewedSeries, void> {
    for (const memtable of this.#parts.memtables) {
      assert(memtable instanceof MemtableView, 'series are taken out of memtables of this worker');
      yield* memtable.viewedSeries();
    }
  }

  measurements(): readonly string[] {
    return this.#guard(() => this.#index.measurements());
  }

  fields(measurement: string): readonly {
    readonly name: string;
    readonly type: (typeof batchTypes)[FieldType];
  }[] {
    return [...this.#guard(() => this.#index.fields(measurement))]
      .map(([name, type]) => ({ name, type: batchTypes[type] }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  fieldType(measurement: string, field: string): (typeof batchTypes)[FieldType] | undefined {
    const type = this.#index.fields(measurement).get(field);
    return type === undefined ? undefined : batchTypes[type];
  }

  tagKeys(measurement: string): readonly string[] {
    return this.#guard(() => [...this.#index.tagKeys(measurement)].sort());
  }

  /** Inclusive bounds of the times of all points; undefined in an empty shard. They may be wider, never narrower. */
  timeBounds(): TimeBounds | undefined {
    const { files, memtables } = this.#parts;
    let all: TimeBounds | undefined;
    for (let i = 0; i < files.length; i++) all = united(all, files[i]?.bounds);
    for (let i = 0; i < memtables.length; i++) all = united(all, memtables[i]?.bounds);
    return all;
  }

  seriesIds(measurement: string): Generator<undefined, Uint32Array> {
    return this.#guarded(this.#index.seriesIds(measurement));
  }

  /** The same in no order that holds for all of them, and at once. */
  seriesIdsByPart(measurement: string): Uint32Array {
    return this.#guard(() => this.#index.seriesIdsByPart(measurement));
  }

  /** Whether a measurement has any that have points. */
  hasSeries(measurement: string): boolean {
    return this.#guard(() => this.#index.hasSeries(measurement));
  }

  /** For whoever takes series out of it. */
  get index(): IndexView {
    assert(this.#index instanceof IndexView, 'series are taken out of the index of a shard');
    return this.#index;
  }

  seriesIdsWith(
    measurement: string,
    tagKey: string,
    values: Iterable<string>,
  ): Generator<undefined, Uint32Array> {
    return this.#guarded(this.#index.seriesIdsWith(measurement, tagKey, values));
  }

  tagValueLists(measurement: string, tagKey: string): Generator<readonly string[], void> {
    return this.#guarded(this.#index.tagValueLists(measurement, tagKey));
  }

  /** Adds the values of a tag to a pile, a run for each part of the index; each step is short. */
  tagValuesInto(measurement: string, tagKey: string, pile: TextPile): Generator<undefined, void> {
    return this.#guarded(this.#index.tagValuesInto(measurement, tagKey, pile));
  }

  seriesKeyInto(seriesId: number, pile: TextPile): void {
    for (let roomBytes = 1_024; ; roomBytes *= 4) {
      pile.reserve(roomBytes);
      const { bytes, lengthBytes } = pile;
      const end = this.#guard(() => this.#index.keyInto(seriesId, bytes, lengthBytes));
      if (end < 0) continue;
      pile.finish(end);
      return;
    }
  }

  /** Adds its series, those of a measurement or all, to a sketch; each step is short. */
  sketchSeries(into: HyperLogLog, measurement?: string): Generator<undefined, void> {
    return this.#guarded(this.#index.sketchSeries(into, measurement));
  }

  seriesKey(seriesId: number): string {
    return this.#guard(() => this.#index.keyText(seriesId));
  }

  series(seriesId: number): IndexedSeries {
    try {
      return this.#index.series(seriesId);
    } catch (error) {
      throw this.#failure(error);
    }
  }

  /** The key of a series as bytes. A view: it holds until the memory grows. */
  keyOf(seriesId: number): Uint8Array {
    return this.#guard(() => this.#index.keyOf(seriesId));
  }

  /** The first or the last point within the bounds alone; undefined when there is none. */
  end(request: ViewRequest, arena: CursorArena): ViewEnd | undefined {
    return this.#guard(() => {
      const named = this.#names.of(request.seriesId);
      const { measurement, memtables } = named;
      const parts = { files: this.#filesFrom(request.ascending), memtables };
      const end = seriesEnd(
        this.#names.keyOf(named, request.field),
        { ...request, measurement },
        parts,
      );
      return end && { timeNs: end.timeNs, value: end.value(arena) };
    });
  }

  /**
   * The first or the last row within the bounds with what it has of some fields; undefined when there is none, or it is not that
   * of one memtable or file, before all that others have in the direction of time.
   */
  endRow(request: ViewRow, arena: CursorArena): EndRowValues | undefined {
    return this.#guard(() => {
      const named = this.#names.of(request.seriesId);
      const [only, ...others] = named.memtables;
      if (only === undefined) return this.#fileEndRow(named, request, arena);
      return others.length > 0 ? undefined : this.#memtableEndRow(named, only, request);
    });
  }

  /**
   * No row of some fields within the bounds comes before it, in the direction of time; undefined when there are none. No block is
   * read: what is deleted of one may be told of.
   */
  firstNs(request: ViewRow): bigint | undefined {
    return this.#guard(() => {
      const named = this.#names.of(request.seriesId);
      const { measurement, memtables } = named;
      const keyOf = (field: string): Uint8Array => this.#names.keyOf(named, field);
      const order = this.#names.orderOf(request.fields);
      return firstTime({ ...request, measurement, keyOf, order }, { files: this.#filesFrom(request.ascending), memtables }); // prettier-ignore
    });
  }

  #memtableEndRow(
    { measurement }: NamedSeries,
    { memtable, seriesId }: MemtableSeries,
    { fields, ...bounds }: ViewRow,
  ): EndRowValues | undefined {
    const end = memtable.endRow({ ...bounds, measurement, seriesId });
    if (end === undefined) return undefined;
    const { timeNs } = end;
    const [nearest] = this.#filesFrom(bounds.ascending);
    if (nearest !== undefined && !isBehind(nearest, timeNs, bounds.ascending)) return undefined;
    const values = fields.map((field) => end.valueOf(field));
    return values.every((value) => value === undefined) ? undefined : { timeNs, values };
  }

  /** Of the nearest file that has the series, where no other one reaches so far. */
  #fileEndRow(
    named: NamedSeries,
    { fields, ...bounds }: ViewRow,
    arena: CursorArena,
  ): EndRowValues | undefined {
    const keyOf = (field: number): Uint8Array => this.#names.keyOf(named, fields[field] ?? '');
    const asked = {
      ...bounds,
      keyOf,
      order: this.#names.orderOf(fields),
      fieldCount: fields.length,
    };
    const files = this.#filesFrom(bounds.ascending);
    for (let i = 0; i < files.length; i++) {
      const row = fileEndRow((files[i] as RankedFile).file, asked, arena);
      if (row === 'absent') continue;
      const next = files[i + 1];
      if (
        row === undefined ||
        (next !== undefined && !isBehind(next, row.timeNs, bounds.ascending))
      )
        return undefined;
      return row;
    }
    return undefined;
  }

  /** The files by how near to one end of time theirs is. */
  #filesFrom(ascending: boolean): readonly RankedFile[] {
    const known = ascending ? this.#fromFirst : this.#fromLast;
    if (known !== undefined) return known;
    const ranked = rankFiles(this.#parts.files, ascending);
    if (ascending) this.#fromFirst = ranked;
    else this.#fromLast = ranked;
    return ranked;
  }

  /** How much of a series and field there is: values in memory, blocks of files within the bounds. */
  cost({ seriesId, field, ...bounds }: Omit<ViewRequest, 'ascending' | 'rowsFirst'>): {
    readonly cachedValues: number;
    readonly fileCount: number;
    readonly blockCount: number;
    readonly blockBytes: number;
  } {
    return this.#guard(() => {
      const named = this.#names.of(seriesId);
      const { measurement, memtables } = named;
      const key = this.#names.keyOf(named, field);
      const files = this.#parts.files.map((file) => file.entries(key, bounds));
      const blocks = files.flat();
      return {
        cachedValues: memtables.reduce((sum, { memtable, seriesId: id }) => sum + memtable.valueCount({ measurement, seriesId: id, field }), 0), // prettier-ignore
        fileCount: files.filter((entries) => entries.length > 0).length,
        blockCount: blocks.length,
        blockBytes: blocks.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0),
      };
    });
  }

  /** Of files, that may have points of a series and field within the bounds. */
  blockCount({ seriesId, field, ...bounds }: Omit<ViewRequest, 'ascending' | 'rowsFirst'>): number {
    return this.#guard(() => {
      const key = this.#names.keyOf(this.#names.of(seriesId), field);
      return this.#parts.files.reduce((sum, file) => sum + file.entries(key, bounds).length, 0);
    });
  }

  /** About how many values in memory there are of a series and field within the bounds. */
  rowsInMemory({
    seriesId,
    field,
    ...bounds
  }: Omit<ViewRequest, 'ascending' | 'rowsFirst'>): number {
    return this.#guard(() => {
      const { measurement, memtables } = this.#names.of(seriesId);
      return memtables.reduce((sum, { memtable, seriesId: id }) => {
        const name = { measurement, seriesId: id, field };
        const pieces = memtable.pieces(name, bounds);
        const isKnown = pieces.every(({ rows }) => rows !== undefined);
        return isKnown ? pieces.reduce((all, { rows }) => all + (rows?.count ?? 0), sum) : sum + memtable.valueCount(name); // prettier-ignore
      }, 0);
    });
  }

  /** When blocks of files begin that may have points of a series and field within the bounds, file after file. */
  blockStarts({
    seriesId,
    field,
    ...bounds
  }: Omit<ViewRequest, 'ascending' | 'rowsFirst'>): bigint[] {
    return this.#guard(() => {
      const key = this.#names.keyOf(this.#names.of(seriesId), field);
      const entries = this.#parts.files.flatMap((file) => file.entries(key, bounds));
      return entries.map(({ minTimeNs }) => minTimeNs);
    });
  }

  /**
   * Adds all points of some fields of a series within the bounds to the table, where they lie; undefined when nothing was added,
   * and cursors have to be read.
   */
  fold(request: ViewFold): ViewFolding | undefined {
    try {
      const folder = this.#folder(request);
      if (folder === undefined) return undefined;
      const { shardId } = this;
      return { next: () => nextOf(folder, shardId) };
    } catch (error) {
      throw this.#failure(error);
    }
  }

  #folder({ seriesId, fields, table, minTimeNs, maxTimeNs }: ViewFold): ViewFolding | undefined {
    const named = this.#names.of(seriesId);
    const { measurement } = named;
    const request = { measurement, fields, table, minTimeNs, maxTimeNs };
    const isInFiles = this.#parts.files.length > 0;
    const blocks = isInFiles ? this.#blocksOf(named, request) : undefined;
    if (isInFiles && blocks === undefined) return undefined;
    if (blocks !== undefined && named.memtables.length === 0) return blocks;
    const memtables = named.memtables.filter(({ memtable: { bounds } }) => bounds !== undefined && isWithin(bounds, request)); // prettier-ignore
    const parts = { blocks, memtables };
    return areInOrder(parts, request) ? new PartsFolder(parts, request) : undefined;
  }

  /**
   * The same of many series at once, as far as they have few points each; answers how many of them were added, from the first on.
   * Those of the others are for fold().
   */
  foldMany(request: RunsFold): FoldedRuns {
    this.#runs ??= new RunsFolder({
      index: this.#index,
      files: this.#filesFrom(true).map(({ file }) => file),
      memtables: this.#parts.memtables,
    });
    const runs = this.#runs;
    return this.#guard(() => runs.fold(request));
  }

  #blocksOf(named: NamedSeries, request: Omit<ViewFold, 'seriesId'>): FoldedBlocks | undefined {
    const { fields, table, minTimeNs, maxTimeNs } = request;
    const keyOf = (column: number): Uint8Array => this.#names.keyOf(named, fields[column] ?? '');
    const columns = this.#names.orderOf(fields);
    return FoldedBlocks.of(this.#filesFrom(true), { table, minTimeNs, maxTimeNs, keyOf, columns });
  }

  openCursor(request: ViewRequest): ViewCursor {
    const cursor = this.#guard(() => this.#open(request));
    return { next: (arena) => this.#guard(() => cursor.next(arena)) };
  }

  #open(request: ViewRequest): RunCursor {
    const { seriesId, field } = request;
    const named = this.#names.of(seriesId);
    const { measurement, memtables } = named;
    const { files } = this.#parts;
    const key = files.length === 0 ? noKey : this.#names.keyOf(named, field);
    const found = files.flatMap((file) => FileBlocks.of(file, key, request) ?? []);
    const [only, ...others] = found;
    // Nothing else has times among its own.
    if (only !== undefined && others.length === 0 && memtables.length === 0)
      return new RunCursor([], request, only.pieces(request.ascending));
    const pieces: ColumnPiece[] = found.flatMap((blocks) => [...blocks.pieces(true)]);
    for (const { memtable, seriesId: id } of memtables)
      pieces.push(...memtable.pieces({ measurement, seriesId: id, field }, request));
    return new RunCursor(pieces, request);
  }

  /** The same of each step. */
  *#guarded<Step, Result>(steps: Generator<Step, Result>): Generator<Step, Result> {
    for (;;) {
      let step: IteratorResult<Step, Result>;
      try {
        step = steps.next();
      } catch (error) {
        throw this.#failure(error);
      }
      if (step.done === true) return step.value;
      yield step.value;
    }
  }

  /** Damage that a reader meets is the shard's: it goes to another owner, and who does not meet it goes on. */
  #guard<T>(read: () => T): T {
    try {
      return read();
    } catch (error) {
      throw this.#failure(error);
    }
  }

  #failure(error: unknown): unknown {
    return viewFailure(error, this.shardId);
  }
}

function nextOf(folder: ViewFolding, shardId: number): number | undefined {
  try {
    return folder.next();
  } catch (error) {
    throw viewFailure(error, shardId);
  }
}

/** Whether all points of a file are behind a time, in the direction of reading. */
function isBehind({ file }: RankedFile, timeNs: bigint, ascending: boolean): boolean {
  return isBeyond(boundOf(file, ascending), timeNs, ascending);
}
