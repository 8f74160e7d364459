import { DbError } from '../../base/errors.ts';
import type { Expr } from '../../influxql/ast.ts';
import { formatDuration } from '../../influxql/duration.ts';
import type { ColumnType } from '../column.ts';
import type { CheckContext, PlannedCall } from './function.ts';

/** What functions say of arguments that are not theirs: the texts of the reference (spec 6.4). */
export function invalid(text: string): DbError {
  return new DbError('invalid_argument', text);
}

export function checkCount(name: string, args: readonly Expr[], count: number): void {
  if (args.length !== count)
    throw invalid(`invalid number of arguments for ${name}, expected ${count}, got ${args.length}`);
}

export function checkCountBetween(
  name: string,
  args: readonly Expr[],
  [least, most]: readonly [number, number],
): void {
  if (args.length < least || args.length > most)
    throw invalid(
      `invalid number of arguments for ${name}, expected at least ${least} but no more than ${most}, got ${args.length}`,
    );
}

/** A stream function takes a field, or a call under GROUP BY time. */
export function checkStreamArgument(
  name: string,
  args: readonly Expr[],
  context: Omit<CheckContext, 'alone'>,
): void {
  const argument = firstOf(args);
  const hasInterval = context.intervalNs !== 0n;
  if (argument.kind === 'call') {
    if (!hasInterval) throw invalid(`${name} aggregate requires a GROUP BY interval`);
    context.nested(argument);
    return;
  }
  if (hasInterval && !context.isIntervalInherited)
    throw invalid(`aggregate function required inside the call to ${name}`);
  context.symbol(name, argument);
}

/** An optional unit of time, as the second argument of derivative() and its like. `said` is the start of the text. */
export function checkUnit(args: readonly Expr[], said: string): void {
  const unit = args[1];
  if (unit === undefined) return;
  if (unit.kind !== 'duration') throw invalid(said);
  if (unit.valueNs <= 0n)
    throw invalid(`duration argument must be positive, got ${formatDuration(unit.valueNs)}`);
}

/** The unit that a call names, or what stands for it. */
export function unitNs(call: PlannedCall, otherwiseNs: bigint): bigint {
  const unit = call.args[1];
  return unit?.kind === 'duration' ? unit.valueNs : otherwiseNs;
}

/** `otherwise` where the argument was left out. */
export function integerArgument(args: readonly Expr[], at: number, otherwise: number): number {
  const argument = args[at];
  return argument?.kind === 'integer' ? Number(argument.value) : otherwise;
}

export function firstOf(args: readonly Expr[]): Expr {
  const [argument] = args;
  if (argument === undefined) throw invalid('field must contain at least one variable');
  return argument;
}

/**
 * Numbers only; the text names a type of the reference's own, as it does. `words` is what it calls the function; what
 * gives the points of `argument`, a field or a call, is part of that type's name.
 */
export function numbersOnly(words: string, type: ColumnType, argument?: Expr): void {
  if (type === 'string' || type === 'boolean') throw unsupportedType(words, type, argument);
}

export function unsupportedType(words: string, type: ColumnType, argument?: Expr): DbError {
  return invalid(`unsupported ${words} iterator type: *query.${type}${stepOf(type, argument)}`);
}

function stepOf(type: ColumnType, argument: Expr | undefined): string {
  const name = argument?.kind === 'call' ? argument.name : argument?.kind;
  if (name === 'distinct') return 'IntervalIterator';
  return name === 'sample' ? reduceStepOf(type) : 'InterruptIterator';
}

/** What gives the points that a reducer picked, as the reference names it. */
function reduceStepOf(type: ColumnType): string {
  return `Reduce${type.slice(0, 1).toUpperCase()}${type.slice(1)}Iterator`;
}

/**
 * What top() and bottom() say: where tags are named inside, the reference has max() or min() pick a point of each first,
 * which has no answer for strings, but one for booleans.
 */
export function refuseUnordered(name: 'top' | 'bottom', type: ColumnType, hasTags: boolean): void {
  if (type !== 'string' && type !== 'boolean') return;
  if (!hasTags) throw unsupportedType(name, type);
  if (type === 'string') throw unsupportedType(name === 'top' ? 'max' : 'min', type);
  throw invalid(`unsupported ${name} iterator type: *query.${type}${reduceStepOf(type)}`);
}

/** What the reference calls the type of an argument of the wrong kind. */
export function goTypeOf(expr: Expr): string {
  const names: Readonly<Record<Expr['kind'], string>> = {
    ref: 'VarRef',
    call: 'Call',
    binary: 'BinaryExpr',
    paren: 'ParenExpr',
    number: 'NumberLiteral',
    integer: 'IntegerLiteral',
    unsigned: 'UnsignedLiteral',
    string: 'StringLiteral',
    boolean: 'BooleanLiteral',
    duration: 'DurationLiteral',
    regex: 'RegexLiteral',
    wildcard: 'Wildcard',
    distinct: 'Distinct',
    list: 'ListLiteral',
  };
  return `*influxql.${names[expr.kind]}`;
}
