import { quoteGo } from '../../../base/go-format.ts';
import { DbError } from '../../../base/errors.ts';
import type { Expr } from '../../../influxql/ast.ts';
import { printExpr } from '../../../influxql/printer.ts';
import { compileRegex } from '../../../influxql/regex.ts';
import type { Steps } from '../../../query/plan/expand-names.ts';

/** A measurement and the values that each of its tags has. */
export interface MeasurementTags {
  readonly name: string;
  readonly values: ReadonlyMap<string, ReadonlySet<string>>;
}

/**
 * Which measurements the condition of SHOW MEASUREMENTS names. As in the reference each comparison stands for a set of
 * measurements: `tag = 'x'` for those where any series has the value, `tag != 'x'` for those that have the tag and no
 * series with the value. AND and OR join sets, so the two sides of an AND may be met by different series.
 */
export async function namedMeasurements(
  condition: Expr,
  measurements: readonly MeasurementTags[],
  rest: () => Promise<void> | undefined,
): Promise<readonly MeasurementTags[]> {
  const named: MeasurementTags[] = [];
  for (const measurement of measurements) {
    const steps = isNamed(condition, measurement);
    let step = steps.next();
    for (; step.done !== true; step = steps.next()) {
      const turn = rest();
      if (turn !== undefined) await turn;
    }
    if (step.value) named.push(measurement);
  }
  return named;
}

/** The tags that a condition asks for. */
export function conditionTags(expr: Expr): ReadonlySet<string> {
  const names = new Set<string>();
  const visit = (part: Expr): void => {
    if (part.kind === 'paren') visit(part.expr);
    else if (part.kind === 'ref') names.add(part.name);
    else if (part.kind === 'binary') {
      visit(part.left);
      visit(part.right);
    }
  };
  visit(expr);
  return names;
}

/** Throws for what is wrong first, from left to right, whatever the tags. */
export function checkNamedTerms(expr: Expr): void {
  if (expr.kind === 'paren') {
    checkNamedTerms(expr.expr);
    return;
  }
  if (expr.kind !== 'binary') throw invalid(`invalid measurement expression ${goText(expr)}`);
  const { operator, left, right } = expr;
  if (operator === 'AND' || operator === 'OR') {
    checkNamedTerms(left);
    checkNamedTerms(right);
    return;
  }
  const isPattern = operator === '=~' || operator === '!~';
  if (!isPattern && operator !== '=' && operator !== '!=') throw invalid('invalid tag comparison operator'); // prettier-ignore
  if (left.kind !== 'ref') throw invalid(`left side of '${operator}' must be a tag key`);
  if (right.kind === (isPattern ? 'regex' : 'string')) return;
  const wanted = isPattern ? 'regular expression' : 'string';
  throw invalid(`right side of '${operator}' must be a tag value ${wanted}`);
}

/** Of a condition that has been checked. Gives others a chance to run before each value that is held against a pattern. */
function* isNamed(expr: Expr, measurement: MeasurementTags): Steps<boolean> {
  if (expr.kind === 'paren') return yield* isNamed(expr.expr, measurement);
  if (expr.kind !== 'binary') return false;
  const { operator, left, right } = expr;
  if (operator === 'AND' || operator === 'OR') {
    const decides = operator === 'OR';
    if ((yield* isNamed(left, measurement)) === decides) return decides;
    return yield* isNamed(right, measurement);
  }
  if (left.kind !== 'ref') return false;
  const matches = matcherOf(right);
  const isPositive = operator === '=' || operator === '=~';
  if (left.name === '_name') return matches(measurement.name) === isPositive;
  const values = measurement.values.get(left.name);
  if (values === undefined) return false;
  for (const value of values) {
    yield;
    if (matches(value)) return isPositive;
  }
  return !isPositive;
}

/** A term as the reference's language prints it. */
function goText(expr: Expr): string {
  switch (expr.kind) {
    case 'ref':
      return `&influxql.VarRef{Val:${quoteGo(expr.name)}, Type:0}`;
    case 'boolean':
      return `&influxql.BooleanLiteral{Val:${expr.value}}`;
    case 'integer':
      return `&influxql.IntegerLiteral{Val:${expr.value}}`;
    case 'string':
      return `&influxql.StringLiteral{Val:${quoteGo(expr.value)}}`;
    default:
      return printExpr(expr);
  }
}

function matcherOf(right: Expr): (value: string) => boolean {
  return right.kind === 'regex'
    ? compileRegex(right.source)
    : (value) => right.kind === 'string' && value === right.value;
}

function invalid(text: string): DbError {
  return new DbError('invalid_argument', text);
}
