import { compareUtf8 } from '../base/compare-utf8.ts';
import type { Column } from './column.ts';
import type { Predicate } from './predicate.ts';
import type { SourceFieldType } from './source.ts';

/**
 * A fragment is the part of a SELECT that runs where the shards are: one measurement, some shards of one node. It
 * answers with blocks ordered by group, and within a group by time in the direction asked, so that the coordinator
 * merges streams in bounded memory. Fragments and blocks are versioned: nodes of two releases may meet.
 */
export const fragmentVersion = 3;

export interface Fragment {
  readonly version: number;
  readonly measurement: string;
  readonly shardIds: readonly number[];
  /** Inclusive bounds, int64 nanoseconds. */
  readonly minTimeNs: bigint;
  readonly maxTimeNs: bigint;
  readonly ascending: boolean;
  /** Tag keys of GROUP BY, sorted. */
  readonly groupBy: readonly string[];
  readonly predicate?: Predicate | undefined;
  /** `max-select-series`, of one shard, and `max-select-point`, of one lane; absent without. */
  readonly seriesMax?: number | undefined;
  readonly pointsMax?: number | undefined;
  readonly task: RowsTask | WindowsTask | CostsTask;
}

/** Rows of fields and tags as they are stored. A row is there when at least one of its fields is, where none is named. */
export interface RowsTask {
  readonly kind: 'rows';
  readonly columns: readonly RowsColumn[];
  /** No more than so many rows of a group are needed; 0 means all. */
  readonly rowsMax: number;
  /** No more than so many rows of a group are read of each shard; absent for all of them. */
  readonly shardRowsMax?: number | undefined;
  /** The same of each series of a shard. */
  readonly seriesRowsMax?: number | undefined;
  /** The place of a field among the columns without which a row is not there, whatever other fields it has. */
  readonly neededColumn?: number | undefined;
  /** Blocks say which series their rows are of: other streams may have rows of the same times. */
  readonly showsSeries?: boolean | undefined;
}

export type RowsColumn =
  | { readonly kind: 'field'; readonly name: string; readonly type: SourceFieldType }
  | { readonly kind: 'tag'; readonly name: string };

/** Summaries of fields per window. */
export interface WindowsTask {
  readonly kind: 'windows';
  readonly fields: readonly WindowsField[];
  /** 0 for one window over the whole range; it then starts at `minTimeNs`. */
  readonly intervalNs: bigint;
  /** Window starts are congruent to this modulo the interval. */
  readonly offsetNs: bigint;
  /** No more than so many windows of a group and field are needed, from the end that `ascending` says; absent for all of them. */
  readonly windowsMax?: number | undefined;
}

/** What reading would cost, as blocks of rows that cost-rows.ts reads. */
export interface CostsTask {
  readonly kind: 'costs';
  readonly fields: readonly { readonly name: string; readonly type: SourceFieldType }[];
}

export interface WindowsField {
  readonly name: string;
  readonly type: SourceFieldType;
  /** What a summary of it has to hold; it may hold more. */
  readonly parts: readonly SummaryPart[];
  /** What else it has to hold; asked where all rows of a group are in the shards at hand alone, and sent to no one. */
  readonly rank?: WindowRank | undefined;
}

/** The value at a place among those of a window in order; of percentiles from 50 to 100, which each window has. */
export type WindowRank =
  { readonly kind: 'median' } | { readonly kind: 'percentile'; readonly percent: number };

export type SummaryPart = 'count' | 'sum' | 'min' | 'max' | 'first' | 'last';

/** The values of the GROUP BY tags, in the order of the fragment's `groupBy`; '' where a series lacks one. */
export type GroupKey = readonly string[];

export interface RowsBlock {
  readonly kind: 'rows';
  readonly group: GroupKey;
  readonly timesNs: BigInt64Array;
  readonly columns: readonly Column[];
  /** Where the task asks for it. */
  readonly series?: RowSeries | undefined;
}

/** The series of each row of a block: the canonical keys of those that it has rows of, and each row's place among them. */
export interface RowSeries {
  readonly keys: readonly string[];
  readonly at: Uint32Array;
}

/** One summary list per field of the task, ascending by window start, windows without points left out. */
export interface WindowsBlock {
  readonly kind: 'windows';
  readonly group: GroupKey;
  readonly fields: readonly WindowSummary[];
}

/**
 * What is kept of the points in each window: the parts asked for, enough for count, sum, mean, min, max, first, last and
 * spread, and to be merged exactly with the summary of other series, shards and nodes. Columns are of the field's type
 * except where said.
 */
export interface WindowSummary {
  readonly startsNs: BigInt64Array;
  /** Of all points, when `count` is among the parts; at least 1 otherwise. */
  readonly counts: BigInt64Array;
  /** float64 for floats, int64 or uint64 (wrapping, as the reference) for integers; absent for other types. */
  readonly sums: Column | undefined;
  readonly mins: SelectedValues | undefined;
  readonly maxs: SelectedValues | undefined;
  readonly firsts: SelectedValues | undefined;
  readonly lasts: SelectedValues | undefined;
  /** Of fields with a rank: nothing that could be merged. Of medians float64. */
  readonly ranked?: Column | undefined;
}

export interface SelectedValues {
  readonly timesNs: BigInt64Array;
  readonly values: Column;
}

/** Orders groups as the reference does: by the bytes of their values, one after the other. */
export function compareGroups(left: GroupKey, right: GroupKey): number {
  for (let i = 0; i < left.length; i++) {
    const a = left[i] ?? '';
    const b = right[i] ?? '';
    if (a !== b) return compareUtf8(a, b);
  }
  return 0;
}
