import type { BinaryOperator, Expr } from '../../influxql/ast.ts';
import { wholeOf } from '../exec/columns/column-builder.ts';
import { evaluateMath, isMathFunction, takesArguments } from './math-functions.ts';
import { rewriteExpr } from './walk-expr.ts';

/**
 * Constant parts of an expression worked out, as the reference does before it looks at one: `10 - 2` is one literal, and
 * parentheses stay around operators alone. `/` of two integers gives a float.
 */
export function reduceExpr(expr: Expr): Expr {
  const reduced = rewriteExpr(expr, reduceNode);
  return reduced.kind === 'paren' ? reduced.expr : reduced;
}

/** The same without unwrapping the outermost parentheses. */
export function reduceNode(expr: Expr): Expr {
  return expr.kind === 'call' ? reduceMath(expr) : reduceOperator(expr);
}

/** The same with calls left as they are written. */
export function reduceOperator(expr: Expr): Expr {
  if (expr.kind === 'paren') return expr.expr.kind === 'binary' ? expr : expr.expr;
  return expr.kind === 'binary' ? reduceBinary(expr) : expr;
}

function reduceMath(expr: Extract<Expr, { kind: 'call' }>): Expr {
  const { name, args } = expr;
  if (!isMathFunction(name) || !args.every(isLiteral)) return expr;
  // Their number is found fault with where the call is checked.
  if (!takesArguments(name, args.length)) return expr;
  const values = args.flatMap((arg) =>
    arg.kind === 'number' || arg.kind === 'integer' || arg.kind === 'unsigned' ? [arg.value] : [],
  );
  // Of literals that are no numbers it is nothing, and what asks for it has no variable.
  if (values.length !== args.length) return { kind: 'list', names: [] };
  const value = evaluateMath(name, values, args[0]?.kind === 'unsigned');
  if (typeof value === 'number') return { kind: 'number', value };
  return { kind: args[0]?.kind === 'unsigned' ? 'unsigned' : 'integer', value };
}

export function isLiteral({ kind }: Expr): boolean {
  return (
    kind === 'number' ||
    kind === 'integer' ||
    kind === 'unsigned' ||
    kind === 'string' ||
    kind === 'boolean' ||
    kind === 'duration' ||
    kind === 'regex' ||
    kind === 'list'
  );
}

type Binary = Extract<Expr, { kind: 'binary' }>;

function reduceBinary(expr: Binary): Expr {
  const { operator, left, right } = expr;
  if (operator === 'AND' || operator === 'OR') {
    const decides = operator === 'OR';
    for (const [one, other] of [
      [left, right],
      [right, left],
    ] as const)
      if (one.kind === 'boolean')
        return one.value === decides ? { kind: 'boolean', value: decides } : other;
  }
  const nothing = besideNothing(expr);
  if (nothing !== undefined) return nothing;
  if (left.kind === 'boolean' && right.kind === 'boolean')
    return booleans(operator, left.value, right.value) ?? expr;
  if (left.kind === 'string' && right.kind === 'string')
    return strings(operator, left.value, right.value) ?? expr;
  if (left.kind === 'duration') return durations(expr, left.valueNs) ?? expr;
  if (left.kind === 'integer' && right.kind === 'integer')
    return integers(operator, left.value, right.value) ?? expr;
  if (left.kind === 'unsigned' || right.kind === 'unsigned') return unsigneds(expr) ?? expr;
  const isNumber = (one: Expr) => one.kind === 'number' || one.kind === 'integer';
  if (!isNumber(left) || !isNumber(right)) return expr;
  return numbers(operator, numberOf(left), numberOf(right)) ?? expr;
}

/** An operator beside a call that came to nothing; undefined where none is, or where the reference leaves it as it stands. */
function besideNothing({ operator, left, right }: Binary): Expr | undefined {
  const never: Expr = { kind: 'boolean', value: false };
  const isEquality = operator === '=' || operator === '!=';
  if (isNothing(left)) return isEquality ? never : undefined;
  if (!isNothing(right)) return undefined;
  const { kind } = left;
  if (kind === 'string') return isEquality ? never : undefined;
  const isDecided = kind === 'boolean' || kind === 'duration' || kind === 'integer' || kind === 'number'; // prettier-ignore
  return isDecided ? never : undefined;
}

function isNothing(expr: Expr): boolean {
  return expr.kind === 'list' && expr.names.length === 0;
}

function numberOf(expr: Expr): number {
  return expr.kind === 'number' || expr.kind === 'integer' || expr.kind === 'unsigned'
    ? Number(expr.value)
    : 0;
}

function booleans(operator: BinaryOperator, left: boolean, right: boolean): Expr | undefined {
  switch (operator) {
    case '=':
      return { kind: 'boolean', value: left === right };
    case '!=':
    case '^':
      return { kind: 'boolean', value: left !== right };
    case '&':
      return { kind: 'boolean', value: left && right };
    case '|':
      return { kind: 'boolean', value: left || right };
    default:
      return undefined;
  }
}

function strings(operator: BinaryOperator, left: string, right: string): Expr | undefined {
  if (operator === '=') return { kind: 'boolean', value: left === right };
  if (operator === '!=') return { kind: 'boolean', value: left !== right };
  return operator === '+' ? { kind: 'string', value: left + right } : undefined;
}

/** Comparisons of any two of a kind. */
export function comparedValues<T extends number | bigint>(
  operator: BinaryOperator,
  left: T,
  right: T,
): Expr | undefined {
  switch (operator) {
    case '=':
      return { kind: 'boolean', value: left === right };
    case '!=':
      return { kind: 'boolean', value: left !== right };
    case '<':
      return { kind: 'boolean', value: left < right };
    case '<=':
      return { kind: 'boolean', value: left <= right };
    case '>':
      return { kind: 'boolean', value: left > right };
    case '>=':
      return { kind: 'boolean', value: left >= right };
    default:
      return undefined;
  }
}

function durations({ operator, right }: Binary, leftNs: bigint): Expr | undefined {
  if (right.kind === 'duration') {
    if (operator === '+') return { kind: 'duration', valueNs: leftNs + right.valueNs };
    if (operator === '-') return { kind: 'duration', valueNs: leftNs - right.valueNs };
    return comparedValues(operator, leftNs, right.valueNs);
  }
  if (right.kind !== 'number' && right.kind !== 'integer') return undefined;
  const by = right.kind === 'integer' ? right.value : wholeOf(right.value);
  if (operator === '*') return { kind: 'duration', valueNs: BigInt.asIntN(64, leftNs * by) };
  if (operator === '/') return { kind: 'duration', valueNs: by === 0n ? 0n : leftNs / by };
  return undefined;
}

function integers(operator: BinaryOperator, left: bigint, right: bigint): Expr | undefined {
  const integer = (value: bigint): Expr => ({ kind: 'integer', value: BigInt.asIntN(64, value) });
  switch (operator) {
    case '+':
      return integer(left + right);
    case '-':
      return integer(left - right);
    case '*':
      return integer(left * right);
    case '/':
      return { kind: 'number', value: right === 0n ? 0 : Number(left) / Number(right) };
    case '%':
      return integer(right === 0n ? 0n : left % right);
    case '&':
      return integer(left & right);
    case '|':
      return integer(left | right);
    case '^':
      return integer(left ^ right);
    default:
      return comparedValues(operator, left, right);
  }
}

function unsigneds({ operator, left, right }: Binary): Expr | undefined {
  const isWhole = (one: Expr) => one.kind === 'unsigned' || one.kind === 'integer';
  if (!isWhole(left) || !isWhole(right)) {
    const known = (one: Expr) => isWhole(one) || one.kind === 'number';
    return known(left) && known(right)
      ? numbers(operator, numberOf(left), numberOf(right))
      : undefined;
  }
  const a = 'value' in left ? left.value : 0n;
  const b = 'value' in right ? right.value : 0n;
  const isEquality = operator === '=' || operator === '!=';
  const compared = isEquality
    ? comparedValues(operator, BigInt.asUintN(64, a), BigInt.asUintN(64, b))
    : comparedValues(operator, a, b);
  if (compared !== undefined) return compared;
  if (operator === '/') return { kind: 'unsigned', value: b === 0n ? 0n : a / b };
  if (operator === '&' || operator === '|' || operator === '^') return undefined;
  const value = operator === '+' ? a + b : operator === '-' ? a - b : operator === '*' ? a * b : b === 0n ? 0n : a % b; // prettier-ignore
  return { kind: 'unsigned', value: BigInt.asUintN(64, value) };
}

function numbers(operator: BinaryOperator, left: number, right: number): Expr | undefined {
  switch (operator) {
    case '+':
      return { kind: 'number', value: left + right };
    case '-':
      return { kind: 'number', value: left - right };
    case '*':
      return { kind: 'number', value: left * right };
    case '/':
      return { kind: 'number', value: right === 0 ? 0 : left / right };
    case '%':
      return { kind: 'number', value: left % right };
    default:
      return comparedValues(operator, left, right);
  }
}
