/**
 * What a condition compares `time` with: now(), a literal, or a sum of such with durations. A text is a point of time where
 * it stands alone or beside a duration, a number or another point; anything that comes to something else is told by the
 * reference's name of it. Sums are worked out without the call stack.
 */
import type { TimeZone } from '../../base/time-zone.ts';
import { DbError } from '../../base/errors.ts';
import { maxTimeNs, minTimeNs } from '../../base/units.ts';
import type { Expr } from '../../influxql/ast.ts';
import { looksLikeTime, parseTimeLiteral } from '../../influxql/time-literal.ts';
import { isComparison } from '../plan/eval-type.ts';
import { comparedValues, reduceNode, reduceOperator } from '../plan/reduce-expr.ts';
import { rewriteExpr } from '../plan/walk-expr.ts';

export interface Now {
  readonly nowNs: bigint;
  /** Of literals that name none. */
  readonly zone: TimeZone | undefined;
}

type Binary = Extract<Expr, { kind: 'binary' }>;

/** int64 nanoseconds, which may be beyond what a point can have. Throws the reference's texts (spec 6.1). */
export function timeValue(expr: Expr, { nowNs, zone }: Now): bigint {
  if (expr.kind === 'string') return withinLiteral(literalAlone(expr.value, zone));
  const points = new Points(zone);
  const reduced = rewriteExpr(expr, (part) => {
    if (part.kind === 'call') return isNow(part) ? points.make(nowNs) : part;
    return (part.kind === 'binary' ? points.reduce(part) : undefined) ?? reduceNode(part);
  });
  const value = reduced.kind === 'paren' ? reduced.expr : reduced;
  const pointNs = points.made(value);
  if (pointNs !== undefined) return withinLiteral(pointNs);
  switch (value.kind) {
    case 'integer':
      return value.value;
    case 'duration':
      return value.valueNs;
    case 'number':
      return integerOf(value.value);
    default:
      throw incompatible(goTypes[value.kind]);
  }
}

/** What a sum of texts that are times and of lengths comes to: a point of time, a length, or neither. now() is none of them here. */
export function timeOrLength(
  expr: Expr,
  zone: TimeZone | undefined,
): { readonly pointNs?: bigint | undefined; readonly lengthNs?: bigint } {
  const points = new Points(zone);
  const reduced = rewriteExpr(
    expr,
    (part) => (part.kind === 'binary' ? points.reduce(part) : undefined) ?? reduceOperator(part),
  );
  if (reduced.kind === 'duration') return { lengthNs: reduced.valueNs };
  return { pointNs: points.made(reduced) };
}

/**
 * A condition less its bounds of time, with constants worked out: now() is a point of time there too, and so are texts that
 * look like one beside a point or another such text (`'2000-01-01' < now()`). A point beside anything else is equal to nothing. Functions
 * of numbers stay as they are written: what is wrong with one is told so.
 */
export function reduceCondition(condition: Expr, now: Now): Expr {
  return reducedBy(reduceOperator, condition, now);
}

/** The same with functions of constants worked out, of a condition that has been checked. */
export function foldCondition(condition: Expr, now: Now): Expr {
  return reducedBy(reduceNode, condition, now);
}

function reducedBy(reduce: (part: Expr) => Expr, condition: Expr, { nowNs, zone }: Now): Expr {
  const points = new Points(zone);
  const reduced = rewriteExpr(condition, (part) => {
    if (isNow(part)) return points.make(nowNs);
    return (part.kind === 'binary' ? points.reduce(part) : undefined) ?? reduce(part);
  });
  return reduced.kind === 'paren' ? reduced.expr : reduced;
}

function isNow(expr: Expr): boolean {
  return expr.kind === 'call' && expr.name === 'now' && expr.args.length === 0;
}

/** Nodes of a sum that stand for points of time, which the language has no literal of its own for. */
class Points {
  readonly #zone: TimeZone | undefined;
  readonly #timesNs = new Map<Expr, bigint>();

  constructor(zone: TimeZone | undefined) {
    this.#zone = zone;
  }

  make(timeNs: bigint): Expr {
    const point: Expr = { kind: 'list', names: [] };
    this.#timesNs.set(point, timeNs);
    return point;
  }

  made(expr: Expr): bigint | undefined {
    return this.#timesNs.get(expr);
  }

  /** The node in place of an operator that has a point of time beside it; undefined where it has none. */
  reduce(expr: Binary): Expr | undefined {
    const { operator, left, right } = expr;
    const isPoint = this.#timesNs.has(left) || this.#timesNs.has(right);
    const texts = left.kind === 'string' && right.kind === 'string';
    // Two texts are put together as what they are, and compared so unless both look like times.
    if (texts && operator === '+') return undefined;
    const isEquality = operator === '=' || operator === '!=';
    if (texts && isEquality && !(looksLikeTime(left.value) && looksLikeTime(right.value)))
      return undefined;
    return this.#compared(expr) ?? this.#combined(expr) ?? (isPoint ? expr : undefined);
  }

  #compared({ operator, left, right }: Binary): Expr | undefined {
    if (!isComparison(operator)) return undefined;
    const [leftNs, rightNs] = [this.#timeOf(left), this.#timeOf(right)];
    return leftNs !== undefined && rightNs !== undefined
      ? comparedValues(operator, leftNs, rightNs)
      : undefined;
  }

  #combined({ operator, left, right }: Binary): Expr | undefined {
    const isStamp = left.kind === 'integer' && right.kind === 'duration';
    const leftNs = isStamp ? left.value : this.#timeOf(left);
    const rightNs = this.#timeOf(right);
    if (leftNs !== undefined && rightNs !== undefined)
      return operator === '-' ? { kind: 'duration', valueNs: leftNs - rightNs } : undefined;
    if (leftNs !== undefined) {
      const byNs = lengthOf(right);
      if (byNs === undefined) return undefined;
      if (operator === '+') return this.make(leftNs + byNs);
      return operator === '-' ? this.make(leftNs - byNs) : undefined;
    }
    const byNs = lengthOf(left);
    return rightNs !== undefined && byNs !== undefined && operator === '+'
      ? this.make(rightNs + byNs)
      : undefined;
  }

  #timeOf(expr: Expr): bigint | undefined {
    return expr.kind === 'string' ? parseTimeLiteral(expr.value, this.#zone) : this.made(expr);
  }
}

function lengthOf(expr: Expr): bigint | undefined {
  if (expr.kind === 'duration') return expr.valueNs;
  return expr.kind === 'integer' ? expr.value : undefined;
}

function literalAlone(text: string, zone: TimeZone | undefined): bigint {
  const timeNs = parseTimeLiteral(text, zone);
  if (timeNs !== undefined) return timeNs;
  if (looksLikeTime(text)) throw new DbError('invalid_argument', 'invalid timestamp string');
  throw incompatible(goTypes.string);
}

/** As Go casts a float: what is no int64 is the least one. */
function integerOf(value: number): bigint {
  const isInside = value >= -(2 ** 63) && value < 2 ** 63;
  return isInside ? BigInt(Math.trunc(value)) : -(2n ** 63n);
}

const goTypes: Readonly<Record<Expr['kind'], string>> = {
  binary: 'BinaryExpr',
  boolean: 'BooleanLiteral',
  call: 'Call',
  distinct: 'Distinct',
  duration: 'DurationLiteral',
  integer: 'IntegerLiteral',
  list: 'ListLiteral',
  number: 'NumberLiteral',
  paren: 'ParenExpr',
  ref: 'VarRef',
  regex: 'RegexLiteral',
  string: 'StringLiteral',
  unsigned: 'UnsignedLiteral',
  wildcard: 'Wildcard',
};

function incompatible(goType: string): DbError {
  return new DbError(
    'invalid_argument',
    `invalid operation: time and *influxql.${goType} are not compatible`,
  );
}

/** A point of time in a condition has to be within what a point can have. */
function withinLiteral(timeNs: bigint): bigint {
  if (timeNs > maxTimeNs) throw beyond(timeNs, 'overflows');
  if (timeNs <= minTimeNs) throw beyond(timeNs, 'underflows');
  return timeNs;
}

function beyond(timeNs: bigint, how: string): DbError {
  const seconds = timeNs / 1_000_000_000n;
  const whole = timeNs % 1_000_000_000n < 0n ? seconds - 1n : seconds;
  const text = new Date(Number(whole) * 1000).toISOString().replace('.000Z', 'Z');
  return new DbError('invalid_argument', `time ${text} ${how} time literal`);
}
