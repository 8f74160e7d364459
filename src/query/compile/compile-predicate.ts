import { DbError } from '../../base/errors.ts';
import type { Expr } from '../../influxql/ast.ts';
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
  return {
    kind: 'compare',
    operator: operator as CompareOperator,
    left: operandOf(left, schema),
    right: operandOf(right, schema),
  };
}

function operandOf(expr: Expr, schema: MeasurementSchema): Operand {
  switch (expr.kind) {
    case 'paren':
      return operandOf(expr.expr, schema);
    case 'ref':
      return expr.type !== 'tag' && schema.fields.has(expr.name)
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

function invalid(expr: Expr): DbError {
  const name = expr.kind === 'ref' ? expr.name : expr.kind;
  return new DbError('invalid_argument', `invalid condition expression: ${name}`);
}
