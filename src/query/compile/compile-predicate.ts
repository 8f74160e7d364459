import { DbError } from '../../base/errors.ts';
import type { Expr } from '../../influxql/ast.ts';
import { printExpr } from '../../influxql/printer.ts';
import { regexCache } from '../../influxql/regex.ts';
import { columnTypeOf } from '../plan/data-type.ts';
import { isComparison } from '../plan/eval-type.ts';
import { compileProgram } from '../plan/program.ts';
import type { CompareOperator, Operand, Predicate, ProgramOperand, Value } from '../predicate.ts';
import type { MeasurementSchema } from './schema.ts';

type Ref = Extract<Expr, { kind: 'ref' }>;
type Binary = Extract<Expr, { kind: 'binary' }>;

/**
 * A condition with its names resolved against a measurement. A name that is neither field nor tag stands for an absent
 * tag, as in the reference. Comparisons of a field or tag with a constant, and AND and OR of such, are told apart, since
 * series and rows are found by them without a look at each; anything else is a program that each row runs.
 */
export function compilePredicate(
  condition: Expr | undefined,
  schema: MeasurementSchema,
): Predicate | undefined {
  return condition === undefined ? undefined : predicateOf(condition, schema);
}

function predicateOf(root: Expr, schema: MeasurementSchema): Predicate {
  const expr = unwrap(root);
  if (expr.kind === 'boolean') return { kind: 'constant', value: expr.value };
  if (expr.kind !== 'binary') throw invalid(expr);
  if (expr.operator !== 'AND' && expr.operator !== 'OR') return leafOf(expr, schema);
  const terms = termsOf(expr).map((term) => predicateOf(term, schema));
  return balanced(expr.operator === 'AND' ? 'and' : 'or', terms);
}

/** `a OR b OR c ...` leans to the left as deep as it is long: its terms, from left to right. */
function termsOf(root: Binary): readonly Expr[] {
  const terms: Expr[] = [];
  const pending: Expr[] = [root];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const expr = unwrap(next);
    if (expr.kind === 'binary' && expr.operator === root.operator)
      pending.push(expr.right, expr.left); // prettier-ignore
    else terms.push(expr);
  }
  return terms;
}

/** A tree no deeper than the logarithm of its terms: all walks of it stay shallow. */
function balanced(kind: 'and' | 'or', terms: readonly Predicate[]): Predicate {
  const [only] = terms;
  if (only !== undefined && terms.length === 1) return only;
  const middle = terms.length >> 1;
  return {
    kind,
    left: balanced(kind, terms.slice(0, middle)),
    right: balanced(kind, terms.slice(middle)),
  };
}

const never: Predicate = { kind: 'constant', value: false };
const orders: ReadonlySet<string> = new Set(['<', '<=', '>', '>=']);

function leafOf(expr: Binary, schema: MeasurementSchema): Predicate {
  const { operator } = expr;
  const left = unwrap(expr.left);
  const right = unwrap(expr.right);
  const unlike = unlikeBound(expr, schema);
  if (unlike !== undefined) return unlike;
  if (!isComparison(operator)) return alwaysBut(left, right, schema);
  const named = nameTerm(operator, left, right, schema) ?? nameTerm(operator, right, left, schema);
  if (named !== undefined) return { kind: 'constant', value: named };
  if (right.kind === 'regex' || left.kind === 'regex') return matchOf(expr, schema);
  if (left.kind === 'ref' && right.kind === 'ref' && isTag(left, schema) && isTag(right, schema))
    return tagsOf(operator, left, right);
  const plain = plainOf(expr, schema) ?? plainOf({ ...expr, operator: mirrored(operator), left: right, right: left }, schema); // prettier-ignore
  return plain ?? programOf(expr, schema);
}

/** A statement asks of each measurement that it reads, and there may be very many. */
const matcherOf = regexCache();

/** `_name` beside a text or a pattern is the measurement, whatever tags and fields there are; undefined for any other term. */
function nameTerm(
  operator: string,
  name: Expr,
  value: Expr,
  schema: MeasurementSchema,
): boolean | undefined {
  if (name.kind !== 'ref' || name.name !== '_name') return undefined;
  if (value.kind === 'string') {
    if (operator === '!=') return value.value !== schema.name;
    return operator === '=' && value.value === schema.name;
  }
  if (value.kind !== 'regex') return undefined;
  if (operator !== '=~' && operator !== '!~') return false;
  return matcherOf(value.source)(schema.name) === (operator === '=~');
}

/** A bound pattern may stand beside any operator: a tag has to be unlike it, unless it is `=~`. */
function unlikeBound(expr: Binary, schema: MeasurementSchema): Predicate | undefined {
  if (expr.operator === '=~') return undefined;
  const left = unwrap(expr.left);
  const right = unwrap(expr.right);
  const [tag, pattern] = right.kind === 'regex' ? [left, right] : [right, left];
  if (tag.kind !== 'ref' || tag.name === '_name' || pattern.kind !== 'regex') return undefined;
  if (!isTag(tag, schema)) return undefined;
  const operand: Operand = { kind: 'tag', name: tag.name };
  return { kind: 'match', operand, pattern: pattern.source, negated: true };
}

function matchOf(expr: Binary, schema: MeasurementSchema): Predicate {
  const { operator } = expr;
  const left = unwrap(expr.left);
  const right = unwrap(expr.right);
  if (right.kind !== 'regex') return never;
  // A bound pattern may stand beside `=`, and a field is never equal to one.
  if (operator !== '=~' && operator !== '!~') return never;
  if (left.kind !== 'ref') return programOf(expr, schema);
  if (!isTag(left, schema)) {
    // A field has one type in a statement: texts that some shards have of it are none where that is another. Beside a number a
    // pattern holds nowhere, which is found out row by row: a call that cannot be of its field's type is refused all the same.
    const stored = schema.fields.get(left.name);
    if ((left.type ?? stored) !== 'string' || stored !== 'string') return programOf(expr, schema);
  }
  const operand: Operand = { kind: isTag(left, schema) ? 'tag' : 'field', name: left.name };
  return { kind: 'match', operand, pattern: right.source, negated: operator === '!~' };
}

/** What is no comparison holds nothing back in the reference, but for a tag beside a text, which matches nothing. */
function alwaysBut(left: Expr, right: Expr, schema: MeasurementSchema): Predicate {
  const isTagWith = (one: Expr, other: Expr) =>
    one.kind === 'ref' && isTag(one, schema) && (other.kind === 'string' || other.kind === 'regex');
  return { kind: 'constant', value: !isTagWith(left, right) && !isTagWith(right, left) };
}

/** Equal only where both are there; unequal wherever they are not equal. */
function tagsOf(operator: string, left: Ref, right: Ref): Predicate {
  const equal: Predicate = {
    kind: 'and',
    left: compare('=', { kind: 'tag', name: left.name }, { kind: 'tag', name: right.name }),
    right: compare('!=', { kind: 'tag', name: left.name }, { kind: 'constant', value: '' }),
  };
  if (operator === '=') return equal;
  if (operator !== '!=') return never;
  return {
    kind: 'or',
    left: compare('!=', { kind: 'tag', name: left.name }, { kind: 'tag', name: right.name }),
    right: compare('=', { kind: 'tag', name: left.name }, { kind: 'constant', value: '' }),
  };
}

function compare(operator: CompareOperator, left: Operand, right: Operand): Predicate {
  return { kind: 'compare', operator, left, right };
}

const compareOperators: ReadonlySet<string> = new Set(['=', '!=', '<', '<=', '>', '>=']);

/** A tag or a text field beside a text, or a number field of one type beside a number. */
function plainOf(
  { operator, left, right }: Binary,
  schema: MeasurementSchema,
): Predicate | undefined {
  // prettier-ignore
  const ref = unwrap(left);
  const constant = unwrap(right);
  if (ref.kind !== 'ref' || !compareOperators.has(operator)) return undefined;
  const value = constantOf(constant);
  if (value === undefined) return undefined;
  const asked = operator as CompareOperator;
  if (isTag(ref, schema)) {
    if (typeof value !== 'string') return undefined;
    // Text knows no order in the reference.
    if (orders.has(operator)) return never;
    return compare(asked, { kind: 'tag', name: ref.name }, { kind: 'constant', value });
  }
  const stored = schema.fields.get(ref.name);
  const isAsStored = ref.type === undefined || ref.type === stored;
  if (stored === 'string') {
    // Of what is no text, and where there is none, nothing holds.
    const isPlain = typeof value === 'string' && !orders.has(operator) && isAsStored;
    return isPlain ? compare(asked, { kind: 'field', name: ref.name }, { kind: 'constant', value }) : undefined; // prettier-ignore
  }
  const isNumber = stored === 'float' || stored === 'integer' || stored === 'unsigned';
  const isNumeric = typeof value === 'number' || typeof value === 'bigint';
  if (!isNumber || !isNumeric || !isAsStored || !isExactIn(value, stored)) return undefined;
  const isEquality = asked === '=' || asked === '!=';
  const own = isEquality && typeof value === 'bigint' ? wrapped(value, stored) : value;
  return compare(asked, { kind: 'field', name: ref.name }, { kind: 'constant', value: own });
}

/** What is equal to a whole number: an int64 and a uint64 are where their bits are. */
function wrapped(value: bigint, stored: 'float' | 'integer' | 'unsigned'): bigint {
  if (stored === 'float') return value;
  return stored === 'integer' ? BigInt.asIntN(64, value) : BigInt.asUintN(64, value);
}

/**
 * An int64 beside a float counts as the nearest float, so that only numbers that both can hold may be compared as they are.
 * Beyond 2^53 the nearest float stays beyond it: a float below that compares with whole numbers as they are, too.
 */
function isExactIn(value: number | bigint, stored: 'float' | 'integer' | 'unsigned'): boolean {
  if (stored === 'float') return typeof value === 'number' || BigInt.asIntN(53, value) === value;
  return typeof value === 'bigint' || Math.abs(value) < 2 ** 53;
}

function constantOf(expr: Expr): Value | undefined {
  switch (expr.kind) {
    case 'integer':
    case 'unsigned':
    case 'number':
    case 'string':
      return expr.value;
    default:
      return undefined;
  }
}

function mirrored(operator: Binary['operator']): Binary['operator'] {
  switch (operator) {
    case '<':
      return '>';
    case '<=':
      return '>=';
    case '>':
      return '<';
    case '>=':
      return '<=';
    default:
      return operator;
  }
}

function isTag({ name, type }: Ref, schema: MeasurementSchema): boolean {
  if (type === undefined) return !schema.fields.has(name);
  return type === 'tag';
}

function programOf(expr: Expr, schema: MeasurementSchema): Predicate {
  const inputs: ProgramOperand[] = [];
  const indexes = new Map<string, number>();
  const program = compileProgram(
    expr,
    (part) => {
      if (part.kind !== 'ref') return undefined;
      const isText = isTag(part, schema);
      const type = isText ? 'string' : columnTypeOf(part.type ?? schema.fields.get(part.name));
      const key = `${type} ${isText ? 'tag' : 'field'} ${part.name}`;
      let index = indexes.get(key);
      if (index === undefined) {
        const { name } = part;
        index = inputs.push(isText ? { kind: 'tag', name } : { kind: 'field', name, type }) - 1;
        indexes.set(key, index);
      }
      return { index, type };
    },
    { isFloatDivision: false, isMissingFalse: false },
  );
  return { kind: 'program', program, inputs };
}

function unwrap(expr: Expr): Expr {
  let inner = expr;
  while (inner.kind === 'paren') inner = inner.expr;
  return inner;
}

function invalid(expr: Expr): DbError {
  return new DbError('invalid_argument', `invalid condition expression: ${printExpr(expr)}`);
}
