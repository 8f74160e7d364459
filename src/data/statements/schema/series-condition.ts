import { DbError } from '../../../base/errors.ts';
import type { BinaryOperator, Expr } from '../../../influxql/ast.ts';
import { compilePredicate } from '../../../query/compile/compile-predicate.ts';
import type { MeasurementSchema } from '../../../query/compile/schema.ts';
import type { Predicate } from '../../../query/predicate.ts';

const indexOperators: ReadonlySet<BinaryOperator> = new Set(['=', '!=', '=~', '!~', 'AND', 'OR']);

/** Conditions of SHOW know equality and patterns alone; anything else is refused wherever it stands (spec 6.2). */
export function checkIndexOperators(expr: Expr): void {
  if (expr.kind === 'paren') checkIndexOperators(expr.expr);
  if (expr.kind !== 'binary') return;
  if (!indexOperators.has(expr.operator)) throw invalid('invalid tag comparison operator');
  checkIndexOperators(expr.left);
  checkIndexOperators(expr.right);
}

/**
 * The condition of a SHOW statement over the series of one measurement. It asks the index alone: what compares with a
 * number or a boolean, or a field of the name, holds for every series, `_name` is the measurement, and two names stand for two tags.
 */
export function seriesPredicate(
  condition: Expr | undefined,
  schema: MeasurementSchema,
): Predicate | undefined {
  if (condition === undefined) return undefined;
  checkIndexOperators(condition);
  return predicateOf(condition, schema);
}

function predicateOf(expr: Expr, schema: MeasurementSchema): Predicate {
  if (expr.kind === 'paren') return predicateOf(expr.expr, schema);
  if (expr.kind !== 'binary') return compiled(expr, schema);
  const { operator } = expr;
  if (operator === 'AND' || operator === 'OR') {
    const left = predicateOf(expr.left, schema);
    const right = predicateOf(expr.right, schema);
    return { kind: operator === 'AND' ? 'and' : 'or', left, right };
  }
  const isSwapped = expr.left.kind !== 'ref' && expr.right.kind === 'ref';
  const [name, value] = isSwapped ? [expr.right, expr.left] : [expr.left, expr.right];
  if (name.kind !== 'ref')
    return areAlike(name, value) ? compiled(expr, schema) : { kind: 'constant', value: true };
  if (name.name === '_name') return compiled({ ...expr, left: text(schema.name), right: value }, schema); // prettier-ignore
  if (name.name === '_tagKey') return { kind: 'constant', value: true };
  if ([name, value].some((side) => isField(side, schema))) return { kind: 'constant', value: true };
  if (value.kind === 'ref') return tagsPredicate(name.name, operator, value.name);
  if (value.kind !== 'string' && value.kind !== 'regex') return { kind: 'constant', value: true };
  return compiled({ ...expr, left: { ...name, type: 'tag' }, right: value }, schema);
}

/** Literals that can be compared; what is left of others decides over no series. */
function areAlike(left: Expr, right: Expr): boolean {
  return isNumber(left) ? isNumber(right) : left.kind === right.kind;
}

function isNumber({ kind }: Expr): boolean {
  return kind === 'number' || kind === 'integer' || kind === 'unsigned';
}

function isField(expr: Expr, { fields }: MeasurementSchema): boolean {
  return expr.kind === 'ref' && expr.type !== 'tag' && fields.has(expr.name);
}

/** `a = b` holds for the series that have both tags, `a != b` for those that have the first alone. */
function tagsPredicate(first: string, operator: BinaryOperator, second: string): Predicate {
  const isThere = (name: string, there: boolean): Predicate => ({
    kind: 'compare',
    operator: there ? '!=' : '=',
    left: { kind: 'tag', name },
    right: { kind: 'constant', value: '' },
  });
  return { kind: 'and', left: isThere(first, true), right: isThere(second, operator === '=') };
}

function compiled(expr: Expr, schema: MeasurementSchema): Predicate {
  return compilePredicate(expr, schema) ?? { kind: 'constant', value: true };
}

function text(value: string): Expr {
  return { kind: 'string', value };
}

function invalid(message: string): DbError {
  return new DbError('invalid_argument', message);
}
