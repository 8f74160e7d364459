import { must } from '../../base/assert.ts';
import type { NumberType } from '../../kernels/window-table.ts';
import type { Fragment, WindowRank, WindowsBlock, WindowsField, WindowsTask } from '../fragment.ts';
import type { ShardSource, SourceFieldType } from '../source.ts';
import type { FragmentContext } from './context.ts';
import { isConvertible } from './columns/column-builder.ts';
import { concatColumns } from './columns/concat-columns.ts';
import { fewSeriesMax, foldMembers } from './fold-members.ts';
import { GroupRuns } from './group-runs.ts';
import { GroupTables, tabledParts, type TabledField } from './group-tables.ts';
import { groupSeries, type Group, type MemberSeries } from './groups.ts';
import { NearestWindows, summarizeNearest, type WindowsSpan } from './nearest-windows.ts';
import { selectRows } from './series/select-rows.ts';
import { SeriesRows } from './series/series-rows.ts';
import { pickedEnd, pickEnd } from './pick-end.ts';
import { rankField } from './ranked-windows.ts';
import { spansOf } from './shard-spans.ts';
import { WindowAccumulator } from './window-accumulator.ts';
import { summaryOf, windowGrid, type Grid } from './window-grid.ts';

/**
 * Runs a windows task over the shards at hand: one block a group, in the order of groups, undefined for a pause. Summaries are made in
 * ascending time whatever the query's direction, which only the coordinator's output follows.
 */
export function* runWindows(
  fragment: Fragment,
  task: WindowsTask,
  sources: readonly ShardSource[],
  context: FragmentContext,
): Generator<WindowsBlock | undefined> {
  const plan = windowsPlan(fragment, task, sources);
  if (plan === undefined) return;
  const { tables } = plan;
  const isCut = task.windowsMax !== undefined && task.intervalNs > 0n;
  const nearest = isCut ? new NearestWindows(fragment, task, sources) : undefined;
  const ofSpan = (span: WindowsSpan, group: Group) =>
    summarizeGroup({ ...plan, ...span }, group, context);
  const groups = yield* groupSeries(fragment, sources, context);
  context.groupsFound(groups);
  const areMany = groups.length > fewSeriesMax && nearest === undefined;
  const mayShare = areMany && fragment.groupBy.length > 0 && isUniform(plan);
  const runs = mayShare ? groupRuns(plan, sources, context) : undefined;
  for (let at = 0; at < groups.length;) {
    context.check();
    const count = runs?.countFrom(groups, at) ?? 0;
    const some = groups.slice(at, at + Math.max(1, count));
    const known =
      runs === undefined || count < 2
        ? []
        : yield* runs.summarize(some, [fragment.measurement], context);
    for (const [i, group] of some.entries()) {
      const alone = nearest === undefined ? summarizeGroup(plan, group, context) : summarizeNearest(nearest, task, group, ofSpan); // prettier-ignore
      const block = known[i] ?? (yield* alone);
      if (block.fields.some((summary) => summary.startsNs.length > 0)) yield block;
    }
    at += some.length;
  }
  if (context.kernel !== undefined) tables.release(context.kernel);
  runs?.release();
}

/** Of the fields that are folded together. */
const tableWindowsMax = 1 << 16;

/** Undefined where no shard has a point in the range. */
export function windowsPlan(
  fragment: Fragment,
  task: WindowsTask,
  sources: readonly ShardSource[],
): Plan | undefined {
  const grid = windowGrid(fragment, task, sources);
  if (grid === 'empty') return undefined;
  const [first, last] = [spansOf(sources, true), spansOf(sources, false)];
  const spans = (end: 'first' | 'last') => (end === 'first' ? first : last);
  const types = typesOf(fragment.measurement, sources);
  return { fragment, task, grid, types, spans, tables: new GroupTables() };
}

/** The same of another measurement. */
export function planOfMeasurement(
  plan: Plan,
  fragment: Fragment,
  sources: readonly ShardSource[],
): Plan {
  return { ...plan, fragment, types: typesOf(fragment.measurement, sources) };
}

function typesOf(measurement: string, sources: readonly ShardSource[]): Plan['types'] {
  return new Map(
    sources.map((source) => [
      source,
      new Map(source.fields(measurement).map((field) => [field.name, field.type])),
    ]),
  );
}

/** Whether all shards have the fields of the task in the type that it is read in. */
export function isUniform({ types, task }: Plan): boolean {
  return task.fields.every(({ name, type }) => [...types.values()].every((of) => (of.get(name) ?? type) === type)); // prettier-ignore
}

/**
 * For groups that are read together, of shards that are uniform: all fields of the task are folded into tables. Points are not counted
 * twice where they are limited.
 */
export function groupRuns(
  { fragment, task, grid }: Plan,
  sources: readonly ShardSource[],
  { kernel }: FragmentContext,
): GroupRuns | undefined {
  if (kernel === undefined || grid === undefined || (fragment.pointsMax ?? 0) > 0) return undefined;
  const columns = task.fields.flatMap((field) => {
    const type = numberType(field);
    const isTabled = type !== undefined && field.rank === undefined && pickedEnd(task, field) === undefined; // prettier-ignore
    return isTabled ? [{ type, parts: tabledParts(field) }] : [];
  });
  if (columns.length === 0 || columns.length < task.fields.length) return undefined;
  const names = task.fields.map(({ name }) => name);
  return GroupRuns.of({ fragment, grid, columns, names, sources }, kernel);
}

type Summary = WindowsBlock['fields'][number];

export interface Plan {
  readonly fragment: Fragment;
  readonly task: WindowsTask;
  /** Undefined when windows are too many for a table. */
  readonly grid: Grid | undefined;
  /** Types of the measurement's fields in each shard. */
  readonly types: ReadonlyMap<ShardSource, ReadonlyMap<string, SourceFieldType>>;
  /** Shards whose times overlap, from one end on. */
  readonly spans: (end: 'first' | 'last') => readonly (readonly ShardSource[])[];
  readonly tables: GroupTables;
}

export function* summarizeGroup(
  plan: Plan,
  group: Group,
  context: FragmentContext,
): Generator<undefined, WindowsBlock> {
  const { task } = plan;
  const fields: (Summary | undefined)[] = [];
  for (const field of task.fields) {
    const end = pickedEnd(task, field);
    const isPicked = end !== undefined && isUsual(plan, field, group);
    fields.push(isPicked ? yield* pickEnd(plan.fragment, { field, end, spans: plan.spans(end) }, group, context) : undefined); // prettier-ignore
  }
  for (const [at, field] of task.fields.entries())
    if (isRanked(field)) fields[at] = yield* rankField(plan, field, { group, isUsual: isUsual(plan, field, group) }, context); // prettier-ignore
  const tabled = task.fields.flatMap((field, at) => {
    const type = fields[at] === undefined ? tableType(plan, field, group, context) : undefined;
    return type === undefined ? [] : [{ ...field, type, at }];
  });
  for (const some of together(plan, tabled)) {
    const summaries = yield* foldGroup(plan, some, group, context);
    some.forEach(({ at }, i) => (fields[at] = summaries[i]));
  }
  const slow = yield* accumulate(plan, group, context, fields.map((summary) => summary === undefined)); // prettier-ignore
  return {
    kind: 'windows',
    group: group.key,
    fields: fields.map((summary, i) => summary ?? must(slow[i], 'a field is summarised').finish()),
  };
}

/** The type of a field that a table of the kernel takes; undefined where rows have to be looked at. */
function tableType(
  plan: Plan,
  field: WindowsField,
  group: Group,
  { kernel }: FragmentContext,
): NumberType | undefined {
  const type = numberType(field);
  const hasTable = type !== undefined && plan.grid !== undefined && kernel !== undefined;
  return hasTable && isUsual(plan, field, group) ? type : undefined;
}

/** Fields that are folded together: as many as have tables of no more windows than one may have. */
function together(
  { grid }: Plan,
  fields: readonly TabledField[],
): readonly (readonly TabledField[])[] {
  const count = Math.max(1, Math.floor(tableWindowsMax / (grid?.cells.count ?? 1)));
  const parts: (readonly TabledField[])[] = [];
  for (let at = 0; at < fields.length; at += count) parts.push(fields.slice(at, at + count));
  return parts;
}

/** Whether the field is of one type in all shards, and of series that need no look at their rows. */
function isUsual({ types }: Plan, { name, type }: WindowsField, { members }: Group): boolean {
  return members.every(({ residual, source }) => {
    const stored = types.get(source)?.get(name);
    return residual === undefined && (stored === undefined || stored === type);
  });
}

function isRanked(field: WindowsField): field is WindowsField & { readonly rank: WindowRank } {
  return field.rank !== undefined;
}

function numberType({ type }: WindowsField): NumberType | undefined {
  return type === 'float' || type === 'integer' || type === 'unsigned' ? type : undefined;
}

function* foldGroup(
  { fragment, grid, tables }: Plan,
  fields: readonly TabledField[],
  { members }: Group,
  context: FragmentContext,
): Generator<undefined, readonly Summary[]> {
  const kernel = must(context.kernel, 'the kernel was asked for');
  const { measurement, minTimeNs, maxTimeNs } = fragment;
  const { cells, label } = must(grid, 'there is a grid');
  const { table, names, columns } = tables.of(kernel, fields, cells);
  yield* foldMembers(
    members,
    { measurements: [measurement], minTimeNs, maxTimeNs, names, table },
    context,
  );
  return table.finish().map((packed, i) => summaryOf(must(columns[i], 'a column a table').type, packed, label)); // prettier-ignore
}

/** The general way, for the fields that `isWanted`: any type, any predicate. */
function* accumulate(
  { fragment, task }: Plan,
  group: Group,
  context: FragmentContext,
  isWanted: readonly boolean[],
): Generator<undefined, readonly (WindowAccumulator | undefined)[]> {
  const { intervalNs, offsetNs } = task;
  const accumulators = task.fields.map(({ type }, i) =>
    isWanted[i] === true
      ? new WindowAccumulator(type, { intervalNs, offsetNs, wholeStartNs: fragment.minTimeNs })
      : undefined,
  );
  const fields = task.fields.flatMap(({ name }, i) => {
    const accumulator = accumulators[i];
    return accumulator === undefined ? [] : [{ name, accumulator }];
  });
  if (fields.length === 0) return accumulators;
  for (const member of group.members) {
    // Rows are only joined where a predicate has to see them whole.
    const joined = member.residual === undefined ? fields.map((field) => [field]) : [fields];
    for (const some of joined) {
      const names = some.map(({ name }) => name);
      yield* addRows(fragment, names, some.map(({ accumulator }) => accumulator), member, context); // prettier-ignore
    }
  }
  return accumulators;
}

/** Feeds the fields `names` of one series to their accumulators, past the series' residual predicate. */
// eslint-disable-next-line max-params -- two parallel lists besides the usual three
function* addRows(
  fragment: Fragment,
  names: readonly string[],
  accumulators: readonly WindowAccumulator[],
  member: MemberSeries,
  context: FragmentContext,
): Generator<undefined, undefined> {
  const { source, seriesId, residual } = member;
  const stored = new Map(source.fields(fragment.measurement).map((f) => [f.name, f.type]));
  if (!names.some((name) => stored.has(name))) return;
  const present = [...new Set([...names, ...member.residualFields])].filter((n) => stored.has(n));
  const cursors = present.map((field) =>
    source.openCursor({
      seriesId,
      field,
      minTimeNs: fragment.minTimeNs,
      maxTimeNs: fragment.maxTimeNs,
      ascending: true,
    }),
  );
  const types = present.map((name) => stored.get(name) ?? 'float');
  const placeByName = new Map(present.map((name, at) => [name, at]));
  const rows = new SeriesRows(cursors, types, context.arena, true);
  for (let chunk = rows.next(); chunk !== undefined; chunk = rows.next()) {
    context.check();
    context.countPoints(chunk.timesNs.length);
    const selected = residual === undefined ? chunk : selectRows(chunk, residual, present, context);
    names.forEach((name, i) => {
      const column = selected.columns[placeByName.get(name) ?? -1];
      const accumulator = accumulators[i];
      if (column === undefined || accumulator === undefined) return;
      const { type } = accumulator;
      if (column.type !== type && !isConvertible(column.type, type)) return;
      accumulator.add(selected.timesNs, concatColumns(type, [column]));
    });
    yield undefined;
  }
}
