/**
 * DELETE, DROP SERIES and DROP MEASUREMENT (spec 6.2, F64): every owner of every shard deletes for itself, by what its own
 * index says. An owner that cannot be reached keeps its points, and the statement says so.
 */
import { DbError, errorText } from '../../base/errors.ts';
import { maxTimeNs, minTimeNs } from '../../base/units.ts';
import { findRetentionPolicy } from '../../meta/model/catalog.ts';
import type { Source, Statement } from '../../influxql/ast.ts';
import { splitCondition } from '../../query/compile/split-condition.ts';
import type { MeasurementSchema } from '../../query/compile/schema.ts';
import { mergeDescriptions } from '../engine/lists/describe-shards.ts';
import type { ListedMeasurement } from '../engine/lists/schema-list.ts';
import type { DeletePointsRequest, ShardAccess } from '../engine/shard-access.ts';
import type { SchemaPorts } from './schema-reader.ts';
import {
  databaseScope,
  mustFindDatabase,
  shardsWithin,
  type SchemaScope,
  type ScopePlace,
} from './schema-scope.ts';
import { seriesPredicate } from './series-condition.ts';
import type { ShowContext } from './show-schema.ts';

export type DeleteStatement = Extract<
  Statement,
  { kind: 'delete' | 'drop-series' | 'drop-measurement' }
>;

const describeDeadlineMs = 30_000;
/** Deleting a million series takes its time; dead peers are found by the transport. */
const deleteDeadlineMs = 3_600_000;

export async function deletePoints(
  statement: DeleteStatement,
  context: ShowContext,
  { meta, shards }: Pick<SchemaPorts, 'meta' | 'shards'>,
): Promise<void> {
  const { range, rest } = splitCondition(conditionOf(statement), context.nowNs);
  const isTimed = range.minNs !== undefined || range.maxNs !== undefined;
  if (statement.kind === 'drop-series' && isTimed)
    throw invalid("DROP SERIES doesn't support time in WHERE clause");
  const { database, retentionPolicy, signal } = context;
  const place = { catalog: meta.catalog, database, retentionPolicy, range };
  const scope = scopeOf(place, sourcesOf(statement));
  const { index: catalogIndex } = meta.catalog;
  const bounds = { minTimeNs: range.minNs ?? minTimeNs, maxTimeNs: range.maxNs ?? maxTimeNs, catalogIndex }; // prettier-ignore
  const outcomes = await Promise.allSettled(
    [...shardsByOwner(scope)].map(async ([nodeId, shardIds]) => {
      const access = ownerOf(shards.of.bind(shards), nodeId);
      const described = await access.describe(shardIds, { deadlineMs: describeDeadlineMs, signal });
      const schemas = mergeDescriptions([described.measurements]);
      const named = schemas.filter(({ name }) => scope.isNamed(name));
      const measurements = named.map((schema) => listed(schema, { rest, shardIds }));
      if (measurements.length === 0) return;
      const request: DeletePointsRequest = { shardIds, measurements, ...bounds };
      await access.deletePoints(request, { deadlineMs: deleteDeadlineMs, signal });
    }),
  );
  throwFirst(outcomes, [...shardsByOwner(scope).keys()]);
}

/** The policy that the sources name, or all of the database. */
function scopeOf(place: ScopePlace, sources: readonly Source[]): SchemaScope {
  const scope = databaseScope(place, sources);
  const named = sources.map((source) =>
    source.kind === 'measurement' ? source.retentionPolicy : '',
  );
  const [first = ''] = named;
  const other = named.find((name) => name !== first);
  if (other !== undefined)
    throw invalid(`mixed retention policies not supported, wanted "${first}" got "${other}"`);
  if (first === '') return scope;
  const database = mustFindDatabase(place.catalog, place.database);
  const policy = findRetentionPolicy(database, first);
  return { ...scope, shards: policy === undefined ? [] : shardsWithin(policy, place.range) };
}

function conditionOf(statement: DeleteStatement) {
  return statement.kind === 'drop-measurement' ? undefined : statement.condition;
}

function sourcesOf(statement: DeleteStatement): readonly Source[] {
  if (statement.kind !== 'drop-measurement') return statement.sources;
  return [{ kind: 'measurement', database: '', retentionPolicy: '', name: statement.name }];
}

function shardsByOwner({ shards }: SchemaScope): ReadonlyMap<number, readonly number[]> {
  const byOwner = new Map<number, number[]>();
  for (const { id, owners, restoreIndex } of shards) {
    // What is to come of it would not be deleted.
    if (restoreIndex !== undefined)
      throw new DbError('unavailable', `shard ${id} is being restored`);
    for (const owner of owners) {
      const own = byOwner.get(owner) ?? [];
      own.push(id);
      byOwner.set(owner, own);
    }
  }
  return byOwner;
}

function ownerOf(of: (nodeId: number) => ShardAccess, nodeId: number): ShardAccess {
  try {
    return of(nodeId);
  } catch (error) {
    throw new DbError('unavailable', errorText(error), { cause: error });
  }
}

function listed(
  schema: MeasurementSchema,
  { rest, shardIds }: { readonly rest: Parameters<typeof seriesPredicate>[0]; readonly shardIds: readonly number[] }, // prettier-ignore
): ListedMeasurement {
  checkTagsOnly(rest, { schema, shardId: shardIds[0] ?? 0 });
  return { name: schema.name, predicate: seriesPredicate(rest, schema) };
}

/** A condition on a field could not be held by an index: refused, as in the reference. */
function checkTagsOnly(
  rest: Parameters<typeof seriesPredicate>[0],
  { schema, shardId }: { readonly schema: MeasurementSchema; readonly shardId: number },
): void {
  const names = new Set(schema.fields.keys());
  if (!namesField(rest, names)) return;
  throw invalid(`shard ${shardId}: fields not supported in WHERE clause during deletion`);
}

function namesField(
  expr: Parameters<typeof seriesPredicate>[0],
  names: ReadonlySet<string>,
): boolean {
  const waiting = expr === undefined ? [] : [expr];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (next.kind === 'paren') waiting.push(next.expr);
    else if (next.kind === 'binary') waiting.push(next.left, next.right);
    else if (next.kind === 'ref' && names.has(next.name)) return true;
  }
  return false;
}

/** What an owner refuses is told as it is; an owner that is away by the reference's text. */
function throwFirst(
  outcomes: readonly PromiseSettledResult<void>[],
  nodeIds: readonly number[],
): void {
  outcomes.forEach((outcome, i) => {
    if (outcome.status === 'fulfilled') return;
    const error: unknown = outcome.reason;
    const isAway =
      error instanceof DbError &&
      (error.code === 'unavailable' ||
        error.code === 'outcome_unknown' ||
        error.code === 'timeout');
    if (!isAway) throw error;
    const text = `partial success, node ${nodeIds[i] ?? 0} may be down (${error.message})`;
    throw new DbError('unavailable', text, { cause: error });
  });
}

function invalid(text: string): DbError {
  return new DbError('invalid_argument', text);
}
