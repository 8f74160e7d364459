/** A continuous query as its runner needs it: what it selects, and by which rules it runs (spec F66). */
import { DbError } from '../base/errors.ts';
import { formatRfc3339 } from '../base/rfc3339.ts';
import { TimeZone } from '../base/time-zone.ts';
import type { Expr, SelectStatement, Statement } from '../influxql/ast.ts';
import { parseQuery } from '../influxql/parser.ts';
import { compileGroupBy } from '../query/plan/time-dimension.ts';
import { reduceExpr } from '../query/plan/reduce-expr.ts';
import { rewriteExpr, visitExpr } from '../query/plan/walk-expr.ts';

/** Durations in nanoseconds. */
export interface Resampling {
  /** Of GROUP BY time(); 0 when it has none, and then it never runs. */
  readonly intervalNs: bigint;
  readonly offsetNs: bigint;
  /** RESAMPLE EVERY and FOR; 0 when not given. */
  readonly everyNs: bigint;
  readonly forNs: bigint;
  /** Of tz(); UTC without. */
  readonly zone: TimeZone | undefined;
}

export interface ContinuousSelect {
  readonly select: SelectStatement;
  /** The rules as they are now: an offset may be `now()`. */
  readonly resampling: (nowNs: bigint) => Resampling;
}

type Created = Extract<Statement, { kind: 'create-continuous-query' }>;

/** Reads the statement that made it. Throws `parse_error`, `invalid_argument` for one that cannot run. */
export function parseContinuousQuery(text: string): ContinuousSelect {
  const [statement] = parseQuery(text);
  if (statement?.kind !== 'create-continuous-query' || statement.select.target === undefined)
    throw new DbError('invalid_argument', "query isn't a valid continuous query");
  const { select, resampleEveryNs = 0n, resampleForNs = 0n }: Created = statement;
  const zone = select.timeZone === undefined ? undefined : new TimeZone(select.timeZone);
  const resampling = (nowNs: bigint): Resampling => {
    const { intervalNs, offsetNs } = compileGroupBy(select.dimensions, nowNs, zone);
    // The reference looks at the interval first: without one there is nothing to complain of.
    if (intervalNs !== 0n && !isAggregate(select))
      throw new DbError('invalid_argument', 'continuous queries must be aggregate queries');
    return { intervalNs, offsetNs, everyNs: resampleEveryNs, forNs: resampleForNs, zone };
  };
  return { select, resampling };
}

/** The select over [startNs, endNs) only: what it says of time itself does not count. */
export function withTimeRange(
  select: SelectStatement,
  { startNs, endNs }: { readonly startNs: bigint; readonly endNs: bigint },
): SelectStatement {
  const range = and(timeIs('>=', startNs), timeIs('<', endNs));
  const own = select.condition === undefined ? undefined : withoutTime(select.condition);
  const isEmpty = own === undefined || (own.kind === 'boolean' && own.value);
  return { ...select, condition: isEmpty ? range : and({ kind: 'paren', expr: own }, range) };
}

function isAggregate({ fields }: SelectStatement): boolean {
  let isFound = false;
  for (const { expr } of fields)
    visitExpr(expr, (one) => {
      isFound ||= one.kind === 'call';
    });
  return isFound;
}

/** As the reference does it: what compares `time` holds always, and so does any call that stands in a condition. */
function withoutTime(condition: Expr): Expr {
  const always: Expr = { kind: 'boolean', value: true };
  const open = rewriteExpr(condition, (expr) => {
    if (expr.kind === 'call') return always;
    if (expr.kind !== 'binary' || expr.left.kind !== 'ref') return expr;
    return expr.left.name.toLowerCase() === 'time' ? always : expr;
  });
  return reduceExpr(open);
}

function timeIs(operator: '>=' | '<', timeNs: bigint): Expr {
  return {
    kind: 'binary',
    operator,
    left: { kind: 'ref', name: 'time' },
    // In words, as those see it who list the queries.
    right: { kind: 'string', value: formatRfc3339(timeNs) },
  };
}

function and(left: Expr, right: Expr): Expr {
  return { kind: 'binary', operator: 'AND', left, right };
}
