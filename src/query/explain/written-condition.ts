import { formatRfc3339 } from '../../base/rfc3339.ts';
import type { BinaryOperator, Expr } from '../../influxql/ast.ts';
import { foldCondition, timeValue, type Now } from '../compile/time-value.ts';
import { isComparison } from '../plan/eval-type.ts';
import { isLiteral, reduceExpr, reduceOperator } from '../plan/reduce-expr.ts';
import { rewriteExpr, visitExpr } from '../plan/walk-expr.ts';

type Binary = Extract<Expr, { kind: 'binary' }>;

/**
 * A condition of a subquery as the reference tells it, with its bounds of time: constants worked out, sums with texts that are times as one
 * such text, and references with the types that they have in `typed`, the same without its bounds.
 */
export function writtenCondition(condition: Expr, typed: Expr | undefined, now: Now): Expr {
  const types = new Map<string, Expr>();
  if (typed !== undefined)
    visitExpr(typed, (part) => {
      if (part.kind === 'ref') types.set(part.name, part);
    });
  const written = rewriteExpr(condition, (part) => {
    if (part.kind === 'ref') return types.get(part.name) ?? part;
    if (part.kind !== 'binary') return part;
    return isComparison(part.operator) ? compared(part, now) : reduceOperator(part);
  });
  return withoutOuter(written);
}

function compared(expr: Binary, now: Now): Expr {
  const { left, right, operator } = expr;
  if (isTime(left)) return bound(operator, left, shown(right, now));
  if (isTime(right)) return bound(operator, shown(left, now), right);
  return foldCondition(expr, now);
}

function bound(operator: BinaryOperator, left: Expr, right: Expr): Expr {
  return { kind: 'binary', operator, left, right };
}

function isTime(expr: Expr): boolean {
  return expr.kind === 'ref' && expr.name.toLowerCase() === 'time';
}

function shown(expr: Expr, now: Now): Expr {
  const reduced = reduceExpr(expr);
  if (isLiteral(reduced)) return reduced;
  return { kind: 'string', value: formatRfc3339(timeValue(expr, now)) };
}

/** Parentheses around all of it say nothing. */
function withoutOuter(expr: Expr): Expr {
  return expr.kind === 'paren' ? expr.expr : expr;
}
