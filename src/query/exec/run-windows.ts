import { must } from '../../base/assert.ts';
import type { NumberType, WindowTable } from '../../kernels/window-table.ts';
import type { Fragment, WindowsBlock, WindowsField, WindowsTask } from '../fragment.ts';
import type { ShardSource, SourceFieldType } from '../source.ts';
import type { FragmentContext } from './context.ts';
import { isConvertible } from './columns/column-builder.ts';
import { concatColumns } from './columns/concat-columns.ts';
import { groupSeries, type Group, type MemberSeries } from './groups.ts';
import { selectRows } from './series/select-rows.ts';
import { SeriesRows } from './series/series-rows.ts';
import { pickedEnd, pickEnd } from './pick-end.ts';
import { spansOf } from './shard-spans.ts';
import { WindowAccumulator } from './window-accumulator.ts';
import { emptySummary, summaryOf, windowGrid, type Grid } from './window-grid.ts';

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
  const grid = windowGrid(fragment, task, sources);
  if (grid === 'empty') return;
  const types = new Map(
    sources.map((source) => [
      source,
      new Map(source.fields(fragment.measurement).map((field) => [field.name, field.type])),
    ]),
  );
  const [first, last] = [spansOf(sources, true), spansOf(sources, false)];
  const spans = (end: 'first' | 'last') => (end === 'first' ? first : last);
  for (const group of yield* groupSeries(fragment, sources, context)) {
    context.check();
    const block = yield* summarizeGroup({ fragment, task, grid, types, spans }, group, context);
    if (block.fields.some((summary) => summary.startsNs.length > 0)) yield block;
  }
}

/** A batch takes the kernel some microseconds. */
const batchesPerPause = 64;

interface Plan {
  readonly fragment: Fragment;
  readonly task: WindowsTask;
  /** Undefined when windows are too many for a table. */
  readonly grid: Grid | undefined;
  /** Types of the measurement's fields in each shard. */
  readonly types: ReadonlyMap<ShardSource, ReadonlyMap<string, SourceFieldType>>;
  /** Shards whose times overlap, from one end on. */
  readonly spans: (end: 'first' | 'last') => readonly (readonly ShardSource[])[];
}

function* summarizeGroup(
  plan: Plan,
  group: Group,
  context: FragmentContext,
): Generator<undefined, WindowsBlock> {
  const { task } = plan;
  const fields: (WindowsBlock['fields'][number] | undefined)[] = [];
  for (const field of task.fields) fields.push(yield* foldField(plan, field, group, context));
  const slow = yield* accumulate(plan, group, context, fields.map((summary) => summary === undefined)); // prettier-ignore
  return {
    kind: 'windows',
    group: group.key,
    fields: fields.map((summary, i) => summary ?? must(slow[i], 'a field is summarised').finish()),
  };
}

/** What the kernel or the ends of series tell of a field; undefined where rows have to be looked at. */
function* foldField(
  plan: Plan,
  field: WindowsField,
  group: Group,
  context: FragmentContext,
): Generator<undefined, WindowsBlock['fields'][number] | undefined> {
  if (!isUsual(plan, field, group)) return undefined;
  const end = pickedEnd(plan.task, field);
  if (end !== undefined) return pickEnd(plan.fragment, { field, end, spans: plan.spans(end) }, group, context); // prettier-ignore
  const type = numberType(field);
  const hasTable = type !== undefined && plan.grid !== undefined && context.kernel !== undefined;
  return hasTable ? yield* foldGroup(plan, { ...field, type }, group, context) : undefined;
}

/** Whether the field is of one type in all shards, and of series that need no look at their rows. */
function isUsual({ types }: Plan, { name, type }: WindowsField, { members }: Group): boolean {
  return members.every(({ residual, source }) => {
    const stored = types.get(source)?.get(name);
    return residual === undefined && (stored === undefined || stored === type);
  });
}

/** The type of a field that a table of the kernel takes. */
function numberType({ type }: WindowsField): NumberType | undefined {
  return type === 'float' || type === 'integer' || type === 'unsigned' ? type : undefined;
}

function* foldGroup(
  { fragment, grid }: Plan,
  { name, type, parts }: WindowsField & { readonly type: NumberType },
  { members }: Group,
  context: FragmentContext,
): Generator<undefined, WindowsBlock['fields'][number]> {
  const kernel = must(context.kernel, 'the kernel was asked for');
  const { minTimeNs, maxTimeNs } = fragment;
  const { arena } = kernel;
  const start = arena.mark();
  const wanted = parts.filter((part) => part !== 'count');
  const { cells, label } = must(grid, 'there is a grid');
  let table: WindowTable | undefined;
  let folded = 0;
  for (const { source, seriesId } of members) {
    const bounds = { minTimeNs, maxTimeNs, ascending: true };
    const cursor = source.openCursor({ seriesId, field: name, ...bounds });
    table ??= kernel.windowTable(type, cells, wanted);
    const mark = arena.mark();
    for (let batch = cursor.next(arena); batch !== undefined; batch = cursor.next(arena)) {
      context.check();
      context.countPoints(batch.count);
      table.fold(batch);
      arena.release(mark);
      if (++folded % batchesPerPause === 0) yield undefined;
    }
  }
  const summary = table === undefined ? emptySummary : summaryOf(type, table.finish(), label);
  arena.release(start);
  return summary;
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
  const rows = new SeriesRows(cursors, types, context.arena, true);
  for (let chunk = rows.next(); chunk !== undefined; chunk = rows.next()) {
    context.check();
    context.countPoints(chunk.timesNs.length);
    const selected = residual === undefined ? chunk : selectRows(chunk, residual, present, context);
    names.forEach((name, i) => {
      const column = selected.columns[present.indexOf(name)];
      const accumulator = accumulators[i];
      if (column === undefined || accumulator === undefined) return;
      const { type } = accumulator;
      if (column.type !== type && !isConvertible(column.type, type)) return;
      accumulator.add(selected.timesNs, concatColumns(type, [column]));
    });
    yield undefined;
  }
}
