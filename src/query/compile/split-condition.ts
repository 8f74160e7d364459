import type { TimeZone } from '../../base/time-zone.ts';
import { DbError } from '../../base/errors.ts';
import { maxTimeNs, minTimeNs } from '../../base/units.ts';
import type { BinaryOperator, Expr } from '../../influxql/ast.ts';
import { printExpr } from '../../influxql/printer.ts';
import { visitExpr } from '../plan/walk-expr.ts';
import { foldCondition, reduceCondition, timeValue, type Now } from './time-value.ts';

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

/**
 * The same of a statement that asks indexes, the rest with its constants worked out (`1 = 1`, `now() > '2000-01-01'`); with
 * functions of constants only where it is one that counts, as a SELECT would (`foldsCalls`).
 */
export function splitIndexCondition(
  condition: Expr | undefined,
  nowNs: bigint,
  { foldsCalls = false } = {},
): ReturnType<typeof splitCondition> {
  const { range, rest } = splitCondition(condition, nowNs);
  if (rest === undefined) return { range, rest };
  const now = { nowNs, zone: undefined };
  const reduced = foldsCalls ? foldCondition(rest, now) : reduceCondition(rest, now);
  // A point of time beside something else is told as it was written.
  return { range, rest: hasPoint(reduced) ? rest : reduced };
}

function hasPoint(condition: Expr): boolean {
  const kinds = new Set<Expr['kind']>();
  visitExpr(condition, ({ kind }) => kinds.add(kind));
  return kinds.has('list');
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
