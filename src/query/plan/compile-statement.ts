import { DbError } from '../../base/errors.ts';
import { TimeZone } from '../../base/time-zone.ts';
import type { Expr, Field, Fill, Measurement, SelectStatement } from '../../influxql/ast.ts';
import { splitCondition, type TimeRange } from '../compile/split-condition.ts';
import { foldCondition, reduceCondition } from '../compile/time-value.ts';
import { checkCondition } from './check-condition.ts';
import { checkFields } from './check-fields.ts';
import { isMathFunction } from './math-functions.ts';
import { reduceExpr } from './reduce-expr.ts';
import { compileGroupBy, type GroupBy } from './time-dimension.ts';
import { rewriteExpr } from './walk-expr.ts';

/**
 * A SELECT that was looked at without any schema: valid as far as its text tells, time parted from the rest, constants
 * worked out, DISTINCT a call like others. Subqueries are compiled with what they take over from around them.
 */
export interface CompiledSelect {
  readonly fields: readonly Field[];
  readonly timeLabel: string;
  readonly sources: readonly CompiledSource[];
  /** Less its bounds of time. */
  readonly condition: Expr | undefined;
  /** As this statement bounds it itself. */
  readonly range: TimeRange;
  readonly groupBy: GroupBy;
  /** The query around this one has GROUP BY time and this one has not. */
  readonly isIntervalInherited: boolean;
  readonly ascending: boolean;
  readonly isRaw: boolean;
  readonly zone: TimeZone | undefined;
  readonly statement: SelectStatement;
  readonly fill: Fill;
}

export type CompiledSource =
  | { readonly kind: 'measurement'; readonly measurement: Measurement }
  | { readonly kind: 'subquery'; readonly select: CompiledSelect };

export interface AroundSelect {
  readonly nowNs: bigint;
  /** The query around, for a subquery. */
  readonly parent?: { readonly intervalNs: bigint; readonly ascending: boolean } | undefined;
}

/** Throws DbError invalid_argument with the reference's text, in the reference's order of checks. */
export function compileStatement(
  statement: SelectStatement,
  { nowNs, parent }: AroundSelect,
): CompiledSelect {
  const zone = statement.timeZone === undefined ? undefined : new TimeZone(statement.timeZone);
  const { range, rest } = splitCondition(statement.condition, nowNs, zone);
  if (rest !== undefined) checkCondition(reduceCondition(rest, { nowNs, zone }));
  const condition = rest && withoutTrue(foldCondition(rest, { nowNs, zone }));
  const groupBy = compileGroupBy(statement.dimensions, nowNs, zone);
  const ascending = statement.sortFields.every((field) => field.ascending);
  if (parent !== undefined && statement.sortFields.length > 0 && ascending !== parent.ascending)
    throw new DbError('invalid_argument', 'subqueries must be ordered in the same direction as the query itself'); // prettier-ignore
  const inheritedNs = groupBy.writtenNs === 0n ? (parent?.intervalNs ?? 0n) : 0n;
  const fields = statement.fields.map(({ expr, alias }) => ({ alias, expr: reduceExpr(expr) }));
  const others = fields.filter(({ expr }) => !isTime(expr));
  // Nulls of a subquery's windows would reach nobody: it is looked at as if it had asked for none.
  const fillKind = statement.fill?.kind ?? 'null';
  const isHidden = parent !== undefined && groupBy.intervalNs > 0n && fillKind === 'null';
  checkFields(others, {
    intervalNs: groupBy.writtenNs === 0n ? inheritedNs : groupBy.writtenNs,
    isIntervalInherited: inheritedNs > 0n,
    limit: statement.limit,
    hasTarget: statement.target !== undefined,
    fill: isHidden ? 'none' : fillKind,
  });
  const intervalNs = groupBy.intervalNs === 0n ? inheritedNs : groupBy.intervalNs;
  const listed = parent === undefined ? withoutTimes(fields) : { fields, timeLabel: 'time' };
  const direction = parent?.ascending ?? ascending;
  const sources = statement.sources.map((source): CompiledSource => {
    if (source.kind === 'measurement') return { kind: 'measurement', measurement: source };
    const around = { nowNs, parent: { intervalNs, ascending: direction } };
    return { kind: 'subquery', select: compileStatement(source.statement, around) };
  });
  return {
    fields: listed.fields.map(({ alias, expr }) => ({ alias, expr: asCalls(expr) })),
    timeLabel: listed.timeLabel,
    sources,
    condition,
    range,
    groupBy,
    isIntervalInherited: inheritedNs > 0n,
    ascending: direction,
    isRaw: !fields.some(({ expr }) => containsCall(expr)),
    zone,
    statement,
    fill: statement.fill ?? { kind: 'null' },
  };
}

/** A condition that always holds is none. */
function withoutTrue(condition: Expr): Expr | undefined {
  return condition.kind === 'boolean' && condition.value ? undefined : condition;
}

/**
 * Only the outermost list gives its time by itself; inside, `time` is a name that nothing has. The reference passes over
 * the field behind each time that it takes out, so that of two in a row the second stays, as such a name.
 */
function withoutTimes(fields: readonly Field[]): {
  readonly fields: readonly Field[];
  readonly timeLabel: string;
} {
  // prettier-ignore
  const kept: Field[] = [];
  let label = '';
  let isPassed = false;
  for (const field of fields) {
    const isTaken: boolean = !isPassed && isTime(field.expr);
    if (isTaken) label = field.alias;
    else kept.push(field);
    isPassed = isTaken;
  }
  return { fields: kept, timeLabel: label === '' ? 'time' : label };
}

function isTime(expr: Expr): boolean {
  return expr.kind === 'ref' && expr.name === 'time';
}

/** `DISTINCT field` is the call `distinct(field)` (spec 6.3), whose type a query around it does not know. */
function asCalls(expr: Expr): Expr {
  return rewriteExpr(expr, (part) =>
    part.kind === 'distinct'
      ? { kind: 'call', name: 'distinct', args: [{ kind: 'ref', name: part.name }], isClause: true }
      : part,
  );
}

/** Functions of a row's values do not make a query one of aggregates. */
function containsCall(root: Expr): boolean {
  let found = false;
  rewriteExpr(root, (part) => {
    if (part.kind === 'distinct' || (part.kind === 'call' && !isMathFunction(part.name)))
      found = true;
    return part;
  });
  return found;
}
