import { DbError } from '../../base/errors.ts';
import { compareUtf8 } from '../../base/compare-utf8.ts';
import type { Expr, Field, Measurement } from '../../influxql/ast.ts';
import { printExpr } from '../../influxql/printer.ts';
import { compileRegex } from '../../influxql/regex.ts';
import type { MeasurementSchema } from '../compile/schema.ts';
import { fieldName } from './column-names.ts';
import type { CompiledSelect } from './compile-statement.ts';
import type { DataType } from './data-type.ts';
import { typeOfExpr } from './eval-type.ts';
import { mergeNames, namesOfSchema, namesOfSubquery, type SourceNames } from './name-types.ts';
import { rewriteExpr, visitExpr } from './walk-expr.ts';

/** A measurement that a source named, in one database and policy. */
export interface FoundMeasurement {
  readonly database: string;
  readonly retentionPolicy: string;
  readonly schema: MeasurementSchema;
}

/** The measurements that a source names, of those that the shards of the query's range have. */
export type FindMeasurements = (source: Measurement) => readonly FoundMeasurement[];

/** A compiled SELECT with its names resolved: references have types, wildcards are written out. */
export interface ResolvedSelect {
  readonly compiled: CompiledSelect;
  readonly fields: readonly Field[];
  readonly condition: Expr | undefined;
  /** Tags of its own GROUP BY, in the order they stand. */
  readonly groupBy: readonly string[];
  readonly sources: readonly ResolvedSource[];
  /** Names of the sources whose types do not go together. */
  readonly broken: ReadonlySet<string>;
}

export type ResolvedSource =
  | { readonly kind: 'measurements'; readonly found: readonly FoundMeasurement[] }
  | { readonly kind: 'subquery'; readonly select: ResolvedSelect };

/** Throws the reference's texts for wildcards in wrong places and types that do not go together. */
export function resolveSelect(
  compiled: CompiledSelect,
  findMeasurements: FindMeasurements,
): ResolvedSelect {
  const resolved = resolveNames(compiled, findMeasurements);
  // Only the outermost list is checked for types beforehand; inside, what does not fit is null.
  for (const { expr } of resolved.fields) typeOfExpr(expr, () => undefined);
  return resolved;
}

function resolveNames(
  compiled: CompiledSelect,
  findMeasurements: FindMeasurements,
): ResolvedSelect {
  const names: SourceNames[] = [];
  const sources = compiled.sources.map((source): ResolvedSource => {
    if (source.kind === 'subquery') {
      const select = resolveNames(source.select, findMeasurements);
      names.push(namesOfSubquery(select));
      return { kind: 'subquery', select };
    }
    const found = findMeasurements(source.measurement);
    for (const { schema } of found) names.push(namesOfSchema(schema));
    return { kind: 'measurements', found };
  });
  const all = mergeNames(names);
  const typed = compiled.fields.map(({ alias, expr }) => ({ alias, expr: withTypes(expr, all) }));
  const hasTagWildcard = compiled.groupBy.tags.some(({ kind }) => kind !== 'ref');
  const groupBy = expandGroupBy(compiled.groupBy.tags, all);
  return {
    compiled,
    fields: expandFields(typed, all, hasTagWildcard ? undefined : groupBy),
    condition: compiled.condition && withOneType(withTypes(compiled.condition, all)),
    groupBy,
    sources,
    broken: all.broken ?? new Set(),
  };
}

/** References get the type that their name has; a cast stays, but for `::field` of what is one. */
function withTypes(expr: Expr, names: SourceNames): Expr {
  return rewriteExpr(expr, (part) => {
    if (part.kind !== 'ref' || (part.type !== undefined && part.type !== 'field')) return part;
    const type = names.typeOf(part.name);
    return type === 'tag' && part.type === 'field' ? part : { ...part, type };
  });
}

const readOrder: readonly DataType[] = ['float', 'integer', 'string', 'boolean', 'unsigned'];

/** A field that a condition asks for in several types is read in the last of them alone, as in the reference. */
function withOneType(condition: Expr): Expr {
  const types = new Map<string, DataType>();
  const mixed = new Set<string>();
  visitExpr(condition, (part) => {
    if (part.kind !== 'ref' || !readOrder.includes(part.type)) return;
    const known = types.get(part.name);
    if (known !== undefined && known !== part.type) mixed.add(part.name);
    if (known === undefined || readOrder.indexOf(known) < readOrder.indexOf(part.type))
      types.set(part.name, part.type);
  });
  if (mixed.size === 0) return condition;
  return rewriteExpr(condition, (part) =>
    part.kind === 'ref' && readOrder.includes(part.type) ? { ...part, type: types.get(part.name) } : part,
  ); // prettier-ignore
}

function expandGroupBy(tags: readonly Expr[], names: SourceNames): readonly string[] {
  const sorted = [...names.tags].sort(compareUtf8);
  return tags.flatMap((tag) => {
    if (tag.kind === 'ref') return [tag.name];
    if (tag.kind !== 'regex') return sorted;
    const matches = compileRegex(tag.source);
    return sorted.filter((name) => matches(name));
  });
}

interface Candidate {
  readonly name: string;
  readonly type: DataType;
}

/** `groupBy` undefined: a wildcard or pattern there takes all tags, so that none is left for the fields. */
function expandFields(
  fields: readonly Field[],
  names: SourceNames,
  groupBy: readonly string[] | undefined,
): readonly Field[] {
  const hasWildcard = fields.some(({ expr }) => containsWildcard(expr));
  if (!hasWildcard) return fields;
  const candidates = candidatesOf(names, groupBy);
  return fields.flatMap((field) => expandField(field, candidates));
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

function expandField(field: Field, candidates: readonly Candidate[]): readonly Field[] {
  const { expr } = field;
  switch (expr.kind) {
    case 'wildcard':
      return candidates
        .filter(({ type }) => expr.of === undefined || (expr.of === 'tag') === (type === 'tag'))
        .map(columnOf);
    case 'regex': {
      const matches = compileRegex(expr.source);
      return candidates.filter(({ name }) => matches(name)).map(columnOf);
    }
    case 'call':
      return expandCall(field, expr, candidates);
    case 'binary':
      visitExpr(expr, ({ kind }) => {
        if (kind === 'wildcard')
          throw invalid(`unsupported expression with wildcard: ${printExpr(expr)}`);
      });
      visitExpr(expr, ({ kind }) => {
        if (kind === 'regex')
          throw invalid(`unsupported expression with regex field: ${printExpr(expr)}`);
      });
      return [field];
    default:
      return [field];
  }
}

function columnOf({ name, type }: Candidate): Field {
  return { expr: { kind: 'ref', name, type }, alias: '' };
}

type Call = Extract<Expr, { kind: 'call' }>;

/** A call of a wildcard, however deep inside of others, becomes one for each field that it takes. */
function expandCall(field: Field, outer: Call, candidates: readonly Candidate[]): readonly Field[] {
  const chain: Call[] = [outer];
  for (let [next] = outer.args; next?.kind === 'call'; [next] = next.args) chain.push(next);
  const inner = chain[chain.length - 1] as Call;
  const [argument] = inner.args;
  if (argument?.kind !== 'wildcard' && argument?.kind !== 'regex') return [field];
  if (argument.kind === 'wildcard' && argument.of === 'tag')
    throw invalid(`unable to use tag wildcard in ${inner.name}()`);
  const matches = argument.kind === 'regex' ? compileRegex(argument.source) : () => true;
  const label = fieldName(field);
  return candidates
    .filter(({ name, type }) => type !== 'tag' && takes(inner.name, type) && matches(name))
    .map(({ name, type }) => {
      let expr: Expr = { kind: 'ref', name, type };
      for (const call of chain.toReversed())
        expr = { ...call, args: [expr, ...call.args.slice(1)] };
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
