import { must } from '../../base/assert.ts';
import type { Column } from '../column.ts';
import type { SelectedValues, WindowSummary } from '../fragment.ts';
import { concatColumns, concatTimes } from './columns/concat-columns.ts';
import { emptySummary } from './window-grid.ts';

/** Summaries whose windows ascend from one to the next, as one. */
export function joinSummaries(summaries: readonly WindowSummary[]): WindowSummary {
  const found = summaries.filter(({ startsNs }) => startsNs.length > 0);
  const [only] = found;
  if (only === undefined) return emptySummary;
  if (found.length === 1) return only;
  const selected = (part: 'mins' | 'maxs' | 'firsts' | 'lasts'): SelectedValues | undefined => {
    const own = found.flatMap((summary) => summary[part] ?? []);
    if (own.length < found.length) return undefined;
    return { timesNs: concatTimes(own.map(({ timesNs }) => timesNs)), values: joinedColumns(own.map(({ values }) => values)) }; // prettier-ignore
  };
  const sums = found.flatMap((summary) => summary.sums ?? []);
  const ranked = found.flatMap((summary) => summary.ranked ?? []);
  return {
    startsNs: concatTimes(found.map(({ startsNs }) => startsNs)),
    counts: concatTimes(found.map(({ counts }) => counts)),
    sums: sums.length < found.length ? undefined : joinedColumns(sums),
    mins: selected('mins'),
    maxs: selected('maxs'),
    firsts: selected('firsts'),
    lasts: selected('lasts'),
    ranked: ranked.length < found.length ? undefined : joinedColumns(ranked),
  };
}

/** The windows `from` up to and without `to`, in the buffers of the whole. */
export function sliceSummary(summary: WindowSummary, from: number, to: number): WindowSummary {
  const selected = (part: SelectedValues | undefined): SelectedValues | undefined =>
    part && {
      timesNs: part.timesNs.subarray(from, to),
      values: sliceColumn(part.values, from, to),
    };
  return {
    startsNs: summary.startsNs.subarray(from, to),
    counts: summary.counts.subarray(from, to),
    sums: summary.sums && sliceColumn(summary.sums, from, to),
    mins: selected(summary.mins),
    maxs: selected(summary.maxs),
    firsts: selected(summary.firsts),
    lasts: selected(summary.lasts),
    ranked: summary.ranked && sliceColumn(summary.ranked, from, to),
  };
}

function sliceColumn(column: Column, from: number, to: number): Column {
  const valid = column.valid?.subarray(from, to);
  if (column.type !== 'string')
    return { type: column.type, values: column.values.subarray(from, to), valid } as Column;
  const { offsets, bytes } = column.values;
  return { type: 'string', values: { offsets: offsets.subarray(from, to + 1), bytes }, valid };
}

function joinedColumns(columns: readonly Column[]): Column {
  return concatColumns(must(columns[0], 'there is a column').type, columns);
}
