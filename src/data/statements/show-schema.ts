import { DbError } from '../../base/errors.ts';
import { maxTimeNs, minTimeNs } from '../../base/units.ts';
import { compareUtf8 } from '../../base/compare-utf8.ts';
import type {
  Expr,
  KeyCondition,
  SchemaQuery,
  ShowMeasurements,
  Statement,
} from '../../influxql/ast.ts';
import { compileRegex } from '../../influxql/regex.ts';
import { findDatabase, type Catalog, type Database } from '../../meta/model/catalog.ts';
import { groupsWithin } from '../../meta/model/shard-groups.ts';
import { parseSeriesKey } from '../../models/parse-series-key.ts';
import { matchMeasurements } from '../../query/compile/compile-select.ts';
import type { MeasurementSchema } from '../../query/compile/schema.ts';
import type { Predicate } from '../../query/predicate.ts';
import { splitCondition } from '../../query/compile/split-condition.ts';
import type { RowSeries } from '../../query/emit/result.ts';
import { mergeDescriptions } from '../engine/describe-shards.ts';
import { mergeSeries } from '../engine/local-shards.ts';
import type { SelectContext, SelectPorts } from '../select/select-runner.ts';
import { chooseOwners, isNodeFailure } from '../shards/choose-owners.ts';
import type { MeasurementSeries, ShardAccess } from '../engine/shard-access.ts';
import { namedMeasurements, type MeasurementTags } from './measurements-condition.ts';
import { seriesPredicate } from './series-condition.ts';
import { mustFindDatabase } from './show-catalog.ts';

export type ShowSchema = Extract<
  Statement,
  {
    kind:
      'show-measurements' | 'show-series' | 'show-field-keys' | 'show-tag-keys' | 'show-tag-values';
  }
>;

const askDeadlineMs = 30_000;

/**
 * SHOW MEASUREMENTS, SERIES, TAG KEYS, TAG VALUES and FIELD KEYS: one owner of each shard of the database is asked, and
 * the answers are merged (spec F58). Unlike the reference, which leaves out what it cannot reach, a shard without a live
 * owner is an error.
 */
export async function showSchema(
  statement: ShowSchema,
  context: SelectContext,
  ports: SelectPorts,
): Promise<readonly RowSeries[]> {
  const isMeasurements = statement.kind === 'show-measurements';
  if (isMeasurements && hasTime(statement.condition))
    throw new DbError('invalid_argument', "SHOW MEASUREMENTS doesn't support time in WHERE clause");
  const reader = await SchemaReader.open(statement, context, ports);
  switch (statement.kind) {
    case 'show-measurements':
      return showMeasurements(statement, reader);
    case 'show-series':
      return showSeries(statement, reader);
    case 'show-field-keys':
      return reader.measurements.flatMap(({ name, fields }) => {
        const rows = [...fields].sort(([a], [b]) => compareUtf8(a, b)).map(([...row]) => row);
        const columns = ['fieldKey', 'fieldType'];
        return perMeasurement(statement, name, columns, rows).map((one) => ({
          ...one,
          isCut: true,
        }));
      });
    case 'show-tag-keys':
      return showTagKeys(statement, reader);
    case 'show-tag-values':
      return showTagValues(statement, reader);
  }
}

/** The measurements that a statement names, and their series. */
class SchemaReader {
  readonly measurements: readonly MeasurementSchema[];
  readonly #nodes: readonly {
    readonly access: ShardAccess;
    readonly shardIds: readonly number[];
  }[];
  readonly #condition: Expr | undefined;
  readonly #signal: AbortSignal;

  private constructor(
    measurements: readonly MeasurementSchema[],
    nodes: readonly { readonly access: ShardAccess; readonly shardIds: readonly number[] }[],
    rest: { readonly condition: Expr | undefined; readonly signal: AbortSignal },
  ) {
    this.measurements = measurements;
    this.#nodes = nodes;
    this.#condition = rest.condition;
    this.#signal = rest.signal;
  }

  get hasCondition(): boolean {
    return this.#condition !== undefined;
  }

  static async open(
    statement: ShowSchema,
    context: SelectContext,
    ports: SelectPorts,
  ): Promise<SchemaReader> {
    const { catalog, nodeId: localNodeId } = ports.meta;
    const name = statement.database === '' ? context.database : statement.database;
    const database = databaseOf(statement, catalog, name);
    const { range, rest } = splitCondition(statement.condition, context.nowNs);
    const shards = database.retentionPolicies.flatMap((policy) =>
      groupsWithin(policy, range.minNs ?? minTimeNs, range.maxNs ?? maxTimeNs).flatMap(
        (group) => group.shards,
      ),
    );
    const failed = new Map<number, unknown>();
    for (;;) {
      const { missedAt } = ports.shards;
      const chosen = chooseOwners(shards, { localNodeId, random: ports.random, failed, missedAt }); // prettier-ignore
      const options = { deadlineMs: askDeadlineMs, signal: context.signal };
      const answers = await Promise.all(
        [...chosen].map(async ([nodeId, shardIds]) => {
          try {
            const access = ports.shards.of(nodeId);
            const { measurements } = await access.describe(shardIds, options);
            return { access, shardIds, measurements };
          } catch (error) {
            if (!isNodeFailure(error)) throw error;
            failed.set(nodeId, error);
            return undefined;
          }
        }),
      );
      const nodes = answers.filter((answer) => answer !== undefined);
      if (nodes.length < answers.length) continue;
      const all = mergeDescriptions(nodes.map(({ measurements }) => measurements));
      const { signal } = context;
      return new SchemaReader(namedBy(statement, all), nodes, { condition: rest, signal });
    }
  }

  /** The series that meet the condition, of each measurement of `measurements`. */
  series(): Promise<readonly MeasurementSeries[]> {
    return this.#read((schema) => seriesPredicate(this.#condition, schema));
  }

  allSeries(): Promise<readonly MeasurementSeries[]> {
    return this.#read(() => undefined);
  }

  async #read(
    predicateOf: (schema: MeasurementSchema) => Predicate | undefined,
  ): Promise<readonly MeasurementSeries[]> {
    const measurements = this.measurements.map((schema) => {
      return { name: schema.name, predicate: predicateOf(schema) };
    });
    const options = { deadlineMs: askDeadlineMs, signal: this.#signal };
    const parts = await Promise.all(
      this.#nodes.map(({ access, shardIds }) => access.series({ shardIds, measurements }, options)),
    );
    return mergeSeries({ shardIds: [], measurements }, parts);
  }
}

/** SHOW MEASUREMENTS of a database that is not there answers nothing, as in the reference. */
function databaseOf(
  statement: ShowSchema,
  catalog: Catalog,
  name: string,
): Pick<Database, 'retentionPolicies'> {
  const isLenient = statement.kind === 'show-measurements' && name !== '';
  if (isLenient) return findDatabase(catalog, name) ?? { retentionPolicies: [] };
  return mustFindDatabase(catalog, name);
}

function namedBy(
  statement: ShowSchema,
  all: readonly MeasurementSchema[],
): readonly MeasurementSchema[] {
  if (statement.kind === 'show-measurements' && statement.with !== undefined) {
    const { name, regex } = statement.with;
    const matches = regex === undefined ? (one: string) => one === name : compileRegex(regex);
    return all.filter((schema) => matches(schema.name));
  }
  if (statement.sources.length === 0) return all;
  const names = new Set(
    matchMeasurements(
      statement,
      all.map(({ name }) => name),
    ),
  );
  return all.filter(({ name }) => names.has(name));
}

async function showMeasurements(
  statement: ShowMeasurements,
  reader: SchemaReader,
): Promise<readonly RowSeries[]> {
  if (statement.wildcardDatabase || statement.wildcardRetentionPolicy || statement.retentionPolicy !== '') // prettier-ignore
    throw new DbError('unsupported', 'SHOW MEASUREMENTS ON a retention policy is not supported in this version'); // prettier-ignore
  const { condition } = statement;
  const named =
    condition === undefined
      ? reader.measurements
      : namedMeasurements(condition, (await reader.allSeries()).map(tagsOf));
  const names = named.map(({ name }) => name);
  const rows = names.map((name) => [name]);
  return perMeasurement(statement, 'measurements', ['name'], rows);
}

function hasTime(condition: Expr | undefined): boolean {
  const { range } = splitCondition(condition, 0n);
  return range.minNs !== undefined || range.maxNs !== undefined;
}

function tagsOf({ name, keys }: MeasurementSeries): MeasurementTags {
  const values = new Map<string, Set<string>>();
  for (const key of keys)
    for (const tag of parseSeriesKey(key).tags) {
      const known = values.get(tag.key);
      if (known === undefined) values.set(tag.key, new Set([tag.value]));
      else known.add(tag.value);
    }
  return { name, values };
}

async function showSeries(
  statement: SchemaQuery,
  reader: SchemaReader,
): Promise<readonly RowSeries[]> {
  const rows = (await reader.series()).flatMap(({ keys }) => keys).map((key) => [key]);
  const page = paged(statement, rows);
  return page.length === 0 ? [] : [{ kind: 'rows', isCut: true, columns: ['key'], rows: page }];
}

async function showTagKeys(
  statement: Extract<ShowSchema, { kind: 'show-tag-keys' }>,
  reader: SchemaReader,
): Promise<readonly RowSeries[]> {
  const matches = keyMatcher(statement.keys);
  const found = reader.hasCondition
    ? (await reader.series()).map(({ name, keys }) => {
        const tagKeys = keys.flatMap((key) => parseSeriesKey(key).tags.map((tag) => tag.key));
        return { name, tagKeys: new Set(tagKeys) };
      })
    : reader.measurements;
  return found.flatMap(({ name, tagKeys }) => {
    const rows = [...tagKeys]
      .filter(matches)
      .sort(compareUtf8)
      .map((key) => [key]);
    return perMeasurement(statement, name, ['tagKey'], rows);
  });
}

async function showTagValues(
  statement: Extract<ShowSchema, { kind: 'show-tag-values' }>,
  reader: SchemaReader,
): Promise<readonly RowSeries[]> {
  const matches = keyMatcher(statement.keys);
  return (await reader.series()).flatMap(({ name, keys }) => {
    const pairs = new Map<string, readonly [string, string]>();
    for (const key of keys) {
      for (const tag of parseSeriesKey(key).tags)
        if (matches(tag.key)) pairs.set(JSON.stringify(tag), [tag.key, tag.value]);
    }
    const rows = [...pairs.values()].sort(
      (a, b) => compareUtf8(a[0], b[0]) || compareUtf8(a[1], b[1]),
    );
    return perMeasurement(statement, name, ['key', 'value'], rows);
  });
}

function keyMatcher(condition: KeyCondition | undefined): (key: string) => boolean {
  if (condition === undefined) return () => true;
  const { operator, operand } = condition;
  switch (operand.kind) {
    case 'list':
      return (key) => operand.names.includes(key);
    case 'string':
      return (key) => (key === operand.value) === (operator === '=');
    case 'regex': {
      const matches = compileRegex(operand.source);
      return (key) => matches(key) === (operator === '=~');
    }
  }
}

function perMeasurement(
  statement: SchemaQuery,
  name: string,
  columns: readonly string[],
  all: readonly (readonly string[])[],
): readonly RowSeries[] {
  const rows = paged(statement, all);
  return rows.length === 0 ? [] : [{ kind: 'rows', name, columns, rows }];
}

function paged<T>({ limit, offset }: SchemaQuery, rows: readonly T[]): readonly T[] {
  return limit === 0 ? rows.slice(offset) : rows.slice(offset, offset + limit);
}
