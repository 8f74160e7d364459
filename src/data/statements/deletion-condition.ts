/**
 * The condition of DELETE and DROP SERIES over the series of one measurement. Tags and the measurement decide; points are not
 * looked at, so that a term which would have to is refused, and nothing is deleted: a number or a boolean beside a name
 * (`id = 7`, where the tag is the text '7'), a field, arithmetic, a call. The reference refuses the same once a series is left
 * that only such a term could decide over; here it is refused wherever it stands.
 */
import { DbError } from '../../base/errors.ts';
import type { BinaryOperator, Expr } from '../../influxql/ast.ts';
import { compilePredicate } from '../../query/compile/compile-predicate.ts';
import type { MeasurementSchema } from '../../query/compile/schema.ts';
import { isComparison } from '../../query/plan/eval-type.ts';
import { reduceExpr } from '../../query/plan/reduce-expr.ts';
import { rewriteExpr } from '../../query/plan/walk-expr.ts';
import type { Predicate } from '../../query/predicate.ts';

type Ref = Extract<Expr, { kind: 'ref' }>;
type Binary = Extract<Expr, { kind: 'binary' }>;

const equalities: ReadonlySet<BinaryOperator> = new Set(['=', '!=', '=~', '!~']);

/** Undefined for all series. Throws `invalid_argument` for what the index cannot tell. */
export function deletionPredicate(
  condition: Expr | undefined,
  schema: MeasurementSchema,
): Predicate | undefined {
  if (condition === undefined) return undefined;
  const ofTags = rewriteExpr(reduceExpr(condition), (part) => {
    if (part.kind !== 'binary') return part;
    return part.operator === 'AND' || part.operator === 'OR' ? part : tagTerm(part, schema);
  });
  return compilePredicate(ofTags, schema);
}

function tagTerm(expr: Binary, schema: MeasurementSchema): Expr {
  const { operator, left, right } = expr;
  const [key, value] = left.kind === 'ref' ? [left, right] : [right, left];
  if (key.kind !== 'ref') throw refused();
  if ([key, value].some((side) => isField(side, schema))) throw refused();
  const isText = value.kind === 'string' || value.kind === 'regex' || value.kind === 'ref';
  if (!isText || !isComparison(operator)) throw refused();
  // In the reference an order of texts is as good as `!=`: it deletes what nobody named.
  if (!equalities.has(operator)) throw invalid('invalid tag comparison operator');
  if (value.kind === 'ref') return tagsTerm(key, operator, value);
  return { ...expr, left: asTag(key), right: value };
}

/** `a = b` holds for the series that have both tags, `a != b` for those that have the first alone. */
function tagsTerm(first: Ref, operator: BinaryOperator, second: Ref): Expr {
  const isThere = (ref: Ref, there: boolean): Expr => ({
    kind: 'binary',
    operator: there ? '!=' : '=',
    left: asTag(ref),
    right: { kind: 'string', value: '' },
  });
  return { kind: 'binary', operator: 'AND', left: isThere(first, true), right: isThere(second, operator === '=') }; // prettier-ignore
}

function asTag(ref: Ref): Ref {
  return { ...ref, type: 'tag' };
}

function isField(expr: Expr, { fields }: MeasurementSchema): boolean {
  if (expr.kind !== 'ref' || expr.name === '_name' || expr.type === 'tag') return false;
  return expr.type !== undefined || fields.has(expr.name);
}

function refused(): DbError {
  return invalid('fields not supported in WHERE clause during deletion');
}

function invalid(text: string): DbError {
  return new DbError('invalid_argument', text);
}
