import type { Column } from '../column.ts';
import { cellValue, ColumnBuilder, nullColumn } from '../exec/columns/column-builder.ts';
import { concatColumns, concatTimes } from '../exec/columns/concat-columns.ts';
import type { FeedColumn, SubqueryFilter, SubqueryRead } from '../plan/level-plan.ts';
import { runProgram } from '../plan/program.ts';
import type { Value } from '../value.ts';
import type { Subgroups } from './batch.ts';
import { compareGroupIds, type Batch, type GroupId, type GroupStream } from './batch.ts';
import { batchBytes, castColumn, convertColumn, pickBatch, withoutNaN } from './columns.ts';
import type { RunContext } from './run-context.ts';
import type { Flow, Steps } from './steps.ts';

/** A source of a level: its rows as they come, and how they become rows of the level. */
export interface LevelSource {
  readonly stream: GroupStream<Batch>;
  readonly shape: (batch: Batch) => Batch | undefined;
}

/**
 * The rows of a subquery as a source of the query around it: columns picked by name and converted, WHERE applied, and
 * tag sets cut down to those that the query around knows.
 */
export function subqueryShape(
  inner: Subgroups,
  target: Subgroups,
  options: {
    readonly columns: readonly FeedColumn[];
    readonly reads: readonly SubqueryRead[];
    readonly filter: SubqueryFilter | undefined;
    /** Rows that are shown as they are: what cannot be had in a column's type stays what it is, as in the reference. */
    readonly isShown: boolean;
    readonly outer: { readonly keys: readonly string[]; readonly values: () => readonly string[] };
    readonly context: RunContext;
  },
): (batch: Batch) => Batch | undefined {
  const { columns, reads, filter, isShown, outer, context } = options;
  const tagOf = tagReader(inner, outer);
  const idOf = subgroupMapper(inner, target);
  return (batch) => {
    const passed = filter === undefined ? batch : filtered(batch, filter, tagOf, context);
    if (passed === undefined) return undefined;
    const { timesNs, subgroups } = passed;
    return {
      timesNs,
      columns: reads.map((read, i) =>
        readColumn(passed, read, { type: columns[i]?.type ?? 'float', tagOf, isShown }),
      ),
      subgroups: target.keys.length === 0 ? undefined : subgroups?.map(idOf),
    };
  };
}

type TagReader = (name: string, subgroup: number) => string;

/** The value of a tag in a row: of the group or of the subgroup; '' where neither has it. */
function tagReader(
  inner: Subgroups,
  outer: { readonly keys: readonly string[]; readonly values: () => readonly string[] },
): TagReader {
  const innerAt = new Map(inner.keys.map((key, i) => [key, i]));
  const outerAt = new Map(outer.keys.map((key, i) => [key, i]));
  return (name, subgroup) => {
    const at = innerAt.get(name);
    if (at !== undefined) return inner.valuesOf(subgroup)[at] ?? '';
    const outerIndex = outerAt.get(name);
    return outerIndex === undefined ? '' : (outer.values()[outerIndex] ?? '');
  };
}

function subgroupMapper(inner: Subgroups, target: Subgroups): (id: number) => number {
  const places = new Map(inner.keys.map((key, i) => [key, i]));
  const positions = target.keys.map((key) => places.get(key) ?? -1);
  const known: number[] = [];
  return (id) => {
    const mapped = known[id];
    if (mapped !== undefined) return mapped;
    const values = inner.valuesOf(id);
    return (known[id] = target.idOf(positions.map((at) => values[at] ?? '')));
  };
}

function readColumn(
  { timesNs, columns, subgroups }: Batch,
  read: SubqueryRead,
  {
    type,
    tagOf,
    isShown = false,
  }: {
    readonly type: FeedColumn['type'];
    readonly tagOf: TagReader;
    readonly isShown?: boolean;
  },
): Column {
  const count = timesNs.length;
  if (read.kind === 'null') return nullColumn(type, count);
  if (read.kind === 'column') {
    const column = columns[read.index];
    if (column === undefined) return nullColumn(type, count);
    const own = read.hidesNaN === true ? withoutNaN(column) : column;
    return isShown ? castColumn(own, type) : convertColumn(own, type);
  }
  // A tag is a text, whatever another source has by its name.
  const isText = isShown || type === 'string';
  const builder = new ColumnBuilder(isText ? 'string' : type, count);
  for (let row = 0; row < count; row++)
    if (isText) builder.pushValue(tagOf(read.name, subgroups?.[row] ?? 0));
    else builder.pushNull();
  return builder.finish();
}

/** A float that is no number, as `sqrt(i)` may be, stays one where its name has the type of an integer: nothing but `!=` holds for it. */
function conditionCells(
  batch: Batch,
  read: SubqueryRead,
  options: { readonly type: FeedColumn['type']; readonly tagOf: TagReader },
): (row: number) => Value | null {
  const column = readColumn(batch, read, { ...options, isShown: true });
  const own = read.kind === 'column' ? batch.columns[read.index] : undefined;
  if (own === column || own?.type !== 'float') return (row) => cellValue(column, row);
  return (row) => {
    const value = cellValue(own, row);
    return Number.isNaN(value) ? value : cellValue(column, row);
  };
}

function filtered(
  batch: Batch,
  { reads, types, program }: SubqueryFilter,
  tagOf: TagReader,
  { matcher }: RunContext,
): Batch | undefined {
  const inputs = reads.map((read, i) => conditionCells(batch, read, { type: read.kind === 'tag' ? 'string' : (types[i] ?? 'float'), tagOf })); // prettier-ignore
  const rows: number[] = [];
  let row = 0;
  const read = (index: number) => inputs[index]?.(row) ?? null;
  for (; row < batch.timesNs.length; row++)
    if (runProgram(program, read, matcher) === true) rows.push(row);
  if (rows.length === 0) return undefined;
  return rows.length === batch.timesNs.length ? batch : pickBatch(batch, Int32Array.from(rows));
}

/**
 * Several sources as one: group by group, rows by time, those of one time by subgroup and then by the order of sources.
 * A group that only one source has passes as it comes; others are held whole while they are merged.
 */
export class SourcesStream implements GroupStream<Batch> {
  readonly subgroups: Subgroups;
  readonly #sources: readonly LevelSource[];
  readonly #columns: readonly FeedColumn[];
  readonly #ascending: boolean;
  readonly #context: RunContext;
  readonly #ahead: (GroupId | undefined)[];
  #group: GroupId | undefined;
  #isStarted = false;

  constructor(
    sources: readonly LevelSource[],
    place: {
      readonly subgroups: Subgroups;
      readonly columns: readonly FeedColumn[];
      readonly ascending: boolean;
    },
    context: RunContext,
  ) {
    this.#sources = sources;
    this.subgroups = place.subgroups;
    this.#columns = place.columns;
    this.#ascending = place.ascending;
    this.#context = context;
    this.#ahead = sources.map(() => undefined);
  }

  *next(): Steps<GroupId | undefined> {
    for (const [i, { stream }] of this.#sources.entries()) {
      const isRead = this.#group !== undefined && this.#has(i, this.#group);
      if (!this.#isStarted || isRead) this.#ahead[i] = yield* stream.next();
    }
    this.#isStarted = true;
    const sign = this.#ascending ? 1 : -1;
    this.#group = this.#ahead.reduce<GroupId | undefined>(
      (least, one) =>
        one !== undefined && (least === undefined || sign * compareGroupIds(one, least) < 0)
          ? one
          : least,
      undefined,
    );
    return this.#group;
  }

  #has(source: number, group: GroupId): boolean {
    const ahead = this.#ahead[source];
    return ahead !== undefined && compareGroupIds(ahead, group) === 0;
  }

  *rows(): Flow<Batch> {
    const group = this.#group;
    if (group === undefined) return;
    const sources = this.#sources.filter((_, i) => this.#has(i, group));
    const [only] = sources;
    if (only !== undefined && sources.length === 1) {
      for (const batch of only.stream.rows()) {
        const shaped = batch instanceof Promise ? batch : only.shape(batch);
        if (shaped !== undefined) yield shaped;
      }
      return;
    }
    const held: Batch[] = [];
    let heldBytes = 0;
    try {
      for (const { stream, shape } of sources)
        for (const batch of stream.rows()) {
          if (batch instanceof Promise) {
            yield batch;
            continue;
          }
          const shaped = shape(batch);
          if (shaped === undefined) continue;
          const bytes = batchBytes(shaped);
          this.#context.account.charge(bytes);
          heldBytes += bytes;
          held.push(shaped);
          const rest = this.#context.pacer.rest();
          if (rest !== undefined) yield rest;
        }
      yield this.#merged(held);
    } finally {
      // Also where a LIMIT around it has rows enough.
      this.#context.account.release(heldBytes);
    }
  }

  #merged(batches: readonly Batch[]): Batch {
    const all: Batch = {
      timesNs: concatTimes(batches.map(({ timesNs }) => timesNs)),
      columns: this.#columns.map(({ type }, i) =>
        concatColumns(
          type,
          batches.flatMap(({ columns }) => columns.slice(i, i + 1).map((one) => convertColumn(one, type))), // prettier-ignore
        ),
      ),
      subgroups:
        this.subgroups.keys.length === 0
          ? undefined
          : Int32Array.from(batches.flatMap(({ subgroups, timesNs }) => [...(subgroups ?? new Int32Array(timesNs.length))])), // prettier-ignore
    };
    const { timesNs, subgroups } = all;
    const sign = this.#ascending ? 1 : -1;
    const rows = Int32Array.from(timesNs, (_, row) => row).sort((a, b) => {
      const left = timesNs[a] ?? 0n;
      const right = timesNs[b] ?? 0n;
      if (left !== right) return left < right ? -sign : sign;
      const bySubgroup = this.subgroups.compare(subgroups?.[a] ?? 0, subgroups?.[b] ?? 0);
      return bySubgroup === 0 ? a - b : sign * bySubgroup;
    });
    return pickBatch(all, rows);
  }

  async close(): Promise<void> {
    await Promise.all(this.#sources.map(({ stream }) => stream.close()));
  }
}
