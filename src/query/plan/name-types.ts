import { isDbError } from '../../base/errors.ts';
import type { Expr, Field } from '../../influxql/ast.ts';
import type { MeasurementSchema } from '../compile/schema.ts';
import { higherType, type DataType } from './data-type.ts';
import { fieldName } from './column-names.ts';
import { typeOfExpr } from './eval-type.ts';

/** What the names of a source mean: a measurement of some shards, or the columns of a subquery. */
export interface SourceNames {
  /** In the order that wildcards expand to is not of matter here: they are sorted there. */
  readonly fields: ReadonlyMap<string, DataType>;
  readonly tags: ReadonlySet<string>;
  typeOf(name: string): DataType;
}

export function namesOfSchema({ fields, tagKeys }: MeasurementSchema): SourceNames {
  return {
    fields,
    tags: tagKeys,
    typeOf: (name) => fields.get(name) ?? (tagKeys.has(name) ? 'tag' : undefined),
  };
}

/** `fields` have their types, `groupBy` are the subquery's own tags. */
export function namesOfSubquery(fields: readonly Field[], groupBy: readonly string[]): SourceNames {
  const named = new Map<string, DataType>();
  const first = new Map<string, DataType>();
  for (const field of fields) {
    const name = fieldName(field);
    const type = typeOrUnknown(field.expr);
    named.set(name, higherType(named.get(name), type));
    if (!first.has(name)) first.set(name, type);
    for (const inside of insideNames(field.expr))
      if (!first.has(inside.name)) first.set(inside.name, inside.type);
  }
  const tags = new Set(groupBy);
  return {
    fields: named,
    tags,
    typeOf: (name) => first.get(name) ?? (tags.has(name) ? 'tag' : undefined),
  };
}

/** Types that do not go together inside of a subquery make a column that nobody knows. */
function typeOrUnknown(expr: Expr): DataType {
  try {
    return typeOfExpr(expr, () => undefined);
  } catch (error) {
    if (!isDbError(error, 'invalid_argument')) throw error;
    return undefined;
  }
}

/** The fields and tags named inside of top() and bottom(), which are columns of their own. */
export function insideNames(expr: Expr): readonly Extract<Expr, { kind: 'ref' }>[] {
  if (expr.kind !== 'call' || (expr.name !== 'top' && expr.name !== 'bottom')) return [];
  return expr.args.slice(1, -1).flatMap((arg) => (arg.kind === 'ref' ? [arg] : []));
}

/** Several sources as one: the highest type of a name holds. */
export function mergeNames(sources: readonly SourceNames[]): SourceNames {
  const [only] = sources;
  if (only !== undefined && sources.length === 1) return only;
  const fields = new Map<string, DataType>();
  const tags = new Set<string>();
  for (const source of sources) {
    for (const [name, type] of source.fields) fields.set(name, higherType(fields.get(name), type));
    for (const tag of source.tags) tags.add(tag);
  }
  const typeOf = (name: string) =>
    sources.reduce<DataType>((type, source) => higherType(type, source.typeOf(name)), undefined);
  return { fields, tags, typeOf };
}
