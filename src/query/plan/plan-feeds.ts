import { compareUtf8 } from '../../base/compare-utf8.ts';
import type { Expr } from '../../influxql/ast.ts';
import { callParts } from '../assemble/calls.ts';
import { fragmentVersion, type Fragment, type RowsColumn, type RowsTask, type SummaryPart, type WindowRank, type WindowsTask } from '../fragment.ts'; // prettier-ignore
import type { TimeRange } from '../compile/split-condition.ts';
import type { SourceFieldType } from '../source.ts';
import { fieldName } from './column-names.ts';
import type { Steps } from './expand-names.ts';
import { columnTypeOf } from './data-type.ts';
import type {
  FeedColumn,
  FeedPlan,
  Grid,
  LevelPlan,
  RowsSource,
  ScanPart,
  ScanPlan,
  SubqueryFilter,
  SubqueryRead,
} from './level-plan.ts';
import { insideNames, partingTags } from './name-types.ts';
import type { FoldedChain, PlannedChain } from './plan-calls.ts';
import { compileProgram } from './program.ts';
import { predicateOf, type FoundMeasurement, type ResolvedSelect } from './resolve-select.ts';
import { visitExpr } from './walk-expr.ts';

type Ref = Extract<Expr, { kind: 'ref' }>;

/** A name that is read, with the type in which it comes. */
export type FeedRef = Ref & {
  /** What it was asked for as, where that is not what it comes in. */
  readonly askedType?: Ref['type'];
  /** Of a subquery's floats those that are no numbers are null in a cast to integers. */
  readonly hidesNaN?: boolean;
};

export interface LevelPlace {
  readonly grid: Grid;
  readonly outerTags: readonly string[];
  readonly tags: readonly string[];
  readonly nowNs: bigint;
  readonly seriesLimit: number;
  readonly seriesOffset: number;
  readonly bounds: TimeRange;
  /** Whoever reads this level's subqueries asks for no order of time. */
  readonly readsUnordered?: boolean;
}

/** What a level takes over from the query around it. */
export interface AroundLevel {
  readonly nowNs: bigint;
  /** The tags of the outermost query, sorted; undefined for that query itself. */
  readonly outerTags: readonly string[] | undefined;
  /** All tags of the levels around. */
  readonly tags: readonly string[];
  /** What the level around reads; undefined for the outermost. */
  readonly grid: Grid | undefined;
  readonly seriesLimit: number;
  readonly seriesOffset: number;
  /** What the outermost query reads of the shards: subqueries read nothing beyond it, though their windows may be there. */
  readonly bounds: TimeRange;
  /** Points of a window need not stand by time: the reference does not sort them for calls that take any order. */
  readonly isUnordered?: boolean | undefined;
  /** Who reads the shards of its sources reads all of them together. */
  readonly isWhole?: boolean | undefined;
}

export type PlanSubquery = (select: ResolvedSelect, around: AroundLevel) => Steps<LevelPlan>;

interface RowsDraft {
  readonly kind: 'rows';
  readonly grid: Grid;
  /** Of a call that LIMIT and OFFSET reach into: its argument, without which a row does not count. */
  readonly counted: FeedRef | undefined;
  readonly refs: FeedRef[];
  readonly indexes: Map<string, number>;
}

interface WindowsDraft {
  readonly kind: 'windows';
  readonly grid: Grid;
  readonly fields: { readonly name: string; readonly type: SourceFieldType; readonly parts: Set<SummaryPart>; readonly rank: WindowRank | undefined }[]; // prettier-ignore
  readonly indexes: Map<string, number>;
  /** Each call that reads them has a row for each of its windows. */
  isRowByWindow: boolean;
}

/**
 * Gathers what the calls of a level read into as few feeds as can be: one of rows and one of windows for each range of
 * time, as a transformation reads one window more than the calls beside it.
 */
export class FeedPlanner {
  readonly #select: ResolvedSelect;
  readonly #place: LevelPlace;
  readonly #planSubquery: PlanSubquery;
  readonly #drafts: (RowsDraft | WindowsDraft)[] = [];

  constructor(select: ResolvedSelect, place: LevelPlace, planSubquery: PlanSubquery) {
    this.#select = select;
    this.#place = place;
    this.#planSubquery = planSubquery;
  }

  /** Windows can be folded at shards only. */
  get canFold(): boolean {
    return this.#select.sources.every(({ kind }) => kind === 'measurements');
  }

  /** Windows that nothing is merged to: of one measurement, without subgroups. */
  get isOneGroup(): boolean {
    const [source, ...others] = this.#select.sources;
    const isAlone = source?.kind === 'measurements' && others.length === 0;
    const { outerTags, tags } = this.#place;
    return isAlone && source.found.length === 1 && outerTags.length === tags.length;
  }

  /** The feed with the columns of `refs`, and where they stand in it; a feed of its own for what counts the rows of one of them. */
  rowsFor(
    grid: Grid,
    refs: readonly FeedRef[],
    counted?: FeedRef,
  ): { readonly feed: number; readonly columns: readonly number[] } {
    const [feed, draft] = this.#draft('rows', grid, counted) as [number, RowsDraft];
    const columns = refs.map((ref) => {
      const key = keyOf(ref);
      const known = draft.indexes.get(key);
      if (known !== undefined) return known;
      draft.indexes.set(key, draft.refs.length);
      return draft.refs.push(ref) - 1;
    });
    return { feed, columns };
  }

  /** The feed of windows of a field, and the field's place in it. */
  windowsFor(
    { grid, argument: ref, stages }: Pick<PlannedChain, 'grid' | 'argument' | 'stages'>,
    { call, rank }: FoldedChain,
  ): { readonly feed: number; readonly field: number } {
    const [feed, draft] = this.#draft('windows', grid) as [number, WindowsDraft];
    if (stages.some(({ kind }) => kind !== 'fill')) draft.isRowByWindow = false;
    const own = rank?.kind === 'percentile' ? rank.percent : '';
    const key = rank === undefined ? keyOf(ref) : `${rank.kind} ${own} ${keyOf(ref)}`;
    let field = draft.indexes.get(key);
    if (field === undefined) {
      field = draft.fields.length;
      draft.indexes.set(key, field);
      draft.fields.push({ name: ref.name, type: columnTypeOf(ref.type), parts: new Set(), rank });
    }
    for (const part of callParts(call)) draft.fields[field]?.parts.add(part);
    return { feed, field };
  }

  *finish(): Steps<readonly FeedPlan[]> {
    const feeds: FeedPlan[] = [];
    for (const draft of this.#drafts)
      if (draft.kind === 'windows')
        feeds.push({ kind: 'windows', scan: yield* this.#windowsScan(draft) });
      else {
        const columns = draft.refs.map(({ name, type }): FeedColumn => ({ name, type: columnTypeOf(type) })); // prettier-ignore
        feeds.push({ kind: 'rows', columns, sources: yield* this.#rowsSources(draft) });
      }
    return feeds;
  }

  #draft(
    kind: 'rows' | 'windows',
    grid: Grid,
    counted?: FeedRef,
  ): [number, RowsDraft | WindowsDraft] {
    const at = this.#drafts.findIndex(
      (draft) =>
        draft.kind === kind &&
        draft.grid.startNs === grid.startNs &&
        draft.grid.endNs === grid.endNs &&
        (draft.kind === 'windows' || isSameRef(draft.counted, counted)),
    );
    if (at >= 0) return [at, this.#drafts[at] as RowsDraft | WindowsDraft];
    const draft: RowsDraft | WindowsDraft =
      kind === 'rows'
        ? { kind, grid, counted, refs: [], indexes: new Map() }
        : { kind, grid, fields: [], indexes: new Map(), isRowByWindow: true };
    return [this.#drafts.push(draft) - 1, draft];
  }

  *#windowsScan({ grid, fields, isRowByWindow }: WindowsDraft): Steps<ScanPlan> {
    const task: WindowsTask = {
      kind: 'windows',
      fields: fields.map(({ name, type, parts, rank }) => ({ name, type, parts: [...parts], ...(rank && { rank }) })), // prettier-ignore
      intervalNs: grid.intervalNs,
      offsetNs: grid.offsetNs,
      ...(isRowByWindow && grid.intervalNs > 0n && { windowsMax: this.#rowsLimit() }),
    };
    const { outerTags, tags } = this.#place;
    const groupBy = [...outerTags, ...innerTags(outerTags, tags)];
    return yield* this.#scan(this.#measurements(), (found) => ({
      ...this.#fragment(found, grid),
      groupBy,
      task,
    }));
  }

  *#rowsSources(draft: RowsDraft): Steps<readonly RowsSource[]> {
    const { outerTags, tags } = this.#place;
    const columns = [
      ...draft.refs.map(rowsColumn),
      ...innerTags(outerTags, tags).map((name): RowsColumn => ({ kind: 'tag', name })),
    ];
    const sources: RowsSource[] = [];
    const found = this.#measurements();
    const isRead = columns.some(({ kind }) => kind === 'field');
    if (found.length > 0 && isRead)
      sources.push({
        kind: 'scan',
        scan: yield* this.#scan(found, (one) => ({
          ...this.#fragment(one, draft.grid),
          groupBy: outerTags,
          task: {
            kind: 'rows',
            columns,
            rowsMax: this.#rowsMax(),
            ...this.#firstRows(draft),
          },
        })),
      });
    for (const source of this.#select.sources)
      if (source.kind === 'subquery') sources.push(yield* this.#subquery(source.select, draft));
    return sources;
  }

  /** LIMIT of a list without calls is known at the shards. */
  #rowsMax(): number {
    return this.#select.compiled.isRaw ? (this.#rowsLimit() ?? 0) : 0;
  }

  /** So many rows of a group are all that LIMIT leaves; undefined where there is none, or subgroups are counted apart. */
  #rowsLimit(): number | undefined {
    const { limit, offset } = this.#select.compiled.statement;
    const { outerTags, tags } = this.#place;
    return limit > 0 && outerTags.length === tags.length ? countable(limit + offset) : undefined;
  }

  /**
   * The reference reads no more than LIMIT, OFFSET and one row more of each shard, where a list has no calls and of each
   * top() and bottom() without tags: with an OFFSET alone little is left, and those choose among the first rows that have
   * what they ask for (trap 57). Where the query has tags that the outermost one has not, it is so many of each series.
   */
  #firstRows({
    refs,
    counted,
  }: RowsDraft): Pick<RowsTask, 'shardRowsMax' | 'seriesRowsMax' | 'neededColumn'> {
    const { compiled } = this.#select;
    const { limit, offset } = compiled.statement;
    const { outerTags, tags } = this.#place;
    if (limit + offset === 0 || (!compiled.isRaw && counted === undefined)) return {};
    const rowsMax = countable(limit + offset + 1);
    return {
      ...(outerTags.length === tags.length ? { shardRowsMax: rowsMax } : { seriesRowsMax: rowsMax }), // prettier-ignore
      ...(counted !== undefined && { neededColumn: refs.findIndex((ref) => isSameRef(ref, counted)) }), // prettier-ignore
    };
  }

  #measurements(): readonly FoundMeasurement[] {
    return this.#select.sources.flatMap((source) =>
      source.kind === 'measurements' ? source.found : [],
    );
  }

  /** A measurement that two sources name is read twice, as in the reference. */
  *#scan(
    found: readonly FoundMeasurement[],
    fragmentOf: (found: FoundMeasurement) => Fragment,
  ): Steps<ScanPlan> {
    const byName = new Map<string, ScanPart[]>();
    for (const one of found) {
      yield;
      const parts = byName.get(one.schema.name) ?? [];
      byName.set(one.schema.name, parts);
      parts.push({ found: one, fragment: fragmentOf(one) });
    }
    const names = [...byName].map(([name, parts]) => {
      return { name, parts: parts.length === 1 ? parts : parts.map(withSeries) };
    });
    const sign = this.#select.compiled.ascending ? 1 : -1;
    names.sort((a, b) => sign * compareUtf8(a.name, b.name));
    const { seriesLimit, seriesOffset } = this.#place;
    return { names, seriesLimit, seriesOffset };
  }

  #fragment(found: FoundMeasurement, { startNs, endNs }: Grid): Omit<Fragment, 'task' | 'groupBy'> {
    // prettier-ignore
    const { compiled, condition } = this.#select;
    const { minNs = startNs, maxNs = endNs } = this.#place.bounds;
    return {
      version: fragmentVersion,
      measurement: found.schema.name,
      shardIds: [],
      minTimeNs: startNs < minNs ? minNs : startNs,
      maxTimeNs: endNs > maxNs ? maxNs : endNs,
      ascending: compiled.ascending,
      predicate: predicateOf(found, condition),
    };
  }

  *#subquery(select: ResolvedSelect, draft: RowsDraft): Steps<RowsSource> {
    const { outerTags, tags, nowNs, seriesLimit, seriesOffset, bounds, readsUnordered } = this.#place; // prettier-ignore
    // What top() and bottom() part their points by is a tag of the rows that they read, shown or not.
    const parting = new Set(this.#select.fields.flatMap(({ expr }) => partingTags(expr).map(({ name }) => name))); // prettier-ignore
    const level = yield* this.#planSubquery(select, {
      nowNs,
      outerTags,
      tags: parting.size === 0 ? tags : [...new Set([...tags, ...parting])],
      grid: draft.grid,
      seriesLimit,
      seriesOffset,
      bounds,
      isUnordered: readsUnordered,
    });
    const readOf = subqueryReader(select);
    const shown = new Set(select.fields.filter(({ expr }) => expr.kind === 'ref' && expr.type === 'tag').map(fieldName)); // prettier-ignore
    return {
      kind: 'subquery',
      level,
      reads: draft.refs.map(({ name, type, hidesNaN = false }) => {
        if (type === 'tag' && parting.has(name) && !shown.has(name)) return { kind: 'tag', name };
        const read = readOf(name);
        return read.kind === 'column' ? { ...read, hidesNaN } : read;
      }),
      filter: subqueryFilter(this.#select.condition, level),
    };
  }
}

/** Of several policies there may be rows of the same times. */
function withSeries(part: ScanPart): ScanPart {
  const { fragment } = part;
  return { ...part, fragment: { ...fragment, task: showingSeries(fragment.task) } };
}

/** The same task, whose rows say which series they are of. */
export function showingSeries<Task extends Fragment['task']>(task: Task): Task {
  return task.kind === 'rows' ? { ...task, showsSeries: true } : task;
}

/** Whether LIMIT and OFFSET reach into a call of the list, to the rows that it reads. */
export function countsRows(
  { name, args }: Extract<Expr, { kind: 'call' }>,
  { compiled }: ResolvedSelect,
): boolean {
  const { limit, offset } = compiled.statement;
  return limit + offset > 0 && (name === 'top' || name === 'bottom') && args.length === 2;
}

function isSameRef(one: FeedRef | undefined, other: FeedRef | undefined): boolean {
  if (one === undefined || other === undefined) return one === other;
  return keyOf(one) === keyOf(other);
}

/** Shards are told of rows by numbers that are exact: who asks for more than there can be has the greatest of them. */
function countable(rows: number): number {
  return Math.min(rows, Number.MAX_SAFE_INTEGER);
}

function keyOf({ name, type, askedType = type, hidesNaN = false }: FeedRef): string {
  return `${askedType ?? ''} ${hidesNaN} ${name}`;
}

/** The tags of a level that are not the outermost query's. */
export function innerTags(
  outerTags: readonly string[],
  tags: readonly string[],
): readonly string[] {
  const outer = new Set(outerTags);
  return tags.filter((tag) => !outer.has(tag));
}

/** Of a name that is no field anywhere a tag may still have a value. */
function rowsColumn({ name, type }: Ref): RowsColumn {
  const isTag = type === undefined || type === 'tag' || type === 'field';
  return isTag ? { kind: 'tag', name } : { kind: 'field', name, type: columnTypeOf(type) };
}

/** How a name outside finds its column: by the names of the list, those inside of top() and bottom(), or the tags. */
export function subqueryReader({
  fields,
  groupBy,
}: ResolvedSelect): (name: string) => SubqueryRead {
  const reads = new Map<string, SubqueryRead>();
  let index = 0;
  for (const field of fields) {
    const inside = insideNames(field.expr);
    const names = [fieldName(field), ...inside.map(({ name }) => name)];
    for (const name of names) {
      if (!reads.has(name)) reads.set(name, { kind: 'column', index });
      index++;
    }
  }
  for (const name of groupBy) if (!reads.has(name)) reads.set(name, { kind: 'tag', name });
  return (name) => reads.get(name) ?? { kind: 'null' };
}

function subqueryFilter(condition: Expr | undefined, level: LevelPlan): SubqueryFilter | undefined {
  if (condition === undefined) return undefined;
  const names = new Map<string, Ref>();
  visitExpr(condition, (part) => {
    if (part.kind === 'ref' && !names.has(part.name)) names.set(part.name, part);
  });
  const refs = [...names.values()];
  const order = new Map(refs.map(({ name }, index) => [name, index]));
  const columns = new Map<string, number>();
  level.columns.forEach(({ name }, index) => {
    if (!columns.has(name)) columns.set(name, index);
  });
  const reads = refs.map(({ name }): SubqueryRead => {
    const column = columns.get(name);
    return column === undefined ? { kind: 'tag', name } : { kind: 'column', index: column };
  });
  const types = refs.map(({ type }) => columnTypeOf(type));
  const program = compileProgram(
    condition,
    (expr) => {
      if (expr.kind !== 'ref') return undefined;
      const index = order.get(expr.name) ?? 0;
      return { index, type: types[index] };
    },
    { isFloatDivision: false, isMissingFalse: true },
  );
  return { reads, types, program };
}
