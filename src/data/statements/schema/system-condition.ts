import type { Expr } from '../../../influxql/ast.ts';
import { compileRegex } from '../../../influxql/regex.ts';
import type { MeasurementSchema } from '../../../query/compile/schema.ts';
import { isComparison } from '../../../query/plan/eval-type.ts';

/**
 * The condition of what reads as a SELECT of names rather than of points: CARDINALITY, and SHOW SERIES of a range of time
 * (spec 6.2). Tags decide; a term that would have to look at points holds for none, so that `v > 3 OR t = '1'` is as good
 * as its right side. A name that any measurement of the statement has as a field is one in all of them, as in the
 * reference. `_name` is the measurement; what is said of `_tagKey` holds.
 */
export function systemCondition(
  condition: Expr | undefined,
  schemas: readonly MeasurementSchema[],
): ({ name }: MeasurementSchema) => Expr | undefined {
  if (condition === undefined) return () => undefined;
  const fields = new Set(schemas.flatMap((schema) => [...schema.fields.keys()]));
  return ({ name }) => rewritten(condition, name, fields);
}

function rewritten(expr: Expr, measurement: string, fields: ReadonlySet<string>): Expr {
  if (expr.kind === 'paren') return rewritten(expr.expr, measurement, fields);
  if (expr.kind !== 'binary') return expr;
  const { operator, left, right } = expr;
  if (operator === 'AND' || operator === 'OR') {
    const [one, other] = [left, right].map((side) => rewritten(side, measurement, fields));
    return { ...expr, left: one ?? left, right: other ?? right };
  }
  if (!isComparison(operator)) return expr;
  const [name, value] = left.kind === 'ref' ? [left, right] : [right, left];
  if (name.kind !== 'ref') return truth(false);
  if (name.name === '_tagKey') return truth(true);
  if (name.name === '_name') return truth(isNamed(operator, value, measurement));
  const isOfTags = [name, value].every((side) => side.kind !== 'ref' || isTag(side, fields));
  const isText = value.kind === 'string' || value.kind === 'regex' || value.kind === 'ref';
  return isOfTags && isText ? expr : truth(false);
}

function isTag(
  { name, type }: Extract<Expr, { kind: 'ref' }>,
  fields: ReadonlySet<string>,
): boolean {
  return type === 'tag' || (type === undefined && !fields.has(name));
}

function isNamed(operator: string, value: Expr, measurement: string): boolean {
  const isPositive = operator === '=' || operator === '=~';
  if (value.kind === 'regex') return compileRegex(value.source)(measurement) === isPositive;
  return value.kind === 'string' && (value.value === measurement) === isPositive;
}

function truth(value: boolean): Expr {
  return { kind: 'boolean', value };
}
