import type { DbError } from '../../base/errors.ts';
import type { TimeZone } from '../../base/time-zone.ts';
import type { Fill } from '../../influxql/ast.ts';
import type { CallName } from '../assemble/calls.ts';
import type { ColumnType } from '../column.ts';
import type { Fragment } from '../fragment.ts';
import type { FunctionDefinition, PlannedCall } from '../functions/function.ts';
import type { Program } from './program.ts';
import type { FoundMeasurement } from './resolve-select.ts';

/**
 * One SELECT of a statement, the outermost or a subquery, as it runs (docs/internals/query.md). Its answer is a series
 * stream: groups by measurement and the outermost query's tags, in order, each with rows whose columns are `columns`.
 *
 * Inside of a group, points may belong to several subgroups: a subquery has tags of its own, on top of those of the
 * queries around it, and reduces each tag set apart. `tags` are all of them, sorted; `outerTags` are the outermost
 * query's.
 */
export interface LevelPlan {
  readonly columns: readonly PlannedColumn[];
  /** What the programs of the columns read: first the references, then the calls. */
  readonly slots: readonly Slot[];
  readonly feeds: readonly FeedPlan[];
  readonly calls: readonly CallPlan[];
  readonly refusals: readonly CallRefusal[];
  readonly outerTags: readonly string[];
  readonly tags: readonly string[];
  readonly ascending: boolean;
  readonly fill: Fill;
  /** Of rows, counted per stream and subgroup; 0 is none. */
  readonly limit: number;
  readonly offset: number;
  readonly timeLabel: string;
}

/**
 * A call that has no answer for the type of what it reads. As in the reference it is told once there is something to read:
 * a series whose tags pass, of a shard that has the field in that type, or a subquery.
 */
export interface CallRefusal {
  readonly error: DbError;
  /** What the call would have read. */
  readonly feed: number;
  /** The column's place in the feed. */
  readonly at: number;
  readonly column: FeedColumn;
}

export interface PlannedColumn {
  readonly name: string;
  readonly type: ColumnType;
  readonly program: Program;
  /** A tag named inside of top() or bottom(), which a query with a target writes as one. */
  readonly isPointTag: boolean;
}

export interface Slot {
  readonly type: ColumnType;
  /** A call of a type that nobody knows: it has no value even where fill() gives one to others. */
  readonly isUnread?: boolean;
}

/** The windows of GROUP BY time; one window over the whole range where `intervalNs` is 0. */
export interface Grid {
  readonly intervalNs: bigint;
  readonly offsetNs: bigint;
  readonly zone: TimeZone | undefined;
  /** Inclusive, as the level or the call around asks for it. */
  readonly startNs: bigint;
  readonly endNs: bigint;
}

/** A call of the list: the points of its innermost argument go through the stages one after the other. */
export interface CallPlan {
  /** Where the result stands among the slots. */
  readonly slot: number;
  readonly type: ColumnType;
  readonly stages: readonly StagePlan[];
  readonly input: CallInput;
}

/** Rows of a feed: the column with the argument, and those beside it that a selector hands on. */
export type CallInput =
  | { readonly kind: 'column'; readonly feed: number; readonly column: number; readonly aux: readonly number[] } // prettier-ignore
  | { readonly kind: 'folded'; readonly feed: number; readonly call: CallName; readonly field: number; readonly keepsTimes: boolean; readonly isInTime: boolean }; // prettier-ignore

export type StagePlan =
  | {
      readonly kind: 'reduce';
      readonly definition: Extract<FunctionDefinition, { kind: 'aggregate' | 'selector' }>;
      readonly call: PlannedCall;
      readonly grid: Grid;
      /** Points of several tag sets stand by time; otherwise by tag set, as in the reference over the rows of a subquery. */
      readonly isInTime: boolean;
    }
  | {
      readonly kind: 'transform';
      readonly definition: Extract<FunctionDefinition, { kind: 'transformation' }>;
      readonly call: PlannedCall;
    }
  /** Times become the starts of their windows. */
  | { readonly kind: 'starts'; readonly grid: Grid }
  | {
      readonly kind: 'fill';
      readonly grid: Grid;
      readonly fill: Fill;
      readonly types: { readonly value: ColumnType; readonly aux: readonly ColumnType[] };
    };

/** What is read once for some calls, or for the rows of a query without calls. */
export type FeedPlan = RowsFeed | WindowsFeed;

export interface RowsFeed {
  readonly kind: 'rows';
  readonly columns: readonly FeedColumn[];
  readonly sources: readonly RowsSource[];
}

export interface FeedColumn {
  readonly name: string;
  readonly type: ColumnType;
}

export type RowsSource =
  | { readonly kind: 'scan'; readonly scan: ScanPlan }
  | { readonly kind: 'subquery'; readonly level: LevelPlan; readonly reads: readonly SubqueryRead[]; readonly filter: SubqueryFilter | undefined }; // prettier-ignore

/** Where a column of a feed comes from in the rows of a subquery. */
export type SubqueryRead =
  | { readonly kind: 'column'; readonly index: number; readonly hidesNaN?: boolean }
  | { readonly kind: 'tag'; readonly name: string }
  | { readonly kind: 'null' };

export interface SubqueryFilter {
  readonly reads: readonly SubqueryRead[];
  readonly types: readonly ColumnType[];
  readonly program: Program;
}

/** Measurements of one name each, to be read in the order of their names. */
export interface ScanPlan {
  readonly names: readonly {
    readonly name: string;
    readonly parts: readonly ScanPart[];
  }[];
  readonly seriesLimit: number;
  readonly seriesOffset: number;
}

export interface ScanPart {
  readonly found: FoundMeasurement;
  /** Without its shards. */
  readonly fragment: Fragment;
}

export interface WindowsFeed {
  readonly kind: 'windows';
  readonly scan: ScanPlan;
}
