import { DbError } from '../base/errors.ts';
import { wholeOf } from './exec/columns/column-builder.ts';
import { runProgram, type Program } from './plan/program.ts';
import type { SourceFieldType } from './source.ts';
import type { MatcherFactory, Value } from './value.ts';

export type { Matcher, MatcherFactory, Value } from './value.ts';

/**
 * The WHERE clause less its time bounds, as it travels to the shards. Names are resolved: each operand says whether it
 * is a field, a tag or a constant. Numbers travel exactly: int64 as bigint, floats as doubles. Series, blocks and rows are found by
 * its parts, which is why comparisons with a constant stand here as such; whatever is computed is computed by programs alone.
 */
export type Predicate =
  | { readonly kind: 'and' | 'or'; readonly left: Predicate; readonly right: Predicate }
  | { readonly kind: 'constant'; readonly value: boolean }
  | {
      readonly kind: 'compare';
      readonly operator: CompareOperator;
      readonly left: Operand;
      readonly right: Operand;
    }
  | {
      readonly kind: 'match';
      readonly operand: Operand;
      readonly pattern: string;
      readonly negated: boolean;
    }
  /** Anything else: true where the program gives true. */
  | {
      readonly kind: 'program';
      readonly program: Program;
      readonly inputs: readonly ProgramOperand[];
    };

/** What a program reads; a field in the type that the statement gives it. */
export type ProgramOperand =
  | { readonly kind: 'field'; readonly name: string; readonly type: SourceFieldType }
  | { readonly kind: 'tag'; readonly name: string }
  | { readonly kind: 'constant'; readonly value: Value | null };

export type CompareOperator = '=' | '!=' | '<' | '<=' | '>' | '>=';

export type Operand =
  | { readonly kind: 'field'; readonly name: string }
  | { readonly kind: 'tag'; readonly name: string }
  | { readonly kind: 'constant'; readonly value: Value };

/** Comparisons, matches and programs, each as often as it stands there. */
function termCount(predicate: Predicate): number {
  if (predicate.kind !== 'and' && predicate.kind !== 'or') return 1;
  return termCount(predicate.left) + termCount(predicate.right);
}

/** Of rows, series or values that a predicate is asked of: so many that some `terms` are looked at, `most` where it is short. */
export function looksWithin(terms: number, predicate: Predicate | undefined, most: number): number {
  if (predicate === undefined) return most;
  return Math.max(1, Math.min(most, Math.floor(terms / termCount(predicate))));
}

/** So many terms of tags are looked at, then others may run: a pattern takes a microsecond to meet a text, and tens to meet a long one. */
export const tagTermsPerPause = 1 << 13;

/** The fields a predicate reads, in order of first use. */
export function predicateFields(predicate: Predicate | undefined): readonly string[] {
  const names = new Set<string>();
  const visitOperand = (operand: Operand): void => {
    if (operand.kind === 'field') names.add(operand.name);
  };
  const visit = (part: Predicate): void => {
    if (part.kind === 'and' || part.kind === 'or') {
      visit(part.left);
      visit(part.right);
    } else if (part.kind === 'compare') {
      visitOperand(part.left);
      visitOperand(part.right);
    } else if (part.kind === 'match') visitOperand(part.operand);
    else if (part.kind === 'program')
      for (const input of part.inputs) if (input.kind === 'field') names.add(input.name);
  };
  if (predicate !== undefined) visit(predicate);
  return [...names];
}

/** Of a series; undefined where it lacks the tag. */
export type TagReader = Pick<ReadonlyMap<string, string>, 'get'>;

/**
 * The predicate for one series: tags become their values and what no longer depends on a field is decided.
 * `false` means that the series has no row; `undefined` that every row passes.
 */
export function specialize(
  predicate: Predicate | undefined,
  tags: TagReader,
  matcher: MatcherFactory,
): Predicate | false | undefined {
  if (predicate === undefined) return undefined;
  return decided(reduce(predicate, tags, matcher, parted));
}

/** Of a reduced predicate, as specialize() has it. */
export function decided(reduced: Predicate): Predicate | false | undefined {
  if (reduced.kind !== 'constant') return reduced;
  return reduced.value ? undefined : false;
}

export type Joined = Extract<Predicate, { kind: 'and' | 'or' }>;

/** How parts of AND and OR are reduced. */
export interface ReducedParts {
  /** Of one whose parts do not hang on tags; undefined of any other. */
  readonly known: (joined: Joined) => Predicate | undefined;
  /** Of two parts that are not decided. */
  readonly join: (joined: Joined, left: Predicate, right: Predicate) => Predicate;
}

const parted: ReducedParts = { known: () => undefined, join: joinedOf };

/** What is reduced to itself stays the same object. */
export function joinedOf(joined: Joined, left: Predicate, right: Predicate): Joined {
  const isSame = left === joined.left && right === joined.right;
  return isSame ? joined : { kind: joined.kind, left, right };
}

/** With the values of tags in place of their names; a constant where that decides it. */
export function reduce(
  predicate: Predicate,
  tags: TagReader,
  matcher: MatcherFactory,
  parts: ReducedParts,
): Predicate {
  switch (predicate.kind) {
    case 'constant':
      return predicate;
    case 'and':
    case 'or': {
      const known = parts.known(predicate);
      if (known !== undefined) return known;
      const decides = predicate.kind === 'or';
      const left = reduce(predicate.left, tags, matcher, parts);
      if (left.kind === 'constant' && left.value === decides) return left;
      const right = reduce(predicate.right, tags, matcher, parts);
      if (right.kind === 'constant' && right.value === decides) return right;
      if (left.kind === 'constant') return right;
      if (right.kind === 'constant') return left;
      return parts.join(predicate, left, right);
    }
    case 'compare': {
      const left = bindTags(predicate.left, tags);
      const right = bindTags(predicate.right, tags);
      if (left.kind === 'constant' && right.kind === 'constant')
        return compare(predicate.operator, left.value, right.value) ? always : never;
      const isSame = left === predicate.left && right === predicate.right;
      return isSame ? predicate : { kind: 'compare', operator: predicate.operator, left, right };
    }
    case 'match': {
      const operand = bindTags(predicate.operand, tags);
      if (operand.kind !== 'constant') return predicate;
      const matches =
        typeof operand.value === 'string' && matcher(predicate.pattern)(operand.value);
      return matches !== predicate.negated ? always : never;
    }
    case 'program':
      return reduceProgram(predicate, tags, matcher);
  }
}

const always: Predicate = { kind: 'constant', value: true };
const never: Predicate = { kind: 'constant', value: false };

/** A tag that a series lacks has no value here, other than in a comparison of its own. */
function reduceProgram(
  predicate: Extract<Predicate, { kind: 'program' }>,
  tags: TagReader,
  matcher: MatcherFactory,
): Predicate {
  const { program, inputs: unbound } = predicate;
  const isBound = !unbound.some(({ kind }) => kind === 'tag');
  if (isBound && unbound.some(({ kind }) => kind === 'field')) return predicate;
  const inputs = unbound.map((input): ProgramOperand =>
    input.kind === 'tag' ? { kind: 'constant', value: tags.get(input.name) ?? null } : input,
  );
  if (inputs.some(({ kind }) => kind === 'field')) return { kind: 'program', program, inputs };
  return evaluateProgram({ program, inputs }, () => null, matcher) ? always : never;
}

function evaluateProgram(
  { program, inputs }: Pick<Extract<Predicate, { kind: 'program' }>, 'program' | 'inputs'>,
  read: FieldReader,
  matcher: MatcherFactory,
): boolean {
  const value = runProgram(
    program,
    (index) => {
      const input = inputs[index];
      if (input?.kind === 'constant') return input.value;
      return input?.kind === 'field' ? castValue(read(input.name), input.type) : null;
    },
    matcher,
  );
  return value === true;
}

/** Numbers in the type asked for; anything else only where it is of that type. */
function castValue(value: Value | null, type: SourceFieldType): Value | null {
  switch (type) {
    case 'float':
      return isNumber(value) ? Number(value) : null;
    case 'integer':
    case 'unsigned': {
      if (!isNumber(value)) return null;
      const whole = typeof value === 'bigint' ? value : wholeOf(value);
      return type === 'integer' ? BigInt.asIntN(64, whole) : BigInt.asUintN(64, whole);
    }
    case 'boolean':
      return typeof value === 'boolean' ? value : null;
    case 'string':
      return typeof value === 'string' ? value : null;
  }
}

function bindTags(operand: Operand, tags: TagReader): Operand {
  return operand.kind === 'tag'
    ? { kind: 'constant', value: tags.get(operand.name) ?? '' }
    : operand;
}

/** Reads the value of a field at the row in hand; null when the row has none. */
export type FieldReader = (name: string) => Value | null;

/** True when the row passes; comparisons with null or between unlike types are false. */
export function evaluate(
  predicate: Predicate,
  read: FieldReader,
  matcher: MatcherFactory,
): boolean {
  switch (predicate.kind) {
    case 'constant':
      return predicate.value;
    case 'and':
      return evaluate(predicate.left, read, matcher) && evaluate(predicate.right, read, matcher);
    case 'or':
      return evaluate(predicate.left, read, matcher) || evaluate(predicate.right, read, matcher);
    case 'compare': {
      const left = operandValue(predicate.left, read);
      const right = operandValue(predicate.right, read);
      return left !== null && right !== null && compare(predicate.operator, left, right);
    }
    case 'match': {
      const value = operandValue(predicate.operand, read);
      if (typeof value !== 'string') return false;
      return matcher(predicate.pattern)(value) !== predicate.negated;
    }
    case 'program':
      return evaluateProgram(predicate, read, matcher);
  }
}

function operandValue(operand: Operand, read: FieldReader): Value | null {
  switch (operand.kind) {
    case 'constant':
      return operand.value;
    case 'field':
      return read(operand.name);
    case 'tag':
      throw new DbError('internal', `tag ${operand.name} was not bound`);
  }
}

/** JavaScript compares bigint with number exactly, as an int64 must be compared with a float literal. */
function compare(operator: CompareOperator, left: Value, right: Value): boolean {
  const isNumeric = isNumber(left) && isNumber(right);
  if (!isNumeric && typeof left !== typeof right) return false;
  switch (operator) {
    case '=':
      return isNumeric ? left == right : left === right; // eslint-disable-line eqeqeq -- bigint and number
    case '!=':
      return isNumeric ? left != right : left !== right; // eslint-disable-line eqeqeq -- bigint and number
    case '<':
      return typeof left !== 'boolean' && left < right;
    case '<=':
      return typeof left !== 'boolean' && left <= right;
    case '>':
      return typeof left !== 'boolean' && left > right;
    case '>=':
      return typeof left !== 'boolean' && left >= right;
  }
}

function isNumber(value: Value | null): value is number | bigint {
  return typeof value === 'number' || typeof value === 'bigint';
}
