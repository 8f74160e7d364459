import type { Expr } from '../../influxql/ast.ts';
import type { Column, ColumnType } from '../column.ts';

/**
 * What the engine asks of a function of the language, and what it gives it (docs/internals/query.md).
 *
 * A call of the select list is a stream of points per measurement and group. The engine reads the points of the call's
 * argument in the query's direction of time, those of one time by series key, and hands them over in batches; nulls are
 * taken out before (in the reference no reducer sees them). One instance serves one group and one call; it is used for
 * the group's windows one after the other and then thrown away.
 *
 * Invariants:
 * - what is returned is in the direction of time as well; points of equal time keep the order in which they came;
 * - int64 is exact: sums of integers wrap, no bigint becomes a double on the way to an integer;
 * - `heldBytes` never understates what an instance keeps: the engine charges it to the query's account after each
 *   batch, so that memory is bounded without the function knowing of limits;
 * - functions neither await nor look at clocks. Work of more than some 10,000 rows in one call belongs into `add`, not
 *   into `finish`, where it cannot be sliced; sorting of what was gathered is the exception.
 */
export interface Points {
  readonly timesNs: BigInt64Array;
  /** Without nulls, one value for each time. */
  readonly values: Column;
  /**
   * Other columns of the same rows, which a selector hands on with the points that it chose: the fields and tags beside
   * the call, and before them those named inside top() and bottom(). They may have nulls. Empty for other functions.
   */
  readonly aux: readonly Column[];
}

/** A window of time [startNs, endNs); without GROUP BY time the whole range of the query. */
export interface Window {
  readonly startNs: bigint;
  readonly endNs: bigint;
}

/** Points in, points out, across the borders of windows: derivative, moving_average, holt_winters, ... */
export interface Transformation {
  /** The next points; what can be said by now, which may be nothing. */
  push(points: Points): Points;
  /** What is left once all points of the group have been pushed. */
  finish(): Points;
  /** The same where it may take long: a caller that has to let others run goes on with it in turns of its own. */
  finishInSlices?(): Generator<undefined, Points>;
  readonly heldBytes: number;
}

/** All points of a window to none, one or several: median, percentile, distinct, top, integral, ... */
export interface WindowReducer {
  /** Points of the window at hand; a window may come in several batches. */
  add(points: Points): void;
  /**
   * Ends the window and makes room for the next one. Called only after points were added, but for functions that carry
   * something from window to window: `end` is called once at the end of the group.
   * A selector answers with the times of its points, all others with `window.startNs`.
   */
  finish(window: Window): Points;
  /** What is left when the group ends (integral's last window); absent for most. */
  end?(): Points;
  readonly heldBytes: number;
}

/** A call of the select list whose field and type are known. */
export interface PlannedCall {
  readonly name: string;
  /** As written, with names resolved; args[0] is the field or the inner call. */
  readonly args: readonly Expr[];
  /** The type of the points that come. */
  readonly argumentType: ColumnType;
  readonly auxTypes: readonly ColumnType[];
  /** How many of the first aux columns are named inside of top() or bottom(). */
  readonly auxInside: number;
  /** Of GROUP BY time, 0n without. */
  readonly intervalNs: bigint;
  readonly offsetNs: bigint;
  readonly ascending: boolean;
  /** The times of points that a selector picks are seen; else the start of their window is, whichever of it was picked. */
  readonly showsTimes: boolean;
}

/** The statement around a call while its arguments are checked. */
export interface CheckContext {
  /** Of GROUP BY time, 0n without. */
  readonly intervalNs: bigint;
  /** The interval is that of the query around this one, which did not ask for it itself. */
  readonly isIntervalInherited: boolean;
  /** Throws unless `expr` may be read by `name()`: a field, a wildcard or a regular expression where those may stand. */
  symbol(name: string, expr: Expr): void;
  /** Checks a call inside of this one. */
  nested(expr: Expr): void;
  /** The same for a call that counts as one of the list, as those in technical functions do. */
  alone(expr: Expr): void;
}

/** Texts of errors are the reference's, thrown as DbError('invalid_argument'). */
interface Definition {
  readonly name: string;
  /** The arguments, as they were written: their number, kinds and values. Called before any shard is looked at. */
  check(args: readonly Expr[], context: CheckContext): void;
  /**
   * The type of what comes out of an argument of `type`; throws the reference's text where it has none for it, such as
   * `unsupported mean iterator type: *query.stringInterruptIterator`.
   */
  resultType(type: ColumnType, args: readonly Expr[]): ColumnType;
}

/** One value a window, at the window's start: may not stand beside fields. */
export interface AggregateDefinition extends Definition {
  readonly kind: 'aggregate';
  reducer(call: PlannedCall): WindowReducer;
}

/** Points of the window as they are: fields and tags may stand beside it. */
export interface SelectorDefinition extends Definition {
  readonly kind: 'selector';
  /**
   * True when selecting among what was selected from parts is the same as selecting from all: then shards select first
   * and send their choice alone.
   */
  readonly merges: boolean;
  /** The points keep their times under GROUP BY time, and no window is filled: top, bottom, sample. */
  readonly keepsTimes: boolean;
  reducer(call: PlannedCall): WindowReducer;
}

/** A stream to a stream. The argument may be a call if there is GROUP BY time. */
export interface TransformationDefinition extends Definition {
  readonly kind: 'transformation';
  /** So many windows before the range's start (after its end when descending) are read as well. */
  extraWindows(args: readonly Expr[]): number;
  transformation(call: PlannedCall): Transformation;
  /** A group that nothing comes of is a window without an answer, which ends the stream: holt_winters. */
  readonly answersGroups?: boolean;
}

export type FunctionDefinition =
  AggregateDefinition | SelectorDefinition | TransformationDefinition;
