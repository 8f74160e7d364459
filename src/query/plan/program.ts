import { assert } from '../../base/assert.ts';
import type { BinaryOperator, Expr } from '../../influxql/ast.ts';
import { columnTypeOf, type DataType } from './data-type.ts';
import { resultType } from './eval-type.ts';
import { evaluateMath, isMathFunction, takesArguments, type MathName } from './math-functions.ts';
import type { MatcherFactory, Value } from '../value.ts';

/**
 * An expression over the values of one row, as instructions for a small stack: no recursion, however long a chain of
 * terms is. Each instruction pushes one value and knows its type, since int64 and uint64 look alike.
 */
export interface Program {
  readonly steps: readonly Step[];
  /** Of the result. */
  readonly type: DataType;
  /** What is missing beside a boolean counts as false; not so in the conditions of stored points. */
  readonly isMissingFalse: boolean;
}

/** Where an expression stands. */
export interface ProgramRules {
  /** In the list `/` of two integers gives a float, in a condition an integer (spec 6.4). */
  readonly isFloatDivision: boolean;
  readonly isMissingFalse: boolean;
}

export type Step =
  | { readonly kind: 'input'; readonly index: number }
  | { readonly kind: 'constant'; readonly value: Value | null }
  | { readonly kind: 'binary'; readonly operator: BinaryOperator; readonly left: DataType; readonly right: DataType; readonly isFloatDivision: boolean } // prettier-ignore
  | { readonly kind: 'match'; readonly pattern: string; readonly negated: boolean }
  | { readonly kind: 'math'; readonly name: MathName; readonly count: number; readonly isUnsigned: boolean }; // prettier-ignore

export interface ProgramInput {
  readonly index: number;
  readonly type: DataType;
}

/** `inputOf` says which expressions are read rather than computed. */
export function compileProgram(
  root: Expr,
  inputOf: (expr: Expr) => ProgramInput | undefined,
  { isFloatDivision, isMissingFalse }: ProgramRules,
): Program {
  const steps: Step[] = [];
  const types: DataType[] = [];
  const pending: { readonly expr: Expr; readonly isReady: boolean }[] = [{ expr: root, isReady: false }]; // prettier-ignore
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { expr, isReady } = next;
    const input = isReady ? undefined : inputOf(expr);
    if (input !== undefined) {
      steps.push({ kind: 'input', index: input.index });
      types.push(input.type);
      continue;
    }
    if (expr.kind === 'paren') pending.push({ expr: expr.expr, isReady: false });
    else if (!isReady && (expr.kind === 'binary' || expr.kind === 'call')) {
      pending.push({ expr, isReady: true });
      const isMatch = expr.kind === 'binary' && expr.right.kind === 'regex';
      const parts = expr.kind === 'call' ? expr.args : isMatch ? [expr.left] : [expr.left, expr.right]; // prettier-ignore
      for (const part of parts.toReversed()) pending.push({ expr: part, isReady: false });
    } else push(expr, { steps, types, isFloatDivision });
  }
  return { steps, type: types[0], isMissingFalse };
}

interface Target {
  readonly steps: Step[];
  readonly types: DataType[];
  readonly isFloatDivision: boolean;
}

/** A constant, or an operator whose operands are on the stack. */
function push(expr: Expr, { steps, types, isFloatDivision }: Target): void {
  switch (expr.kind) {
    case 'binary': {
      if (expr.right.kind === 'regex') {
        const isMatch = expr.operator === '=~' || expr.operator === '!~';
        types.pop();
        types.push('boolean');
        if (isMatch)
          steps.push({ kind: 'match', pattern: expr.right.source, negated: expr.operator === '!~' }); // prettier-ignore
        else steps.push({ kind: 'match', pattern: '$.^', negated: false });
        return;
      }
      const right = types.pop();
      const left = types.pop();
      if (left === 'boolean') falseForNothing(steps, steps.length - 1);
      else if (right === 'boolean' && isOperand(steps.at(-1)))
        falseForNothing(steps, steps.length - 2);
      const isFloat = expr.operator === '/' && isFloatDivision && left === 'integer' && right === 'integer'; // prettier-ignore
      steps.push({ kind: 'binary', operator: expr.operator, left, right, isFloatDivision: isFloat }); // prettier-ignore
      types.push(isFloat ? 'float' : stackType(expr.operator, left, right));
      return;
    }
    case 'call': {
      const args = types.splice(types.length - expr.args.length);
      if (!isMathFunction(expr.name) || !takesArguments(expr.name, args.length)) {
        for (const _ of args) steps.pop();
        steps.push({ kind: 'constant', value: null });
        types.push(undefined);
        return;
      }
      const keepsType = ['abs', 'ceil', 'floor', 'round'].includes(expr.name);
      steps.push({ kind: 'math', name: expr.name, count: args.length, isUnsigned: args[0] === 'unsigned' }); // prettier-ignore
      types.push(keepsType ? args[0] : 'float');
      return;
    }
    case 'number':
    case 'integer':
    case 'unsigned':
    case 'string':
    case 'boolean':
      steps.push({ kind: 'constant', value: expr.value });
      types.push(expr.kind === 'number' ? 'float' : expr.kind);
      return;
    // A duration is no value of a row in the reference, though it has a place in arithmetic.
    default:
      steps.push({ kind: 'constant', value: null });
      types.push(undefined);
  }
}

/** Beside a boolean what is never a value, as a length of time, counts as false. */
function falseForNothing(steps: Step[], at: number): void {
  const step = steps[at];
  if (step?.kind === 'constant' && step.value === null)
    steps[at] = { kind: 'constant', value: false };
}

function isOperand(step: Step | undefined): boolean {
  return step?.kind === 'input' || step?.kind === 'constant';
}

function stackType(operator: BinaryOperator, left: DataType, right: DataType): DataType {
  if (left === undefined || right === undefined) {
    const known = left ?? right;
    return known === undefined ? undefined : (resultType(operator, known, known) ?? known);
  }
  return resultType(operator, left, right);
}

/** The value of a row; `read` gives that of an input, null where it has none. */
export function runProgram(
  { steps, isMissingFalse }: Program,
  read: (index: number) => Value | null,
  matcher: MatcherFactory,
): Value | null {
  const stack: (Value | null)[] = [];
  for (const step of steps) {
    switch (step.kind) {
      case 'input':
        stack.push(read(step.index));
        break;
      case 'constant':
        stack.push(step.value);
        break;
      case 'match': {
        const text = stack.pop();
        stack.push(typeof text === 'string' && matcher(step.pattern)(text) !== step.negated);
        break;
      }
      case 'math': {
        const args = stack.splice(stack.length - step.count);
        const numbers = args.flatMap((arg) =>
          typeof arg === 'number' || typeof arg === 'bigint' ? [arg] : [],
        );
        const isWhole = numbers.length === args.length;
        stack.push(isWhole ? evaluateMath(step.name, numbers, step.isUnsigned) : null);
        break;
      }
      case 'binary': {
        const right = stack.pop() ?? null;
        const left = stack.pop() ?? null;
        stack.push(evaluateBinary(step, left, right, isMissingFalse));
      }
    }
  }
  assert(stack.length === 1, 'a program leaves one value');
  return stack[0] ?? null;
}

type BinaryStep = Extract<Step, { kind: 'binary' }>;

function evaluateBinary(
  step: BinaryStep,
  left: Value | null,
  right: Value | null,
  isMissingFalse: boolean,
): Value | null {
  const { operator } = step;
  const missing = isMissingFalse ? false : null;
  if (typeof left === 'boolean') return booleans(operator, left, right ?? missing);
  if (typeof right === 'boolean' && left === null && isMissingFalse)
    return booleans(operator, false, right);
  if (typeof left === 'string') {
    if (typeof right !== 'string') return isOrder(operator) ? false : null;
    if (operator === '=') return left === right;
    if (operator === '!=') return left !== right;
    return isOrder(operator) ? false : null;
  }
  const areNumbers = isNumber(left) && isNumber(right);
  if (!areNumbers) return isOrder(operator) ? false : null;
  if (typeof left === 'number' || typeof right === 'number')
    return floats(operator, Number(left), Number(right));
  const isUnsigned = step.left === 'unsigned' || step.right === 'unsigned';
  return integers(step, left, right, isUnsigned);
}

function isNumber(value: Value | null): value is number | bigint {
  return typeof value === 'number' || typeof value === 'bigint';
}

function isOrder(operator: BinaryOperator): boolean {
  return ['=', '!=', '<', '<=', '>', '>='].includes(operator);
}

function booleans(operator: BinaryOperator, left: boolean, right: Value | null): Value | null {
  const isSame = typeof right === 'boolean';
  const other = isSame && right;
  switch (operator) {
    case 'AND':
    case '&':
      return isSame && left && other;
    case 'OR':
    case '|':
      return isSame && (left || other);
    case '=':
      return isSame && left === other;
    case '!=':
    case '^':
      return isSame && left !== other;
    default:
      return isOrder(operator) ? false : null;
  }
}

function floats(operator: BinaryOperator, left: number, right: number): Value | null {
  switch (operator) {
    case '+':
      return left + right;
    case '-':
      return left - right;
    case '*':
      return left * right;
    case '/':
      return right === 0 ? 0 : left / right;
    case '%':
      return left % right;
    default:
      return ordered(operator, left, right);
  }
}

function ordered<T extends number | bigint>(
  operator: BinaryOperator,
  left: T,
  right: T,
): boolean | null {
  switch (operator) {
    case '=':
      return left === right;
    case '!=':
      return left !== right;
    case '<':
      return left < right;
    case '<=':
      return left <= right;
    case '>':
      return left > right;
    case '>=':
      return left >= right;
    default:
      return null;
  }
}

/** int64 and uint64 wrap; beside a uint64 an int64 counts as one, but in an order it stands by its sign. */
function integers(
  { operator, isFloatDivision }: BinaryStep,
  left: bigint,
  right: bigint,
  isUnsigned: boolean,
): Value | null {
  const a = isUnsigned ? BigInt.asUintN(64, left) : left;
  const b = isUnsigned ? BigInt.asUintN(64, right) : right;
  const isEquality = operator === '=' || operator === '!=';
  const compared = isEquality ? ordered(operator, a, b) : ordered(operator, left, right);
  if (compared !== null) return compared;
  if (isFloatDivision) return right === 0n ? 0 : Number(left) / Number(right);
  const result = wholeResult(operator, a, b);
  if (result === null) return null;
  return isUnsigned ? BigInt.asUintN(64, result) : BigInt.asIntN(64, result);
}

function wholeResult(operator: BinaryOperator, a: bigint, b: bigint): bigint | null {
  switch (operator) {
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      return a * b;
    case '/':
      return b === 0n ? 0n : a / b;
    case '%':
      return b === 0n ? 0n : a % b;
    case '&':
      return a & b;
    case '|':
      return a | b;
    case '^':
      return a ^ b;
    default:
      return null;
  }
}

/** The type of the column that holds a program's results. */
export function programColumnType({ type }: Program): ReturnType<typeof columnTypeOf> {
  return columnTypeOf(type);
}
