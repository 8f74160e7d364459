/** Points of series added to tables of windows: of many series at once where they have few each, else of one after the other. */
import { must } from '../../base/assert.ts';
import type { WindowTable } from '../../kernels/window-table.ts';
import type { ColumnCursor, ColumnFold, CursorRequest, ShardSource } from '../source.ts';
import type { FragmentContext } from './context.ts';
import type { MemberSeries } from './groups.ts';

/** A batch takes the kernel some microseconds, and so do the fields of a series. */
const batchesPerPause = 64;
const seriesPerPause = 16;
/** Series that are tried together at the most: a shard takes a millisecond for them. */
export const runSeriesMax = 256;
const runSeriesLeast = 8;
/** Of fewer the first is over before they are all found. */
const runSeriesMin = 4;
/** So few are read one after the other: what adds them together takes more memory than a small question's kernel has. */
export const fewSeriesMax = 16;
/** Behind series that could not be added together so many more are not tried at the most. */
const aloneMax = 64;

/** How many series are tried together, and how many behind them are read alone: what ended a run mostly ends the next one. */
export class RunPace {
  #size = runSeriesMax;
  #alone = 1;

  /** To be tried next. */
  get size(): number {
    return this.#size;
  }

  /** Of `asked` series the first `folded` were added: how many of the next ones are read alone. */
  aloneBehind(folded: number, asked: number): number {
    if (folded > 0) this.#alone = 1;
    if (folded === asked && folded > 0) {
      this.#size = Math.min(this.#size * 2, runSeriesMax);
      return 0;
    }
    this.#size = Math.max(runSeriesLeast, Math.min(folded * 2, runSeriesMax));
    const alone = this.#alone;
    this.#alone = Math.min(alone * 2, aloneMax);
    return alone;
  }
}

export interface MembersFold {
  /** Those that members are of. */
  readonly measurements: readonly string[];
  readonly minTimeNs: bigint;
  readonly maxTimeNs: bigint;
  /** By column of the table. */
  readonly names: readonly string[];
  readonly table: WindowTable;
}

/** Adds the points of all members in their order. */
export function* foldMembers(
  members: readonly MemberSeries[],
  to: MembersFold,
  context: FragmentContext,
): Generator<undefined, void> {
  const pace = members.length <= fewSeriesMax ? undefined : new RunPace();
  for (let at = 0; at < members.length;) {
    context.check();
    let end = members.length;
    if (pace !== undefined) {
      const ids = runFrom(members, at, pace.size);
      const { source } = must(members[at], 'a member is there');
      const folded = foldRun(source, ids, { ...to, columns: new Uint32Array(ids.length) }, context);
      at += folded;
      if (folded > 0) yield undefined;
      end = Math.min(at + pace.aloneBehind(folded, ids.length), members.length);
    }
    for (; at < end; at++) {
      const rest = foldOne(must(members[at], 'a member is there'), to, context);
      if (rest !== undefined) yield* rest;
      if (at % seriesPerPause === seriesPerPause - 1) yield undefined;
    }
  }
}

/** Ids of as many members from `at` on as are of one shard, unless they are too few. */
function runFrom(members: readonly MemberSeries[], at: number, size: number): Uint32Array {
  const source = members[at]?.source;
  if (source?.foldMany === undefined) return new Uint32Array();
  const ids = new Uint32Array(Math.min(size, members.length - at));
  let count = 0;
  for (; count < ids.length; count++) {
    const member = members[at + count];
    if (member?.source !== source) break;
    ids[count] = member.seriesId;
  }
  return ids.subarray(0, count < runSeriesMin ? 0 : count);
}

/** How many of the series were added, from the first on. */
export function foldRun(
  source: ShardSource,
  seriesIds: Uint32Array,
  { names, ...to }: MembersFold & { readonly columns: Uint32Array },
  context: FragmentContext,
): number {
  if (source.foldMany === undefined || seriesIds.length === 0) return 0;
  const { seriesCount, pointCount } = source.foldMany({ ...to, seriesIds, fields: names });
  context.countPoints(pointCount);
  return seriesCount;
}

/** What is left to be added, as of most series one part is all. */
function foldOne(
  { source, seriesId }: MemberSeries,
  { names, table, minTimeNs, maxTimeNs }: MembersFold,
  context: FragmentContext,
): Generator<undefined, void> | undefined {
  context.check();
  const fold = source.fold?.({ seriesId, minTimeNs, maxTimeNs, fields: names, table });
  if (fold === undefined) {
    const bounds = { seriesId, minTimeNs, maxTimeNs, ascending: true };
    return foldFields(source, names, { table, bounds }, context);
  }
  const first = fold.next();
  if (first === undefined) return undefined;
  context.countPoints(first);
  const second = fold.next();
  return second === undefined ? undefined : foldParts(fold, second, context);
}

function* foldParts(
  fold: ColumnFold,
  added: number,
  context: FragmentContext,
): Generator<undefined, void> {
  for (let count: number | undefined = added; count !== undefined; count = fold.next()) {
    context.countPoints(count);
    yield undefined;
    context.check();
  }
}

function* foldFields(
  source: ShardSource,
  names: readonly string[],
  { table, bounds }: { readonly table: WindowTable; readonly bounds: Omit<CursorRequest, 'field'> },
  context: FragmentContext,
): Generator<undefined, void> {
  for (const [column, field] of names.entries())
    yield* foldField(source.openCursor({ ...bounds, field }), { table, column }, context);
} // prettier-ignore

/** Batch by batch, through the arena. */
function* foldField(
  cursor: ColumnCursor,
  { table, column }: { readonly table: WindowTable; readonly column: number },
  context: FragmentContext,
): Generator<undefined, void> {
  const { arena } = context;
  const mark = arena.mark();
  let folded = 0;
  for (let batch = cursor.next(arena); batch !== undefined; batch = cursor.next(arena)) {
    context.check();
    context.countPoints(batch.count);
    table.fold(column, batch);
    arena.release(mark);
    if (++folded % batchesPerPause === 0) yield undefined;
  }
}
