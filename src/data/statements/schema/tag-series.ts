import { DbError } from '../../../base/errors.ts';
import type { Expr } from '../../../influxql/ast.ts';
import { printExpr } from '../../../influxql/printer.ts';
import { compileRegex, regexCache } from '../../../influxql/regex.ts';
import { parseSeriesKey } from '../../../models/parse-series-key.ts';
import type { MeasurementSchema } from '../../../query/compile/schema.ts';
import { specialize, type MatcherFactory, type Predicate } from '../../../query/predicate.ts';
import type { SchemaReader } from './schema-reader.ts';
import { seriesPredicate } from './series-condition.ts';

/**
 * The series whose tags SHOW TAG KEYS and SHOW TAG VALUES show. As in the reference a text beside a tag with another operator
 * than `=` is one that the tag does not have.
 */
export function tagSeries(
  rest: Expr | undefined,
  schema: MeasurementSchema,
): Predicate | undefined {
  return rest && seriesPredicate(ofTags(rest, schema), schema);
}

/** Throws the reference's text where tags alone do not decide about a series of the measurements that are asked. */
export async function refuseTermsOfPoints(
  rest: Expr | undefined,
  reader: SchemaReader,
  isAsked: (schema: MeasurementSchema) => boolean,
): Promise<void> {
  if (rest === undefined) return;
  const matcher = regexCache();
  const asking = new Map<string, MeasurementSchema>();
  for (const schema of reader.schemas) {
    const turn = reader.rest();
    if (turn !== undefined) await turn;
    if (isAsked(schema) && asksForPoints(rest, schema)) asking.set(schema.name, schema);
  }
  if (asking.size === 0) return;
  const choose = (schema: MeasurementSchema) =>
    asking.has(schema.name) ? { predicate: tagSeries(rest, schema) } : undefined;
  for await (const { name, texts } of reader.list('series', choose, () => false))
    for (const key of texts) {
      const turn = reader.rest();
      if (turn !== undefined) await turn;
      const schema = asking.get(name);
      const residue = schema && residueOf(rest, schema, tagTest(key, schema, matcher));
      if (typeof residue !== 'object') continue;
      const text = `Expression too complex for metaquery: ${printExpr(residue)}`;
      throw new DbError('invalid_argument', text);
    }
}

/** Terms that would have to look at points hold, so that no series is missed whose tags do not decide. */
function ofTags(expr: Expr, schema: MeasurementSchema): Expr {
  if (expr.kind === 'paren') return ofTags(expr.expr, schema);
  if (expr.kind !== 'binary') return expr;
  const { operator, left, right } = expr;
  if (operator === 'AND' || operator === 'OR')
    return { ...expr, left: ofTags(left, schema), right: ofTags(right, schema) };
  if (isOfPoints(expr, schema)) return { kind: 'boolean', value: true };
  // Beside other terms under an OR the key is a tag that no series has.
  if (left.kind === 'ref' && left.name === '_tagKey') return { kind: 'boolean', value: isMetByNone(operator, right) }; // prettier-ignore
  const isText = left.kind === 'string' || right.kind === 'string';
  return isText && operator !== '=' ? { ...expr, operator: '!=' } : expr;
}

function isMetByNone(operator: string, value: Expr): boolean {
  if (value.kind === 'regex') return compileRegex(value.source)('') === (operator === '=~');
  return value.kind === 'string' && (value.value === '') === (operator === '=');
}

function tagTest(
  key: string,
  schema: MeasurementSchema,
  matcher: MatcherFactory,
): (term: Expr) => boolean {
  const tags = new Map(parseSeriesKey(key).tags.map((tag) => [tag.key, tag.value]));
  return (term) => specialize(tagSeries(term, schema), tags, matcher) !== false;
}

/** Whether a condition has terms that tags alone do not decide. */
export function asksForPoints(expr: Expr, schema: MeasurementSchema): boolean {
  if (expr.kind === 'paren') return asksForPoints(expr.expr, schema);
  if (expr.kind !== 'binary') return false;
  const { operator, left, right } = expr;
  if (operator === 'AND' || operator === 'OR')
    return asksForPoints(left, schema) || asksForPoints(right, schema);
  return isOfPoints(expr, schema);
}

/** What is left of a condition for a series: a truth, or the terms that would have to look at points. */
function residueOf(
  expr: Expr,
  schema: MeasurementSchema,
  isMet: (term: Expr) => boolean,
): boolean | Expr {
  if (expr.kind === 'paren') return residueOf(expr.expr, schema, isMet);
  if (expr.kind !== 'binary') return expr.kind === 'boolean' && expr.value;
  const { operator } = expr;
  if (operator !== 'AND' && operator !== 'OR') return isOfPoints(expr, schema) ? expr : isMet(expr);
  const left = residueOf(expr.left, schema, isMet);
  const right = residueOf(expr.right, schema, isMet);
  const decisive = operator === 'OR';
  if (left === decisive || right === decisive) return decisive;
  if (typeof left === 'boolean') return right;
  return typeof right === 'boolean' ? left : { kind: 'binary', operator, left, right };
}

/** A comparison of a field, with a number, or of what is computed. */
function isOfPoints(
  { left, right }: Extract<Expr, { kind: 'binary' }>,
  schema: MeasurementSchema,
): boolean {
  const [name, value] = left.kind === 'ref' ? [left, right] : [right, left];
  if (name.kind !== 'ref') return true;
  if ([name, value].some((side) => side.kind === 'ref' && isField(side, schema))) return true;
  return value.kind !== 'string' && value.kind !== 'regex' && value.kind !== 'ref';
}

function isField(
  { name, type }: Extract<Expr, { kind: 'ref' }>,
  { fields }: MeasurementSchema,
): boolean {
  return type === undefined ? fields.has(name) : type !== 'tag';
}
