import { DbError } from '../../base/errors.ts';
import type { Expr } from '../../influxql/ast.ts';
import { printExpr } from '../../influxql/printer.ts';
import type { ArithmeticOperator, CompareOperator, Operand, Predicate } from '../predicate.ts';
import type { MeasurementSchema } from './schema.ts';

const compareOperators: ReadonlySet<string> = new Set(['=', '!=', '<', '<=', '>', '>=']);
const arithmeticOperators: ReadonlySet<string> = new Set(['+', '-', '*', '/', '%', '&', '|', '^']);

/**
 * A condition with its names resolved against a measurement. A name that is neither field nor tag stands for an absent
 * tag, as in the reference.
 */
export function compilePredicate(
  condition: Expr | undefined,
  schema: MeasurementSchema,
): Predicate | undefined {
  return condition === undefined ? undefined : predicateOf(condition, schema);
}

function predicateOf(expr: Expr, schema: MeasurementSchema): Predicate {
  if (expr.kind === 'paren') return predicateOf(expr.expr, schema);
  if (expr.kind === 'boolean') return { kind: 'constant', value: expr.value };
  if (expr.kind !== 'binary') throw invalid(expr);
  const { operator, left, right } = expr;
  if (operator === 'AND' || operator === 'OR')
    return {
      kind: operator === 'AND' ? 'and' : 'or',
      left: predicateOf(left, schema),
      right: predicateOf(right, schema),
    };
  if (operator === '=~' || operator === '!~') {
    if (right.kind !== 'regex') throw invalid(expr);
    const operand = operandOf(left, schema);
    return { kind: 'match', operand, pattern: right.source, negated: operator === '!~' };
  }
  if (!compareOperators.has(operator)) throw invalid(expr);
  // Text knows no order in the reference, and a bound pattern beside `=` is equal to nothing.
  const isOrder = operator !== '=' && operator !== '!=';
  if (isOrder && (isText(left, schema) || isText(right, schema))) return never;
  if (isRegex(left) || isRegex(right)) return never;
  return {
    kind: 'compare',
    operator: operator as CompareOperator,
    left: operandOf(left, schema),
    right: operandOf(right, schema),
  };
}

const never: Predicate = { kind: 'constant', value: false };

function isText(expr: Expr, schema: MeasurementSchema): boolean {
  if (expr.kind === 'paren') return isText(expr.expr, schema);
  if (expr.kind === 'string') return true;
  if (expr.kind !== 'ref') return false;
  const type = expr.type === 'tag' ? undefined : schema.fields.get(expr.name);
  return type === undefined ? schema.tagKeys.has(expr.name) : type === 'string';
}

function isRegex(expr: Expr): boolean {
  return expr.kind === 'paren' ? isRegex(expr.expr) : expr.kind === 'regex';
}

function operandOf(expr: Expr, schema: MeasurementSchema): Operand {
  switch (expr.kind) {
    case 'paren':
      return operandOf(expr.expr, schema);
    case 'ref':
      checkCast(expr, schema);
      return isField(expr, schema)
        ? { kind: 'field', name: expr.name }
        : { kind: 'tag', name: expr.name };
    case 'integer':
    case 'unsigned':
    case 'number':
    case 'string':
    case 'boolean':
      return { kind: 'constant', value: expr.value };
    case 'duration':
      return { kind: 'constant', value: expr.valueNs };
    case 'binary':
      if (!arithmeticOperators.has(expr.operator)) throw invalid(expr);
      return {
        kind: 'arithmetic',
        operator: expr.operator as ArithmeticOperator,
        left: operandOf(expr.left, schema),
        right: operandOf(expr.right, schema),
      };
    default:
      throw invalid(expr);
  }
}

function isField(
  { name, type }: Extract<Expr, { kind: 'ref' }>,
  schema: MeasurementSchema,
): boolean {
  return type === undefined ? schema.fields.has(name) : type !== 'tag';
}

/** A cast holds a comparison to the rows where the field is of that type; one that converts is still to come. */
function checkCast(
  { name, type }: Extract<Expr, { kind: 'ref' }>,
  schema: MeasurementSchema,
): void {
  const stored = schema.fields.get(name);
  if (type === undefined || type === 'tag' || type === 'field' || type === stored) return;
  if (stored !== undefined) {
    const text = `a cast to ${type} in WHERE is not supported in this version`;
    throw new DbError('unsupported', text);
  }
}

function invalid(expr: Expr): DbError {
  if (expr.kind === 'call')
    return new DbError('unsupported', `function ${expr.name}() in WHERE is not supported in this version`); // prettier-ignore
  return new DbError('invalid_argument', `invalid condition expression: ${printExpr(expr)}`);
}
