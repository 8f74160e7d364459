import type { Fragment, WindowsBlock, WindowsTask } from '../fragment.ts';
import type { ShardSource } from '../source.ts';
import type { FragmentContext } from './context.ts';
import { groupSeries, type Group, type MemberSeries } from './groups.ts';
import { selectRows } from './select-rows.ts';
import { SeriesRows } from './series-rows.ts';
import { WindowAccumulator } from './window-accumulator.ts';

/**
 * Runs a windows task over the shards at hand: one block a group, in the order of groups. Summaries are made in
 * ascending time whatever the query's direction, which only the coordinator's output follows.
 */
export function* runWindows(
  fragment: Fragment,
  task: WindowsTask,
  sources: readonly ShardSource[],
  context: FragmentContext,
): Generator<WindowsBlock> {
  for (const group of groupSeries(fragment, sources, context.matcher)) {
    const block = summarizeGroup(fragment, task, group, context);
    if (block.fields.some((summary) => summary.startsNs.length > 0)) yield block;
  }
}

function summarizeGroup(
  fragment: Fragment,
  task: WindowsTask,
  group: Group,
  context: FragmentContext,
): WindowsBlock {
  const { intervalNs, offsetNs } = task;
  const accumulators = task.fields.map(
    ({ type }) =>
      new WindowAccumulator(type, { intervalNs, offsetNs, wholeStartNs: fragment.minTimeNs }),
  );
  for (const member of group.members) {
    if (member.residual === undefined)
      task.fields.forEach((field, i) => {
        const accumulator = accumulators[i];
        if (accumulator === undefined) return;
        if (addBatches(fragment, field, accumulator, { member, context })) return;
        addRows(fragment, [field.name], [accumulator], member, context);
      });
    else {
      const names = task.fields.map((field) => field.name);
      addRows(fragment, names, accumulators, member, context);
    }
  }
  return { kind: 'windows', group: group.key, fields: accumulators.map((a) => a.finish()) };
}

/** Feeds a field of numbers to its accumulator where the cursor puts it; false when it is no such field. */
function addBatches(
  fragment: Fragment,
  { name, type }: WindowsTask['fields'][number],
  accumulator: WindowAccumulator,
  { member, context }: { readonly member: MemberSeries; readonly context: FragmentContext },
): boolean {
  const { kernel, arena } = context;
  const { source, seriesId } = member;
  const stored = source.fields(fragment.measurement).find((field) => field.name === name);
  const isNumber = type === 'float' || type === 'integer' || type === 'unsigned';
  // A shard with another type of the field counts for nothing or is converted: the general way knows.
  if (kernel === undefined || !isNumber || stored?.type !== type) return false;
  const { minTimeNs, maxTimeNs } = fragment;
  const bounds = { minTimeNs, maxTimeNs, ascending: true };
  const cursor = source.openCursor({ seriesId, field: name, ...bounds });
  const mark = arena.mark();
  for (let batch = cursor.next(arena); batch !== undefined; batch = cursor.next(arena)) {
    context.check();
    accumulator.addBatch(batch, kernel);
    arena.release(mark);
  }
  return true;
}

/** Feeds the fields `names` of one series to their accumulators, past the series' residual predicate. */
// eslint-disable-next-line max-params -- two parallel lists besides the usual three
function addRows(
  fragment: Fragment,
  names: readonly string[],
  accumulators: readonly WindowAccumulator[],
  member: MemberSeries,
  context: FragmentContext,
): void {
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
    const selected = residual === undefined ? chunk : selectRows(chunk, residual, present, context);
    names.forEach((name, i) => {
      const column = selected.columns[present.indexOf(name)];
      if (column !== undefined) accumulators[i]?.add(selected.timesNs, column);
    });
  }
}
