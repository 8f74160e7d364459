import { must } from '../../base/assert.ts';
import { notesOn } from '../../base/notes.ts';
import type { NumberType } from '../../kernels/window-table.ts';
import type { Fragment, WindowRank, WindowsBlock, WindowsField, WindowsTask } from '../fragment.ts';
import { fieldTypeOf, type ShardSource } from '../source.ts';
import type { FragmentContext } from './context.ts';
import { isConvertible } from './columns/column-builder.ts';
import { concatColumns } from './columns/concat-columns.ts';
import { fewSeriesMax, foldMembers } from './fold-members.ts';
import { GroupRuns } from './group-runs.ts';
import { GroupTables, tabledFields, tabledParts, type TabledField, type TabledFields } from './group-tables.ts'; // prettier-ignore
import { groupSeries, type Group, type MemberSeries } from './groups.ts';
import { NearestWindows, summarizeNearest, type WindowsSpan } from './nearest-windows.ts';
import { RowSelection } from './series/select-rows.ts';
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
  const groups = yield* groupSeries(fragment, sources, context);
  context.groupsFound(groups);
  const isCut = task.windowsMax !== undefined && task.intervalNs > 0n;
  if (isCut) yield* nearestWindows(plan, sources, groups, context);
  else if (groups.length > fewSeriesMax) yield* manyGroups(plan, sources, groups, context);
  else
    for (const group of groups) {
      context.check();
      const block = yield* summarizeGroup(plan, group, context);
      if (hasWindows(block)) yield block;
    }
  if (context.kernel !== undefined) plan.tables.release(context.kernel);
}

/** Most questions ask for none of them. */
function spansOnce(sources: readonly ShardSource[]): Plan['spans'] {
  const known: { first?: readonly (readonly ShardSource[])[]; last?: readonly (readonly ShardSource[])[] } = {}; // prettier-ignore
  return (end) => (known[end] ??= spansOf(sources, end === 'first'));
}

export function hasWindows({ fields }: WindowsBlock): boolean {
  for (let i = 0; i < fields.length; i++) if ((fields[i]?.startsNs.length ?? 0) > 0) return true;
  return false;
}

function* nearestWindows(
  plan: Plan,
  sources: readonly ShardSource[],
  groups: readonly Group[],
  context: FragmentContext,
): Generator<WindowsBlock | undefined, void> {
  const { fragment, task } = plan;
  const nearest = new NearestWindows(fragment, task, sources);
  const ofSpan = (span: WindowsSpan, group: Group) =>
    summarizeGroup({ ...plan, ...span }, group, context);
  for (const group of groups) {
    context.check();
    const block = yield* summarizeNearest(nearest, task, group, ofSpan);
    if (hasWindows(block)) yield block;
  }
}

function* manyGroups(
  plan: Plan,
  sources: readonly ShardSource[],
  groups: readonly Group[],
  context: FragmentContext,
): Generator<WindowsBlock | undefined, void> {
  const { fragment } = plan;
  const mayShare = fragment.groupBy.length > 0 && isUniform(plan, sources);
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
      const block = known[i] ?? (yield* summarizeGroup(plan, group, context));
      if (hasWindows(block)) yield block;
    }
    at += some.length;
  }
  // What was taken later goes first.
  if (context.kernel !== undefined) plan.tables.release(context.kernel);
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
  const { measurement } = fragment;
  return {
    fragment,
    task,
    grid,
    measurement,
    spans: spansOnce(sources),
    tables: new GroupTables(),
  };
}

/** The same of another measurement. */
export function planOfMeasurement(plan: Plan, fragment: Fragment): Plan {
  return { ...plan, fragment, measurement: fragment.measurement };
}

/** Whether all shards have the fields of the task in the type that it is read in. */
export function isUniform({ measurement, task }: Plan, sources: readonly ShardSource[]): boolean {
  return task.fields.every(({ name, type }) => sources.every((source) => (fieldTypeOf(source, measurement, name) ?? type) === type)); // prettier-ignore
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
  readonly measurement: string;
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
  const all = tablesOf(task);
  // Nearly all questions.
  if (all !== undefined && plan.grid !== undefined && context.kernel !== undefined && areUsual(plan, group)) {
    const fields: Summary[] = [];
    for (const some of together(plan, all)) yield* foldGroup(plan, some, { group, into: fields }, context);
    return { kind: 'windows', group: group.key, fields };
  }
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
  for (const some of together(plan, tabledFields(tabled)))
    yield* foldGroup(plan, some, { group, into: fields }, context);
  const slow = yield* accumulate(plan, group, context, fields.map((summary) => summary === undefined)); // prettier-ignore
  return {
    kind: 'windows',
    group: group.key,
    fields: fields.map((summary, i) => summary ?? must(slow[i], 'a field is summarised').finish()),
  };
} // prettier-ignore

const knownTables = notesOn<WindowsTask, TabledFields | 'not all'>();

/** All fields of a task, where each can go to a table of the kernel: undefined where one of them is none, or has a way of its own. */
function tablesOf(task: WindowsTask): TabledFields | undefined {
  let known = knownTables.of(task);
  if (known === undefined) {
    const tabled = task.fields.flatMap((field, at) => {
      const type = numberType(field);
      const isOwn = field.rank !== undefined || pickedEnd(task, field) !== undefined;
      return type === undefined || isOwn ? [] : [{ ...field, type, at }];
    });
    known = tabled.length < task.fields.length ? 'not all' : tabledFields(tabled);
    knownTables.keep(task, known);
  }
  return known === 'not all' ? undefined : known;
}

function areUsual(plan: Plan, group: Group): boolean {
  const { fields } = plan.task;
  for (let i = 0; i < fields.length; i++)
    if (!isUsual(plan, fields[i] as WindowsField, group)) return false;
  return true;
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
function together({ grid }: Plan, tabled: TabledFields): readonly TabledFields[] {
  const { fields } = tabled;
  const count = Math.max(1, Math.floor(tableWindowsMax / (grid?.cells.count ?? 1)));
  if (fields.length === 0) return [];
  if (fields.length <= count) return [tabled];
  const parts: TabledFields[] = [];
  for (let at = 0; at < fields.length; at += count) parts.push(tabledFields(fields.slice(at, at + count))); // prettier-ignore
  return parts;
}

/** Whether the field is of one type in all shards, and of series that need no look at their rows. */
function isUsual({ measurement }: Plan, { name, type }: WindowsField, { members }: Group): boolean {
  let last: ShardSource | undefined;
  for (let i = 0; i < members.length; i++) {
    const { residual, source } = members[i] as MemberSeries;
    if (residual !== undefined) return false;
    if (source === last) continue;
    last = source;
    if ((fieldTypeOf(source, measurement, name) ?? type) !== type) return false;
  }
  return true;
}

function isRanked(field: WindowsField): field is WindowsField & { readonly rank: WindowRank } {
  return field.rank !== undefined;
}

function numberType({ type }: WindowsField): NumberType | undefined {
  return type === 'float' || type === 'integer' || type === 'unsigned' ? type : undefined;
}

function* foldGroup(
  { fragment, grid, tables }: Plan,
  some: TabledFields,
  { group, into }: { readonly group: Group; readonly into: (Summary | undefined)[] },
  context: FragmentContext,
): Generator<undefined, void> {
  const kernel = must(context.kernel, 'the kernel was asked for');
  const { measurement, minTimeNs, maxTimeNs } = fragment;
  const { cells, label } = must(grid, 'there is a grid');
  const { fields, names } = some;
  const table = tables.of(kernel, some, cells);
  const measurements = [measurement];
  yield* foldMembers(group.members, { measurements, minTimeNs, maxTimeNs, names, table }, context);
  const packed = table.finish();
  for (let i = 0; i < fields.length; i++) {
    const { at, type } = fields[i] as TabledField;
    into[at] = summaryOf(type, must(packed[i], 'a summary a table'), label);
  }
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
    const looked = residual && new RowSelection(chunk, residual, present, context);
    let selected = looked === undefined ? chunk : looked.next();
    for (; selected === 'pause'; selected = looked?.next() ?? chunk) {
      context.check();
      yield undefined;
    }
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
