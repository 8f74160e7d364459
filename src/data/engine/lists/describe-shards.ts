import { groupedBy } from '../../../base/collections/grouped-by.ts';
import {
  mergeSchemas,
  sortedNames,
  type MeasurementSchema,
} from '../../../query/compile/schema.ts';
import type { ShardSource } from '../../../query/source.ts';
import type { MeasurementDescription } from '../shard-access.ts';

/** Measurements, all or `only` some, with fields and tag keys of some shards together, sorted by name. */
export function describeShards(
  shards: readonly ShardSource[],
  only: readonly string[] | undefined,
): readonly MeasurementDescription[] {
  const all = new Set(shards.flatMap((shard) => shard.measurements()));
  const names = sortedNames(only === undefined ? all : new Set(only.filter((name) => all.has(name)))); // prettier-ignore
  return names.map((name) => plainSchema(mergeSchemas(name, shards.map(schemaIn(name)))));
}

interface Merged {
  readonly parts: readonly (readonly MeasurementDescription[])[];
  readonly schemas: readonly MeasurementSchema[];
  plain: readonly MeasurementDescription[] | undefined;
}

/** What workers said is often asked for again as it was; by the first of them. */
const merged = new WeakMap<readonly MeasurementDescription[], Merged>();

/**
 * Descriptions from several workers or nodes as the compiler of queries wants them, sorted by name: the same object for the
 * same descriptions.
 */
export function mergeDescriptions(
  parts: readonly (readonly MeasurementDescription[])[],
): readonly MeasurementSchema[] {
  return mergedOf(parts).schemas;
}

/** The same as plain data. */
export function plainOf(
  parts: readonly (readonly MeasurementDescription[])[],
): readonly MeasurementDescription[] {
  const [only, ...others] = parts;
  if (only !== undefined && others.length === 0) return only;
  const known = mergedOf(parts);
  return (known.plain ??= known.schemas.map(plainSchema));
}

function mergedOf(parts: readonly (readonly MeasurementDescription[])[]): Merged {
  const [first] = parts;
  if (first === undefined) return { parts, schemas: [], plain: undefined };
  const known = merged.get(first);
  if (known?.parts.length === parts.length && known.parts.every((part, i) => part === parts[i]))
    return known;
  const made = { parts, schemas: mergeParts(parts), plain: undefined };
  merged.set(first, made);
  return made;
}

function mergeParts(
  parts: readonly (readonly MeasurementDescription[])[],
): readonly MeasurementSchema[] {
  const schemas = parts.flat().map(({ name, fields, tagKeys }) => ({ name, fields: new Map(fields), tagKeys: new Set(tagKeys) })); // prettier-ignore
  const byName = groupedBy(schemas, ({ name }) => name);
  return sortedNames(byName.keys()).map((name) => mergeSchemas(name, byName.get(name) ?? []));
}

function plainSchema({ name, fields, tagKeys }: MeasurementSchema): MeasurementDescription {
  return { name, fields: [...fields], tagKeys: [...tagKeys] };
}

function schemaIn(name: string): (shard: ShardSource) => MeasurementSchema {
  return (shard) => ({
    name,
    fields: new Map(shard.fields(name).map((field) => [field.name, field.type])),
    tagKeys: new Set(shard.tagKeys(name)),
  });
}
