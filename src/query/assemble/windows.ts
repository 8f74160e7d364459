import { must } from '../../base/assert.ts';
import type { ColumnSeries, OutputSeries } from '../emit/result.ts';
import { WindowAccumulator } from '../exec/window-accumulator.ts';
import type { GroupKey, WindowsBlock, WindowsTask, WindowSummary } from '../fragment.ts';
import { callColumn } from './call-column.ts';
import { callTimeNs, isSelector, type CallName } from './calls.ts';
import { computeColumns, type ComputedColumn } from './compute-columns.ts';
import type { Fill } from './fill.ts';
import { GroupMerge, type BlockStream } from './merge-groups.ts';
import { pageGroups } from './page-groups.ts';
import { windowRows } from './window-rows.ts';

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
  const { task, calls, ascending, offset, limit } = output;
  const all = windowRows(summaries, output);
  if (all === undefined || all.startsNs.length === 0) return undefined;
  const isWhole = task.intervalNs === 0n;
  const timesNs = isWhole ? BigInt64Array.of(wholeTimeNs(summaries, output)) : all.startsNs;
  const rows = pageOf(timesNs.length, { ascending, offset, limit });
  if (rows?.length === 0) return undefined;
  const fill: Fill = isWhole ? { kind: 'none' } : output.fill;
  const tags = output.groupBy.map((key, i) => [key, group[i] ?? ''] as const);
  return {
    kind: 'columns',
    name: output.name,
    tags: tags.length > 0 ? tags : undefined,
    columns: [output.timeLabel, ...output.columns],
    timesNs: rows === undefined ? timesNs : BigInt64Array.from(rows, (row) => timesNs[row] ?? 0n),
    values: calls.map(({ call, field }) => {
      const windows = must(all.windows[field], 'rows per summary');
      const { type } = must(task.fields[field], 'a field per call');
      const summary = must(summaries[field], 'a summary per field');
      return callColumn(call, summary, type, { windows, rows, fill, ascending });
    }),
    start: 0,
    end: rows?.length ?? timesNs.length,
  };
}

/** The rows that the answer shows, in its order; undefined for all of them as they are. */
function pageOf(
  count: number,
  { ascending, offset, limit }: Pick<WindowsOutput, 'ascending' | 'offset' | 'limit'>,
): readonly number[] | undefined {
  if (ascending && offset === 0 && (limit === 0 || limit >= count)) return undefined;
  const order = Array.from({ length: count }, (_, i) => (ascending ? i : count - 1 - i));
  return order.slice(offset, limit === 0 ? undefined : offset + limit);
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
