/**
 * Wildcards and patterns of a SELECT, written out. What they are held against are the names of all sources together, hundreds of
 * thousands of them maybe, and a statement has as many patterns as its text has room for.
 *
 * - Between its steps whoever runs this lets others run, and may end it.
 * - Never more than columnsMax come of a list.
 */
import { DbError } from '../../base/errors.ts';
import { compareUtf8 } from '../../base/compare-utf8.ts';
import type { Expr, Field } from '../../influxql/ast.ts';
import { printExpr } from '../../influxql/printer.ts';
import { compileRegex } from '../../influxql/regex.ts';
import { fieldName } from './column-names.ts';
import type { DataType } from './data-type.ts';
import type { SourceNames } from './name-types.ts';
import { visitExpr } from './walk-expr.ts';

/** Gives `Result` in the end; whoever runs it lets others run between its steps, or not. */
export type Steps<Result> = Generator<undefined, Result, undefined>;

/** Names that are held against a pattern in a step: patterns may be dear. */
const namesPerStep = 64;
/** More than any answer has, and what a plan of them takes is kept in memory: patterns that meet many names multiply. */
const columnsMax = 1_000_000;

/** The tags that a GROUP BY names, wildcards and patterns written out. */
export function* expandGroupBy(
  tags: readonly Expr[],
  names: SourceNames,
): Steps<readonly string[]> {
  const sorted = [...names.tags].sort(compareUtf8);
  const expanded: string[] = [];
  for (const tag of tags) {
    if (tag.kind === 'ref') expanded.push(tag.name);
    else {
      const matches = tag.kind === 'regex' ? compileRegex(tag.source) : () => true;
      yield* addPassing(expanded, sorted, (name) => (matches(name) ? name : undefined));
    }
  }
  return expanded;
}

/** Adds what `of` makes of each that passes; undefined of one that does not. */
function* addPassing<From, To>(
  to: To[],
  all: readonly From[],
  of: (one: From) => To | undefined,
): Steps<void> {
  for (const [i, one] of all.entries()) {
    if (i % namesPerStep === 0) yield;
    const made = of(one);
    if (made !== undefined) to.push(made);
    if (to.length > columnsMax) throw invalid(`max number of columns exceeded: ${columnsMax}`);
  }
}

interface Candidate {
  readonly name: string;
  readonly type: DataType;
}

/**
 * The columns of a list, wildcards and patterns written out. `groupBy` undefined: a wildcard or pattern there takes all tags, so that none is left for the
 * fields. Throws the reference's texts for wildcards in wrong places.
 */
export function* expandFields(
  fields: readonly Field[],
  names: SourceNames,
  groupBy: readonly string[] | undefined,
): Steps<readonly Field[]> {
  const hasWildcard = fields.some(({ expr }) => containsWildcard(expr));
  if (!hasWildcard) return fields;
  const candidates = candidatesOf(names, groupBy);
  const expanded: Field[] = [];
  for (const field of fields) yield* expandField(expanded, field, candidates);
  return expanded;
}

function containsWildcard(root: Expr): boolean {
  let found = false;
  visitExpr(root, ({ kind }) => (found ||= kind === 'wildcard' || kind === 'regex'));
  return found;
}

/** Fields and tags by name; where they share one, the field comes first. Without fields there is nothing. */
function candidatesOf(
  names: SourceNames,
  groupBy: readonly string[] | undefined,
): readonly Candidate[] {
  if (names.fields.size === 0) return [];
  const grouped = new Set(groupBy);
  const fields = [...names.fields].map(([name, type]): Candidate => ({ name, type }));
  const tags = groupBy === undefined ? [] : [...names.tags].filter((tag) => !grouped.has(tag));
  const all = [...fields, ...tags.map((name): Candidate => ({ name, type: 'tag' }))];
  return all.sort((a, b) => compareUtf8(a.name, b.name) || tagLast(a) - tagLast(b));
}

function tagLast({ type }: Candidate): number {
  return type === 'unsigned' ? 2 : type === 'tag' ? 1 : 0;
}

function* expandField(to: Field[], field: Field, candidates: readonly Candidate[]): Steps<void> {
  const { expr } = field;
  switch (expr.kind) {
    case 'wildcard': {
      const isMeant = (type: DataType) => expr.of === undefined || (expr.of === 'tag') === (type === 'tag'); // prettier-ignore
      yield* addPassing(to, candidates, (one) => (isMeant(one.type) ? columnOf(one) : undefined));
      return;
    }
    case 'regex': {
      const matches = compileRegex(expr.source);
      yield* addPassing(to, candidates, (one) => (matches(one.name) ? columnOf(one) : undefined));
      return;
    }
    case 'call':
      yield* expandCall(to, { field, outer: expr }, candidates);
      return;
    case 'binary':
      visitExpr(expr, ({ kind }) => {
        if (kind === 'wildcard')
          throw invalid(`unsupported expression with wildcard: ${printExpr(expr)}`);
      });
      visitExpr(expr, ({ kind }) => {
        if (kind === 'regex')
          throw invalid(`unsupported expression with regex field: ${printExpr(expr)}`);
      });
      to.push(field);
      return;
    default:
      to.push(field);
  }
}

function columnOf({ name, type }: Candidate): Field {
  return { expr: { kind: 'ref', name, type }, alias: '' };
}

type Call = Extract<Expr, { kind: 'call' }>;

/** A call of a wildcard, however deep inside of others, becomes one for each field that it takes. */
function* expandCall(
  to: Field[],
  { field, outer }: { readonly field: Field; readonly outer: Call },
  candidates: readonly Candidate[],
): Steps<void> {
  const chain: Call[] = [outer];
  for (let [next] = outer.args; next?.kind === 'call'; [next] = next.args) chain.push(next);
  const inner = chain[chain.length - 1] as Call;
  const [argument] = inner.args;
  if (argument?.kind !== 'wildcard' && argument?.kind !== 'regex') {
    to.push(field);
    return;
  }
  if (argument.kind === 'wildcard' && argument.of === 'tag')
    throw invalid(`unable to use tag wildcard in ${inner.name}()`);
  const matches = argument.kind === 'regex' ? compileRegex(argument.source) : () => true;
  const label = fieldName(field);
  const calls = chain.toReversed();
  yield* addPassing(to, candidates, ({ name, type }) => {
    if (type === 'tag' || !takes(inner.name, type) || !matches(name)) return undefined;
    let expr: Expr = { kind: 'ref', name, type };
    for (const call of calls) expr = { ...call, args: [expr, ...call.args.slice(1)] };
    return { expr, alias: `${label}_${name}` };
  });
}

const anyTypeCalls: ReadonlySet<string> = new Set([
  'count',
  'distinct',
  'elapsed',
  'first',
  'last',
  'mode',
  'sample',
]);

function takes(call: string, type: DataType): boolean {
  if (type === 'float' || type === 'integer') return true;
  if (type === 'unsigned') return !call.startsWith('holt_winters');
  if (type === 'string') return anyTypeCalls.has(call);
  return type === 'boolean' && (anyTypeCalls.has(call) || call === 'min' || call === 'max');
}

function invalid(text: string): DbError {
  return new DbError('invalid_argument', text);
}
