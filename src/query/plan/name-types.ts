import { isDbError } from '../../base/errors.ts';
import type { Expr, Field } from '../../influxql/ast.ts';
import type { MeasurementSchema } from '../compile/schema.ts';
import { higherType, type DataType } from './data-type.ts';
import { fieldName } from './column-names.ts';
import { typeOfExpr } from './eval-type.ts';
import { visitExpr } from './walk-expr.ts';

type Ref = Extract<Expr, { kind: 'ref' }>;

/** What the names of a source mean: a measurement of some shards, or the columns of a subquery. */
export interface SourceNames {
  /** In the order that wildcards expand to is not of matter here: they are sorted there. */
  readonly fields: ReadonlyMap<string, DataType>;
  readonly tags: ReadonlySet<string>;
  typeOf(name: string): DataType;
  /** Columns of a subquery whose types do not go together: nobody knows the name then, whatever other sources say. */
  readonly broken?: ReadonlySet<string>;
}

export function namesOfSchema({ fields, tagKeys }: MeasurementSchema): SourceNames {
  return {
    fields,
    tags: tagKeys,
    typeOf: (name) => fields.get(name) ?? (tagKeys.has(name) ? 'tag' : undefined),
  };
}

/** What a subquery shows of itself to the query around it. */
export interface SubqueryList {
  /** With their types. */
  readonly fields: readonly Field[];
  /** Its own tags. */
  readonly groupBy: readonly string[];
  /** Names of its sources whose types do not go together: what is made of them is nobody's either. */
  readonly broken: ReadonlySet<string>;
}

export function namesOfSubquery({ fields, groupBy, broken: below }: SubqueryList): SourceNames {
  const named = new Map<string, DataType>();
  const first = new Map<string, DataType>();
  const broken = new Set<string>();
  for (const field of fields) {
    const name = fieldName(field);
    const found = readsBroken(field.expr, below) ? 'broken' : typeOrBroken(field.expr);
    if (found === 'broken') broken.add(name);
    const type = found === 'broken' ? undefined : found;
    named.set(name, higherType(named.get(name), type));
    if (!first.has(name)) first.set(name, type);
    for (const inside of insideNames(field.expr))
      if (!first.has(inside.name)) first.set(inside.name, inside.type);
  }
  const tags = new Set(groupBy);
  return {
    fields: named,
    tags,
    broken,
    typeOf: (name) => first.get(name) ?? (tags.has(name) ? 'tag' : undefined),
  };
}

function readsBroken(expr: Expr, broken: ReadonlySet<string>): boolean {
  if (broken.size === 0) return false;
  let found = false;
  visitExpr(expr, (part) => {
    found ||= part.kind === 'ref' && part.type === undefined && broken.has(part.name);
  });
  return found;
}

/** The reference does not know what `DISTINCT name` gives, though it knows what `distinct(name)` does. */
function typeOrBroken(expr: Expr): DataType | 'broken' {
  if (expr.kind === 'call' && expr.isClause === true) return undefined;
  try {
    return typeOfExpr(expr, () => undefined);
  } catch (error) {
    if (!isDbError(error, 'invalid_argument')) throw error;
    return 'broken';
  }
}

/** The tags by which any top() or bottom() of an expression parts its points: a field of the name parts nothing. */
export function partingTags(root: Expr): readonly Ref[] {
  const tags: Ref[] = [];
  visitExpr(root, (expr) => {
    for (const inside of insideNames(expr)) tags.push({ ...inside, type: 'tag' });
  });
  return tags;
}

/** The fields and tags named inside of a top() or bottom() that stands alone, which are columns of their own. */
export function insideNames(expr: Expr): readonly Ref[] {
  if (expr.kind !== 'call' || (expr.name !== 'top' && expr.name !== 'bottom')) return [];
  return expr.args.slice(1, -1).flatMap((arg) => (arg.kind === 'ref' ? [arg] : []));
}

/** Several sources as one: the highest type of a name holds. */
export function mergeNames(sources: readonly SourceNames[]): SourceNames {
  const [only] = sources;
  if (only !== undefined && sources.length === 1) return only;
  const fields = new Map<string, DataType>();
  const tags = new Set<string>();
  const broken = new Set(sources.flatMap((source) => [...(source.broken ?? [])]));
  for (const source of sources) {
    for (const [name, type] of source.fields) fields.set(name, higherType(fields.get(name), type));
    for (const tag of source.tags) tags.add(tag);
  }
  const typeOf = (name: string) =>
    broken.has(name)
      ? undefined
      : sources.reduce<DataType>(
          (type, source) => higherType(type, source.typeOf(name)),
          undefined,
        );
  return { fields, tags, typeOf, broken };
}
