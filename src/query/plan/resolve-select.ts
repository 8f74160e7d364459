import type { Expr, Field, Measurement } from '../../influxql/ast.ts';
import { compilePredicate } from '../compile/compile-predicate.ts';
import type { MeasurementSchema } from '../compile/schema.ts';
import type { CompiledSelect } from './compile-statement.ts';
import type { DataType } from './data-type.ts';
import { expandFields, expandGroupBy, type Steps } from './expand-names.ts';
import { typeOfExpr } from './eval-type.ts';
import type { Predicate } from '../predicate.ts';
import type { Pacer } from '../run/pacer.ts';
import { mergeNames, namesOfSchema, namesOfSubquery, type SourceNames } from './name-types.ts';
import { rewriteExpr, visitExpr } from './walk-expr.ts';

/** A measurement that a source named, in one database and policy. */
export interface FoundMeasurement {
  readonly database: string;
  readonly retentionPolicy: string;
  readonly schema: MeasurementSchema;
  /** What its series have to be like besides what the statement asks; absent for all of them. */
  readonly allowed?: Predicate | undefined;
}

/** What the series and rows of a measurement have to be like. */
export function predicateOf(
  { schema, allowed }: FoundMeasurement,
  condition: Expr | undefined,
): Predicate | undefined {
  const asked = compilePredicate(condition, schema);
  if (allowed === undefined || asked === undefined) return allowed ?? asked;
  return { kind: 'and', left: allowed, right: asked };
}

/** The measurements that a source names, of those that the shards of the query's range have; undefined is a place to rest. */
export type FindMeasurements = (source: Measurement) => Iterable<FoundMeasurement | undefined>;

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
  const steps = resolveSteps(compiled, findMeasurements);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** The same in slices. */
export async function resolveInSlices(
  compiled: CompiledSelect,
  findMeasurements: FindMeasurements,
  pacer: Pick<Pacer, 'rest'>,
): Promise<ResolvedSelect> {
  const steps = resolveSteps(compiled, findMeasurements);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
    const rest = pacer.rest();
    if (rest !== undefined) await rest;
  }
}

/** Each pattern is held against all names, and there may be hundreds of thousands of these. */
export function* resolveSteps(
  compiled: CompiledSelect,
  findMeasurements: FindMeasurements,
): Steps<ResolvedSelect> {
  const resolved = yield* resolveNames(compiled, findMeasurements);
  // Only the outermost list is checked for types beforehand; inside, what does not fit is null.
  for (const { expr } of resolved.fields) typeOfExpr(expr, () => undefined);
  return resolved;
}

function* resolveNames(
  compiled: CompiledSelect,
  findMeasurements: FindMeasurements,
): Steps<ResolvedSelect> {
  const names: SourceNames[] = [];
  const sources: ResolvedSource[] = [];
  for (const source of compiled.sources) {
    yield;
    if (source.kind === 'subquery') {
      const select = yield* resolveNames(source.select, findMeasurements);
      names.push(namesOfSubquery(select));
      sources.push({ kind: 'subquery', select });
      continue;
    }
    const found: FoundMeasurement[] = [];
    for (const one of findMeasurements(source.measurement)) {
      if (one === undefined) yield;
      else found.push(one);
    }
    for (const { schema } of found) names.push(namesOfSchema(schema));
    sources.push({ kind: 'measurements', found });
  }
  const all = mergeNames(names);
  yield;
  const typed = compiled.fields.map(({ alias, expr }) => ({ alias, expr: withTypes(expr, all) }));
  const hasTagWildcard = compiled.groupBy.tags.some(({ kind }) => kind !== 'ref');
  const groupBy = yield* expandGroupBy(compiled.groupBy.tags, all);
  return {
    compiled,
    fields: yield* expandFields(typed, all, hasTagWildcard ? undefined : groupBy),
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
