import type { TimeZone } from '../../base/time-zone.ts';
import { DbError } from '../../base/errors.ts';
import { maxTimeNs, minTimeNs } from '../../base/units.ts';
import type { BinaryOperator, Expr } from '../../influxql/ast.ts';
import { printExpr } from '../../influxql/printer.ts';
import { visitExpr } from '../plan/walk-expr.ts';
import { parseTimeLiteral } from '../../influxql/time-literal.ts';

interface Now {
  readonly nowNs: bigint;
  /** Of literals that name none. */
  readonly zone: TimeZone | undefined;
}

/** Inclusive bounds; undefined where the condition names none. */
export interface TimeRange {
  readonly minNs: bigint | undefined;
  readonly maxNs: bigint | undefined;
}

/**
 * Parts a condition into its bounds of time and the rest. Bounds hold for the whole statement wherever they stand: an OR
 * of two ranges is their intersection, most often nothing, as in the reference (trap 55). Throws its text for a term that is
 * neither a comparison nor a boolean.
 */
export function splitCondition(
  condition: Expr | undefined,
  nowNs: bigint,
  zone?: TimeZone,
): { readonly range: TimeRange; readonly rest: Expr | undefined } {
  const unbounded: TimeRange = { minNs: undefined, maxNs: undefined };
  if (condition === undefined) return { range: unbounded, rest: undefined };
  return split(condition, { nowNs, zone });
}

/** Whether a comparison begins with `time`: what the reference takes for a condition on it where it allows none. */
export function namesTime(condition: Expr | undefined): boolean {
  let found = false;
  if (condition !== undefined)
    visitExpr(condition, (expr) => {
      found ||= expr.kind === 'binary' && isTime(expr.left);
    });
  return found;
}

function split(expr: Expr, now: Now): { range: TimeRange; rest: Expr | undefined } {
  if (expr.kind === 'paren') {
    const inner = split(expr.expr, now);
    return { range: inner.range, rest: inner.rest && { kind: 'paren', expr: inner.rest } };
  }
  if (expr.kind === 'binary' && (expr.operator === 'AND' || expr.operator === 'OR')) {
    const left = split(expr.left, now);
    const right = split(expr.right, now);
    const range = intersect(left.range, right.range);
    if (left.rest === undefined || right.rest === undefined)
      return { range, rest: left.rest ?? right.rest };
    return { range, rest: { ...expr, left: left.rest, right: right.rest } };
  }
  if (expr.kind === 'binary') {
    if (isTime(expr.left)) return { range: bound(expr.operator, expr.right, now), rest: undefined };
    if (isTime(expr.right))
      return { range: bound(mirrored(expr.operator), expr.left, now), rest: undefined };
  }
  if (expr.kind !== 'binary' && expr.kind !== 'boolean')
    throw new DbError('invalid_argument', `invalid condition expression: ${printExpr(expr)}`);
  return { range: { minNs: undefined, maxNs: undefined }, rest: expr };
}

function isTime(expr: Expr): boolean {
  return expr.kind === 'ref' && expr.name.toLowerCase() === 'time';
}

function intersect(left: TimeRange, right: TimeRange): TimeRange {
  return {
    minNs: pick(left.minNs, right.minNs, (a, b) => a > b),
    maxNs: pick(left.maxNs, right.maxNs, (a, b) => a < b),
  };
}

function pick(
  left: bigint | undefined,
  right: bigint | undefined,
  better: (left: bigint, right: bigint) => boolean,
): bigint | undefined {
  if (left === undefined || right === undefined) return left ?? right;
  return better(left, right) ? left : right;
}

function bound(operator: BinaryOperator, operand: Expr, now: Now): TimeRange {
  const timeNs = timeValue(operand, now);
  switch (operator) {
    case '=':
      return { minNs: lower(timeNs), maxNs: upper(timeNs) };
    case '>':
      return { minNs: lower(timeNs + 1n), maxNs: undefined };
    case '>=':
      return { minNs: lower(timeNs), maxNs: undefined };
    case '<':
      return { minNs: undefined, maxNs: upper(timeNs - 1n) };
    case '<=':
      return { minNs: undefined, maxNs: upper(timeNs) };
    default:
      throw new DbError('invalid_argument', `invalid time comparison operator: ${operator}`);
  }
}

/** What no point can have on one side leaves nothing on the other. */
function lower(timeNs: bigint): bigint {
  if (timeNs < minTimeNs) return minTimeNs;
  return timeNs > maxTimeNs ? maxTimeNs + 1n : timeNs;
}

function upper(timeNs: bigint): bigint {
  if (timeNs > maxTimeNs) return maxTimeNs;
  return timeNs < minTimeNs ? minTimeNs - 1n : timeNs;
}

function mirrored(operator: BinaryOperator): BinaryOperator {
  switch (operator) {
    case '>':
      return '<';
    case '>=':
      return '<=';
    case '<':
      return '>';
    case '<=':
      return '>=';
    default:
      return operator;
  }
}

/** A time of the language: now(), a literal, or a sum of such with durations. */
function timeValue(expr: Expr, now: Now): bigint {
  switch (expr.kind) {
    case 'paren':
      return timeValue(expr.expr, now);
    case 'integer':
      return expr.value;
    case 'unsigned':
      throw incompatible('*influxql.UnsignedLiteral');
    case 'number':
      return BigInt(Math.trunc(expr.value));
    case 'duration':
      return expr.valueNs;
    case 'string': {
      const timeNs = parseTimeLiteral(expr.value, now.zone);
      if (timeNs === undefined && /^\d{4}-\d{2}-\d{2}/.test(expr.value))
        throw new DbError('invalid_argument', 'invalid timestamp string');
      if (timeNs === undefined) throw incompatible('*influxql.StringLiteral');
      return withinLiteral(timeNs);
    }
    case 'call':
      if (expr.name === 'now' && expr.args.length === 0) return now.nowNs;
      throw new DbError('invalid_argument', `invalid operation: time and ${expr.name}() are not compatible`); // prettier-ignore
    case 'binary':
      if (expr.left.kind === 'unsigned' || expr.right.kind === 'unsigned')
        throw incompatible('*influxql.BinaryExpr');
      if (expr.operator === '+')
        return boundedBy(expr, timeValue(expr.left, now) + timeValue(expr.right, now));
      if (expr.operator === '-')
        return boundedBy(expr, timeValue(expr.left, now) - timeValue(expr.right, now));
      throw incompatible('*influxql.BinaryExpr');
    case 'ref':
      throw incompatible('*influxql.VarRef');
    case 'boolean':
      throw incompatible('*influxql.BooleanLiteral');
    case 'regex':
      throw incompatible('*influxql.RegexLiteral');
    case 'wildcard':
      throw incompatible('*influxql.Wildcard');
    case 'distinct':
      throw incompatible('*influxql.Distinct');
    case 'list':
      throw incompatible('*influxql.ListLiteral');
  }
}

function incompatible(goType: string): DbError {
  return new DbError(
    'invalid_argument',
    `invalid operation: time and ${goType} are not compatible`,
  );
}

/** A sum with a point of time in it is one, and has to be within what a point can have. */
function boundedBy(expr: Expr, timeNs: bigint): bigint {
  return isPointOfTime(expr) ? withinLiteral(timeNs) : timeNs;
}

function isPointOfTime(expr: Expr): boolean {
  if (expr.kind === 'paren') return isPointOfTime(expr.expr);
  if (expr.kind === 'string' || expr.kind === 'call') return true;
  if (expr.kind !== 'binary') return false;
  const isStamp = expr.left.kind === 'integer' && expr.right.kind === 'duration';
  return isStamp || isPointOfTime(expr.left) || isPointOfTime(expr.right);
}

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
