import type { WindowTable } from '../kernels/window-table.ts';

/**
 * What a query needs of one shard. `query` does not know the storage engine (floors): data/engine hands it a scan that
 * fits this shape. All calls are synchronous and read a pinned, unchanging state of the shard.
 */
export interface ShardSource {
  readonly shardId: number;
  measurements(): readonly string[];
  /** Fields with their one type in this shard, sorted by name; empty when the measurement is not here. */
  fields(measurement: string): readonly SourceField[];
  /** The type of one of them, for whoever asks for a few. */
  fieldType?(measurement: string, field: string): SourceFieldType | undefined;
  tagKeys(measurement: string): readonly string[];
  /** Ids of the measurement's series, in order of their canonical keys. Each step is short: a place to rest at. */
  seriesIds(measurement: string): SeriesSteps;
  /** What a tag has for values, in lists of about a thousand at most. A value may be in several of them, and they in any order. */
  tagValueLists(measurement: string, tagKey: string): Iterable<readonly string[]>;
  /** Those of them that have one of `values`, none of them '', of a tag. */
  seriesIdsWith(measurement: string, tagKey: string, values: Iterable<string>): SeriesSteps;
  series(seriesId: number): SourceSeries;
  /** The canonical key alone. */
  seriesKey(seriesId: number): string;
  /** Inclusive bounds of all points' times, wider at most; undefined when there are none. */
  timeBounds(): { readonly minTimeNs: bigint; readonly maxTimeNs: bigint } | undefined;
  openCursor(request: CursorRequest): ColumnCursor;
  /**
   * Adds all points of some fields of a series within the bounds to the table, where they lie in order already; undefined when
   * nothing was added: then cursors have to be read.
   */
  fold?(request: FoldRequest): ColumnFold | undefined;
  /**
   * The same of many series at once, for series of few points: answers how many of them were added, from the first on, and how many
   * points. The next one is to be read alone.
   */
  foldMany?(request: ManyFoldRequest): ManyFolded;
  /**
   * No row of some fields within the bounds comes before it, in the direction of time; undefined when there are none. The index of files
   * and memtables tell: no block is read.
   */
  firstNs?(request: EndRowRequest): bigint | undefined;
  /** What a cursor would read. */
  cost(request: Omit<CursorRequest, 'ascending' | 'rowsFirst'>): ColumnCost;
  /** The first point that a cursor would give, without what a cursor costs; the arena is for what has to be decoded. */
  end(request: CursorRequest, arena: SourceArena): EndPoint | undefined;
  /**
   * The first row that cursors of some fields would give together, with what it has of them; undefined when that is not found at
   * once: the ends of the fields tell.
   */
  endRow?(request: EndRowRequest, arena: SourceArena): EndRowValues | undefined;
}

export function fieldTypeOf(
  source: Pick<ShardSource, 'fields' | 'fieldType'>,
  measurement: string,
  field: string,
): SourceFieldType | undefined {
  if (source.fieldType !== undefined) return source.fieldType(measurement, field);
  return source.fields(measurement).find(({ name }) => name === field)?.type;
}

export interface EndRowRequest extends Omit<CursorRequest, 'field' | 'rowsFirst'> {
  readonly fields: readonly string[];
}

export interface EndRowValues {
  readonly timeNs: bigint;
  /** By place of the field; undefined where the row has none. */
  readonly values: readonly (EndPoint['value'] | undefined)[];
}

export interface EndPoint {
  readonly timeNs: bigint;
  /** Of the field's type; a text as its bytes. */
  readonly value: number | bigint | boolean | Uint8Array;
}

/** A list that is not to be changed. */
export type SeriesIds = readonly number[] | Uint32Array;

export type SeriesSteps = Generator<undefined, SeriesIds>;

export type SourceFieldType = 'float' | 'integer' | 'unsigned' | 'boolean' | 'string';

export interface SourceField {
  readonly name: string;
  readonly type: SourceFieldType;
}

export interface SourceSeries {
  /** Canonical key: escaped measurement and sorted tags. */
  readonly key: string;
  readonly tags: ReadonlyMap<string, string>;
  /** One of them, without all of them taken apart. */
  tag(name: string): string | undefined;
}

export interface CursorRequest {
  readonly seriesId: number;
  readonly field: string;
  /** Inclusive bounds, int64 nanoseconds. */
  readonly minTimeNs: bigint;
  readonly maxTimeNs: bigint;
  readonly ascending: boolean;
  /** So many rows may be all that is read: the first batch has no more, later ones more and more. */
  readonly rowsFirst?: number | undefined;
}

/** Inclusive bounds; `fields[i]` goes to column i of the table, whose type it has. */
export interface FoldRequest extends Pick<CursorRequest, 'seriesId' | 'minTimeNs' | 'maxTimeNs'> {
  readonly fields: readonly string[];
  readonly table: WindowTable;
}

/** Series in the order that sums run in; columns are those of each series' first field, those of the others follow. */
export interface ManyFoldRequest extends Omit<FoldRequest, 'seriesId'> {
  /** Those that series are of. */
  readonly measurements: readonly string[];
  readonly seriesIds: Uint32Array;
  readonly columns: Uint32Array;
}

export interface ManyFolded {
  readonly seriesCount: number;
  readonly pointCount: number;
}

/** What is added a part at a time, each of some hundred microseconds: others may run between two. */
export interface ColumnFold {
  /** How many points were added now; undefined once all are. */
  next(): number | undefined;
}

/** Of one series and field, and of the blocks of it that may have points within the bounds. */
export interface ColumnCost {
  /** In memory, whatever their times. */
  readonly cachedValues: number;
  readonly fileCount: number;
  readonly blockCount: number;
  readonly blockBytes: number;
}

/** Points of one series and field in time order, each time once; a caller that stops early has read no more than it took. */
export interface ColumnCursor {
  /** The next points, decoded into `arena`; undefined at the end. What it returned before may be overwritten. */
  next(arena: SourceArena): ColumnBatch | undefined;
}

/**
 * Times are int64 at `timesPtr`; values 8 bytes each at `valuesPtr` (float64, int64, uint64), booleans one byte each,
 * strings as pairs of uint32 (offset in the arena's memory, length).
 */
export interface ColumnBatch {
  readonly type: SourceFieldType;
  readonly count: number;
  readonly timesPtr: number;
  readonly valuesPtr: number;
}

/** The part of a kernel arena that a reader of columns needs. */
export interface SourceArena {
  readonly memory: WebAssembly.Memory;
  allocate(lengthBytes: number): number;
  mark(): number;
  release(mark: number): void;
}
