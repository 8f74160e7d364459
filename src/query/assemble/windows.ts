import { must } from '../../base/assert.ts';
import { DbError } from '../../base/errors.ts';
import type { ColumnType } from '../column.ts';
import type { ColumnSeries, OutputSeries } from '../emit/result.ts';
import { valuesColumn, WindowAccumulator, windowStartNs } from '../exec/window-accumulator.ts';
import type { GroupKey, WindowsBlock, WindowsTask, WindowSummary } from '../fragment.ts';
import type { Value } from '../predicate.ts';
import { callTimeNs, callType, callValue, isSelector, type CallName } from './calls.ts';
import { computeColumns, type ComputedColumn } from './compute-columns.ts';
import { fillColumn, type Fill } from './fill.ts';
import { GroupMerge, type BlockStream } from './merge-groups.ts';
import { pageGroups } from './page-groups.ts';

export interface WindowsCall {
  readonly call: CallName;
  /** Index into the task's fields. */
  readonly field: number;
}

/** How summaries of one measurement become series of the answer. */
export interface WindowsOutput {
  readonly name: string;
  readonly groupBy: readonly string[];
  readonly task: WindowsTask;
  readonly calls: readonly WindowsCall[];
  /** Of the column of times. */
  readonly timeLabel: string;
  /** Names of the output columns after it, one per call or per computed column. */
  readonly columns: readonly string[];
  /** What the columns are made of when they are not the calls as they come. */
  readonly computed?: readonly ComputedColumn[] | undefined;
  readonly fill: Fill;
  /** The query's own bounds; undefined where it names none. With an interval the upper one is always there. */
  readonly minTimeNs: bigint | undefined;
  readonly maxTimeNs: bigint;
  readonly ascending: boolean;
  readonly limit: number;
  readonly offset: number;
  readonly seriesLimit: number;
  readonly seriesOffset: number;
  /** `max-select-buckets`; 0 means no limit. */
  readonly bucketsMax: number;
}

/** One series per group, in the order of groups. */
export async function* assembleWindows(
  streams: readonly BlockStream<WindowsBlock>[],
  output: WindowsOutput,
): AsyncGenerator<OutputSeries> {
  const merge = new GroupMerge(streams, output.ascending);
  try {
    yield* pageGroups(merge, output, async function* (group) {
      const summaries = await mergeSummaries(merge.blocksOf(group), output.task);
      const series = groupSeries(group, summaries, output);
      if (series !== undefined)
        yield output.computed === undefined ? series : computeColumns(series, output.computed);
    });
  } finally {
    await merge.close();
  }
}

async function mergeSummaries(
  streams: readonly AsyncIterator<WindowsBlock, undefined>[],
  task: WindowsTask,
): Promise<readonly WindowSummary[]> {
  const blocks: WindowsBlock[] = [];
  for (const stream of streams)
    for (let next = await stream.next(); next.done !== true; next = await stream.next())
      blocks.push(next.value);
  const [only] = blocks;
  if (blocks.length === 1 && only !== undefined) return only.fields;
  return task.fields.map(({ type }, i) => {
    const { intervalNs, offsetNs } = task;
    const merged = new WindowAccumulator(type, { intervalNs, offsetNs, wholeStartNs: 0n });
    for (const block of blocks) merged.merge(must(block.fields[i], 'a summary per field'));
    return merged.finish();
  });
}

function groupSeries(
  group: GroupKey,
  summaries: readonly WindowSummary[],
  output: WindowsOutput,
): ColumnSeries | undefined {
  const { task, calls, ascending } = output;
  const startsNs = windowStarts(summaries, output);
  if (startsNs.length === 0) return undefined;
  const columns = calls.map(({ call, field }) => {
    const summary = must(summaries[field], 'a summary per field');
    const type = callType(call, must(task.fields[field], 'a field per call').type);
    return callColumn(call, summary, { startsNs, type, output });
  });
  let timesNs = startsNs;
  if (task.intervalNs === 0n) timesNs = [wholeTimeNs(summaries, output)];
  const order = timesNs.map((_, i) => i);
  if (!ascending) order.reverse();
  const rows = order.slice(
    output.offset,
    output.limit === 0 ? undefined : output.offset + output.limit,
  );
  if (rows.length === 0) return undefined;
  const tags = output.groupBy.map((key, i) => [key, group[i] ?? ''] as const);
  return {
    kind: 'columns',
    name: output.name,
    tags: tags.length > 0 ? tags : undefined,
    columns: [output.timeLabel, ...output.columns],
    timesNs: BigInt64Array.from(rows, (row) => timesNs[row] ?? 0n),
    values: columns.map(({ type, values }) =>
      valuesColumn(
        type,
        rows.map((row) => values[row] ?? null),
      ),
    ),
    start: 0,
    end: rows.length,
  };
}

/** A selector alone has its point's time; all else the lower bound, or 1970 without one (trap 51). */
function wholeTimeNs(summaries: readonly WindowSummary[], output: WindowsOutput): bigint {
  const [only] = output.calls;
  if (output.calls.length === 1 && only !== undefined && isSelector(only.call)) {
    const summary = summaries[only.field];
    if (summary !== undefined) return callTimeNs(only.call, summary, 0);
  }
  return output.minTimeNs ?? 0n;
}

/**
 * The windows of a series, ascending. With fill they run from the query's lower bound, or the first point without one,
 * to its upper bound; descending without a lower bound ends at the earliest point either way.
 */
function windowStarts(summaries: readonly WindowSummary[], output: WindowsOutput): bigint[] {
  const { task, fill, minTimeNs, maxTimeNs } = output;
  const present = new Set<bigint>();
  for (const summary of summaries) for (const startNs of summary.startsNs) present.add(startNs);
  const sorted = [...present].sort((a, b) => (a < b ? -1 : 1));
  const [earliestNs] = sorted;
  if (task.intervalNs === 0n || earliestNs === undefined || fill.kind === 'none') {
    checkBuckets(sorted.length, output);
    return sorted;
  }
  const firstNs =
    minTimeNs === undefined ? earliestNs : windowStartNs(minTimeNs, task.intervalNs, task.offsetNs);
  const lastNs = windowStartNs(maxTimeNs, task.intervalNs, task.offsetNs);
  const count = Number((lastNs - firstNs) / task.intervalNs) + 1;
  checkBuckets(count, output);
  return Array.from({ length: count }, (_, i) => firstNs + BigInt(i) * task.intervalNs);
}

/** A bound of our own beyond which a list of windows would not fit in memory (trap 46). */
const bucketsHardMax = 20_000_000;

function checkBuckets(count: number, { bucketsMax }: WindowsOutput): void {
  const max = bucketsMax === 0 ? bucketsHardMax : bucketsMax;
  if (count > max)
    throw new DbError('limit_exceeded', `max-select-buckets limit exceeded: (${count}/${max})`);
}

interface FilledColumn {
  readonly type: ColumnType;
  readonly values: readonly (Value | null)[];
}

function callColumn(
  call: CallName,
  summary: WindowSummary,
  shape: {
    readonly startsNs: readonly bigint[];
    readonly type: ColumnType;
    readonly output: WindowsOutput;
  },
): FilledColumn {
  const { startsNs, type, output } = shape;
  const at = new Map<bigint, number>();
  summary.startsNs.forEach((startNs, i) => at.set(startNs, i));
  const values = startsNs.map((startNs) => {
    const i = at.get(startNs);
    return i === undefined ? null : callValue(call, summary, i);
  });
  if (summary.startsNs.length === 0 || output.task.intervalNs === 0n) return { type, values };
  const fill: Fill =
    call === 'count' && output.fill.kind === 'null' ? { kind: 'number', value: 0 } : output.fill;
  return { type, values: fillColumn(values, type, fill, output.ascending) };
}
