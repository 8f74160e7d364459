import type { Expr } from '../../../influxql/ast.ts';
import { joinTerms } from '../../../influxql/expr-builder.ts';
import { compileRegex } from '../../../influxql/regex.ts';

/**
 * The condition of SHOW TAG KEYS and SHOW TAG VALUES, taken apart as in the reference (spec 6.2): what its AND joins of
 * `_name` chooses measurements, of `_tagKey` keys, of `value` values; the rest chooses series.
 */
export interface TagCondition {
  readonly isNamed: (measurement: string) => boolean;
  readonly isKey: (key: string) => boolean;
  /** Undefined when any value will do. */
  readonly isValue: ((value: string) => boolean) | undefined;
  readonly rest: Expr | undefined;
}

export function tagCondition(condition: Expr | undefined): TagCondition {
  const terms = condition === undefined ? [] : conjuncts(condition);
  const of = (name: string) => terms.filter((term) => isOf(term, name));
  const [names, keys, values] = [of('_name'), of('_tagKey'), of('value')];
  const taken = new Set([...names, ...keys, ...values]);
  const rest = terms.filter((term) => !taken.has(term));
  return {
    isNamed: (measurement) => names.every((term) => holds(term, measurement)),
    isKey: (key) => keys.every((term) => holds(term, key)),
    isValue:
      values.length === 0 ? undefined : (value) => values.every((term) => holds(term, value)),
    // There may be thousands: as flat as the parser had them.
    rest: joinTerms('AND', rest),
  };
}

function conjuncts(expr: Expr): readonly Expr[] {
  if (expr.kind === 'paren') return conjuncts(expr.expr);
  if (expr.kind !== 'binary' || expr.operator !== 'AND') return [expr];
  return [...conjuncts(expr.left), ...conjuncts(expr.right)];
}

const operators: ReadonlySet<string> = new Set(['=', '!=', '=~', '!~']);

/** Whether a term, or all of an OR, speaks of a name of the system. */
function isOf(expr: Expr, name: string): boolean {
  if (expr.kind === 'paren') return isOf(expr.expr, name);
  if (expr.kind !== 'binary') return false;
  const { operator, left, right } = expr;
  if (operator === 'OR' || operator === 'AND') return isOf(left, name) && isOf(right, name);
  return operators.has(operator) && left.kind === 'ref' && left.name === name;
}

function holds(expr: Expr, text: string): boolean {
  if (expr.kind === 'paren') return holds(expr.expr, text);
  if (expr.kind !== 'binary') return false;
  const { operator, left, right } = expr;
  if (operator === 'OR') return holds(left, text) || holds(right, text);
  if (operator === 'AND') return holds(left, text) && holds(right, text);
  const isPositive = operator === '=' || operator === '=~';
  if (right.kind === 'regex') return compileRegex(right.source)(text) === isPositive;
  return right.kind === 'string' && (right.value === text) === isPositive;
}
