import { DbError } from '../../base/errors.ts';
import type { BinaryOperator, Expr } from '../../influxql/ast.ts';
import { printExpr } from '../../influxql/printer.ts';
import { typeText, type DataType } from './data-type.ts';
import { isMathFunction, mathType } from './math-functions.ts';
import { isLiteral } from './reduce-expr.ts';

/** The type of a reference that says none itself. */
export type TypeOfName = (name: string) => DataType;

const floatCalls: ReadonlySet<string> = new Set([
  'chande_momentum_oscillator',
  'derivative',
  'double_exponential_moving_average',
  'exponential_moving_average',
  'holt_winters',
  'holt_winters_with_fit',
  'integral',
  'kaufmans_adaptive_moving_average',
  'kaufmans_efficiency_ratio',
  'mean',
  'median',
  'moving_average',
  'non_negative_derivative',
  'relative_strength_index',
  'stddev',
  'triple_exponential_derivative',
  'triple_exponential_moving_average',
]);

/**
 * The type of an expression's values, found bottom up without the call stack. Throws the reference's `type error`
 * where an operator has two types that do not go together.
 */
export function typeOfExpr(root: Expr, ofName: TypeOfName): DataType {
  const order: Expr[] = [];
  const pending: Expr[] = [root];
  for (let expr = pending.pop(); expr !== undefined; expr = pending.pop()) {
    order.push(expr);
    if (expr.kind === 'paren') pending.push(expr.expr);
    else if (expr.kind === 'binary') pending.push(expr.left, expr.right);
    else if (expr.kind === 'call') pending.push(...expr.args);
  }
  const types = new Map<Expr, DataType>();
  for (let i = order.length - 1; i >= 0; i--) {
    const expr = order[i] as Expr;
    types.set(expr, typeOfNode(expr, types, ofName));
  }
  return types.get(root);
}

function typeOfNode(expr: Expr, types: ReadonlyMap<Expr, DataType>, ofName: TypeOfName): DataType {
  switch (expr.kind) {
    case 'ref':
      return expr.type !== undefined && expr.type !== 'field' ? expr.type : ofName(expr.name);
    case 'paren':
      return types.get(expr.expr);
    case 'call':
      return callType(
        expr.name,
        expr.args.map((arg) => types.get(arg)),
      );
    case 'binary':
      return binaryType(expr, types.get(expr.left), types.get(expr.right));
    case 'number':
      return 'float';
    case 'integer':
    case 'unsigned':
    case 'string':
    case 'boolean':
      return expr.kind;
    default:
      return undefined;
  }
}

function callType(name: string, args: readonly DataType[]): DataType {
  // As the reference has it: what a function of a row's values gives is of its argument's type where that is known.
  if (isMathFunction(name)) return args[0] ?? mathType(name, args);
  if (name === 'count' || name === 'elapsed' || name === 'sum_hll') return 'integer';
  if (name === 'count_hll') return 'string';
  return floatCalls.has(name) ? 'float' : args[0];
}

function binaryType(
  expr: Extract<Expr, { kind: 'binary' }>,
  left: DataType,
  right: DataType,
): DataType {
  checkSigns(expr, left, right);
  if (left === undefined || right === undefined) return left ?? right;
  const type = resultType(expr.operator, left, right);
  if (type === undefined)
    throw typeError(expr, `incompatible types: ${typeText(left)} and ${typeText(right)}`);
  return type;
}

function checkSigns(
  expr: Extract<Expr, { kind: 'binary' }>,
  left: DataType,
  right: DataType,
): void {
  const isMixed =
    (left === 'unsigned' && right === 'integer') || (left === 'integer' && right === 'unsigned');
  if (!isMixed) return;
  const [unsigned, integer] =
    left === 'unsigned' ? [expr.left, expr.right] : [expr.right, expr.left];
  if (isLiteral(unsigned))
    throw typeError(expr, `cannot use ${expr.operator} with an integer and unsigned literal`);
  if (!isLiteral(integer))
    throw typeError(expr, `cannot use ${expr.operator} between an integer and unsigned, an explicit cast is required`); // prettier-ignore
}

function typeError(expr: Expr, text: string): DbError {
  return new DbError('invalid_argument', `type error: ${printExpr(expr)}: ${text}`);
}

/** The type of a result of two known types; undefined where the operator does not take them. */
export function resultType(operator: BinaryOperator, left: DataType, right: DataType): DataType {
  if (isComparison(operator)) return 'boolean';
  const isBits = operator === '&' || operator === '|' || operator === '^';
  // Beside anything else a boolean on the left gives a boolean too, which is false.
  if (left === 'boolean' && isBits && right !== undefined) return 'boolean';
  if (left === 'boolean' && right === 'boolean')
    return isBits || operator === 'AND' || operator === 'OR' ? 'boolean' : undefined;
  const isNumber = (type: DataType) =>
    type === 'float' || type === 'integer' || type === 'unsigned';
  if (!isNumber(left) || !isNumber(right) || operator === 'AND' || operator === 'OR')
    return undefined;
  if (left === 'float' || right === 'float') return isBits ? undefined : 'float';
  return left === 'unsigned' || right === 'unsigned' ? 'unsigned' : 'integer';
}

export function isComparison(operator: BinaryOperator): boolean {
  return ['=', '!=', '<', '<=', '>', '>=', '=~', '!~'].includes(operator);
}
