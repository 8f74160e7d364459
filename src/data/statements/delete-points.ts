/**
 * DELETE, DROP SERIES and DROP MEASUREMENT (spec 6.2, F64): every owner of every shard deletes for itself, by what its own
 * index says. An owner that cannot be reached keeps its points, and the statement says so. Where a shard goes to other owners meanwhile
 * all of it is said once more, to those of now.
 */
import { quoteGo } from '../../base/go-format.ts';
import { DbError, errorText, isDbError } from '../../base/errors.ts';
import { maxTimeNs, minTimeNs } from '../../base/units.ts';
import { findDatabase, findRetentionPolicy } from '../../meta/model/catalog.ts';
import type { Expr, Source, Statement } from '../../influxql/ast.ts';
import type { Stamp } from '../../models/stamp.ts';
import { namesTime, splitCondition } from '../../query/compile/split-condition.ts';
import type { MeasurementSchema } from '../../query/compile/schema.ts';
import { mergeDescriptions } from '../engine/lists/describe-shards.ts';
import type { ListedMeasurement } from '../engine/lists/schema-list.ts';
import type {
  DeletePointsRequest,
  ShardAccess,
  ShardsDescription,
} from '../engine/shard-access.ts';
import { allowedOf, bounded } from '../access/series-rules.ts';
import { ownsShard } from '../../meta/model/shard-fate.ts';
import { awaitedShardOf } from '../../storage/engine/awaited-shard.ts';
import { movedShardOf } from '../../storage/engine/moved-shard.ts';
import { isAway } from '../shards/choose-owners.ts';
import { hasMoved } from '../shards/moved-shards.ts';
import { deletionPredicate } from './deletion-condition.ts';
import type { SchemaPorts } from './schema/schema-reader.ts';
import {
  databaseScope,
  isNameless,
  measurementsOf,
  mustFindDatabase,
  shardsWithin,
  type SchemaScope,
  type ScopePlace,
} from './schema/schema-scope.ts';
import type { ShowContext } from './schema/show-schema.ts';

export type DeleteStatement = Extract<
  Statement,
  { kind: 'delete' | 'drop-series' | 'drop-measurement' }
>;

const describeDeadlineMs = 30_000;
/** Deleting a million series takes its time; dead peers are found by the transport. */
const deleteDeadlineMs = 3_600_000;
/** Of one statement: a plan moves a shard in seconds. */
const movesMax = 16;

/** Nodes that own nothing of a delete need not hear of it for it to be done. */
const tellDeadlineMs = 2_000;

export interface DeletePorts extends Pick<SchemaPorts, 'clock' | 'meta' | 'shards'> {
  readonly stamps: {
    learned(): Promise<void> | undefined;
    overtaking(newerNs: bigint): Stamp;
  };
  /** Keeps a delete for a node that cannot be reached, so that it gets it later. */
  readonly keepDelete: (nodeId: number, request: DeletePointsRequest) => Promise<void>;
}

interface Owner {
  readonly nodeId: number;
  readonly shardIds: readonly number[];
}

const noOwner: Owner = { nodeId: 0, shardIds: [] };

export async function deletePoints(
  statement: DeleteStatement,
  context: ShowContext,
  ports: DeletePorts,
): Promise<void> {
  for (let moveCount = 0; ; moveCount++) {
    const outcomes = await deleteOnce(statement, context, ports);
    if (moveCount < movesMax && (await haveMoved(outcomes, context.signal, ports))) continue;
    throwFirst(outcomes);
    return;
  }
}

async function deleteOnce(
  statement: DeleteStatement,
  context: ShowContext,
  ports: DeletePorts,
): Promise<readonly Outcome[]> {
  const { catalog } = ports.meta;
  if (findDatabase(catalog, context.database) === undefined)
    throw new DbError('database_not_found', `database not found: ${context.database}`);
  const condition = conditionOf(statement);
  if (statement.kind === 'drop-series' && namesTime(condition))
    throw invalid("DROP SERIES doesn't support time in WHERE clause");
  const { range, rest } = splitCondition(condition, context.nowNs);
  const { database, retentionPolicy, signal } = context;
  const place = { catalog, database, retentionPolicy, range };
  const scope = scopeOf(place, sourcesOf(statement));
  const owners = [...shardsByOwner(scope)].map(([nodeId, shardIds]) => ({ nodeId, shardIds }));
  const schemas = await describeAll(owners, signal, ports);
  const isShared = catalog.dataNodes.length > 1;
  const known = schemas.known.filter(({ name }) => scope.isNamed(name));
  const shardIds = owners[0]?.shardIds ?? [];
  const named = [
    ...known.map((schema) => listed(schema, { rest, shardIds })),
    ...(isShared ? unknownOf(sourcesOf(statement), known, rest) : []),
  ];
  const measurements = writable(named, sourcesOf(statement), context);
  const request: Omit<DeletePointsRequest, 'shardIds'> = {
    measurements,
    minTimeNs: range.minNs ?? minTimeNs,
    maxTimeNs: range.maxNs ?? maxTimeNs,
    catalogIndex: catalog.index,
    // Of a single node nobody brings anything late.
    ...(isShared && { stamp: ports.stamps.overtaking(schemas.newestNs) }),
  };
  const deleted = measurements.length === 0 ? [] : await deleteAll(owners, { request, signal }, ports); // prettier-ignore
  return [...schemas.outcomes, ...deleted];
}

/** Whether all that owners said was not there is owned by others by now, or dropped: waits a while for the catalog that says so. */
async function haveMoved(
  outcomes: readonly Outcome[],
  signal: AbortSignal,
  { clock, meta }: DeletePorts,
): Promise<boolean> {
  const left = outcomes.filter(({ result }) => result.status === 'rejected' && isMoved(result.reason)); // prettier-ignore
  const isOwner = ({ nodeId, shardIds }: Outcome): boolean => shardIds.every((id) => ownsShard(meta.catalog, id, nodeId)); // prettier-ignore
  return (
    left.length > 0 && !signal.aborted && hasMoved(() => left.some(isOwner), { clock, signal })
  );
}

function isMoved(error: unknown): boolean {
  return movedShardOf(error) !== undefined || isDbError(error, 'shard_not_found');
}

/**
 * What of them the one who deletes may write. Throws `forbidden` where that is nothing; but a measurement that is hidden from them,
 * and that a pattern alone has found, is as if it were not there.
 */
function writable(
  measurements: readonly ListedMeasurement[],
  sources: readonly Source[],
  { database, rules }: ShowContext,
): readonly ListedMeasurement[] {
  const bound = rules?.writes(database);
  if (bound === undefined) return measurements;
  const left = measurements.flatMap((one) => {
    const allowed = allowedOf(bound, one.name);
    return allowed === 'none' ? [] : [{ ...one, predicate: bounded(allowed, one.predicate) }];
  });
  if (left.length > 0) return left;
  // Named ones are refused whether or not they are there.
  const readable = rules?.reads(database);
  const isReadable = (name: string) =>
    readable === undefined || allowedOf(readable, name) === 'all';
  const named = sources.flatMap((one) => (one.kind === 'measurement' && one.name !== '' ? [one.name] : [])); // prettier-ignore
  const refused = named.find((name) => allowedOf(bound, name) === 'none') ?? measurements.map(({ name }) => name).find(isReadable); // prettier-ignore
  if (refused === undefined) return [];
  throw new DbError('forbidden', `not authorized to delete from ${quoteGo(refused)}: it is restricted`); // prettier-ignore
}

interface Outcome extends Owner {
  readonly result: PromiseSettledResult<unknown>;
}

/**
 * What the owners know of, and the latest stamp that any of them has given, taken or stored: the delete is later than that, whatever the
 * wall clocks say, or said.
 */
async function describeAll(
  owners: readonly Owner[],
  signal: AbortSignal,
  { shards, stamps }: DeletePorts,
): Promise<{
  readonly known: readonly MeasurementSchema[];
  readonly outcomes: readonly Outcome[];
  readonly newestNs: bigint;
}> {
  await stamps.learned();
  const results = await Promise.allSettled(
    owners.map(
      async (owner) => describeOwner(ownerOf(shards.of.bind(shards), owner.nodeId), owner, { owners, signal }), // prettier-ignore
    ),
  );
  const described = results.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  let newestNs = 0n;
  for (const { stampNs = 0n } of described) if (stampNs > newestNs) newestNs = stampNs;
  const outcomes = results.map((result, i) => ({ ...(owners[i] ?? noOwner), result }));
  return { known: mergeDescriptions(described.map((one) => one.measurements)), outcomes, newestNs }; // prettier-ignore
}

/** What an owner has yet to be brought of a shard, as on a new disk, another one describes: deletes it takes. */
async function describeOwner(
  access: ShardAccess,
  { nodeId, shardIds }: Owner,
  { owners, signal }: { readonly owners: readonly Owner[]; readonly signal: AbortSignal },
): Promise<ShardsDescription> {
  let left = shardIds;
  for (;;) {
    try {
      return await access.describe(left, { deadlineMs: describeDeadlineMs, signal, tellsStamp: true }); // prettier-ignore
    } catch (error) {
      const awaited = awaitedShardOf(error);
      const isElsewhere = owners.some((one) => one.nodeId !== nodeId && awaited !== undefined && one.shardIds.includes(awaited)); // prettier-ignore
      const others = left.filter((id) => id !== awaited);
      if (!isElsewhere || others.length === left.length) throw error;
      left = others;
    }
  }
}

/** Each owner deletes; for one that is away it is kept. The other nodes hear of the stamp: what they write from now on stays. */
async function deleteAll(
  owners: readonly Owner[],
  { request, signal }: { readonly request: Omit<DeletePointsRequest, 'shardIds'>; readonly signal: AbortSignal }, // prettier-ignore
  ports: DeletePorts,
): Promise<readonly Outcome[]> {
  const { meta, shards } = ports;
  const of = shards.of.bind(shards);
  const others = meta.catalog.dataNodes.filter(({ id }) => owners.every(({ nodeId }) => nodeId !== id)); // prettier-ignore
  const told = Promise.allSettled(
    others.map(async ({ id }) => {
      const empty = { ...request, measurements: [], shardIds: [] };
      await ownerOf(of, id).deletePoints(empty, { deadlineMs: tellDeadlineMs, signal });
    }),
  );
  const results = await Promise.allSettled(
    owners.map(async ({ nodeId, shardIds }) => {
      const whole = { ...request, shardIds };
      try {
        await ownerOf(of, nodeId).deletePoints(whole, { deadlineMs: deleteDeadlineMs, signal });
      } catch (error) {
        if (request.stamp !== undefined && isAway(error)) await ports.keepDelete(nodeId, whole);
        throw error;
      }
    }),
  );
  await told;
  return results.map((result, i) => ({ ...(owners[i] ?? noOwner), result }));
}

/** Measurements that are named and that no owner knows: what has points of them may still be on its way. */
function unknownOf(
  sources: readonly Source[],
  known: readonly MeasurementSchema[],
  rest: Expr | undefined,
): readonly ListedMeasurement[] {
  return sources.flatMap((source): readonly ListedMeasurement[] => {
    if (source.kind !== 'measurement' || source.name === '') return [];
    const { name } = source;
    if (known.some((schema) => schema.name === name)) return [];
    try {
      return [{ name, predicate: deletionPredicate(rest, { name, fields: new Map(), tagKeys: new Set() }) }]; // prettier-ignore
    } catch (error) {
      // Of what is not there no condition is refused.
      if (!isDbError(error, 'invalid_argument')) throw error;
      return [];
    }
  });
}

/**
 * The policy that the sources name, or all of the database. The empty name is that of no measurement: only where something is
 * shown does it stand for all of them.
 */
function scopeOf(place: ScopePlace, sources: readonly Source[]): SchemaScope {
  const isOfNone = sources.length > 0 && measurementsOf(sources).every(isNameless);
  const scope = { ...databaseScope(place, sources), ...(isOfNone && { isNamed: () => false }) };
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

/** What a condition is refused for is said of a shard, as in the reference. */
function listed(
  schema: MeasurementSchema,
  { rest, shardIds }: { readonly rest: Expr | undefined; readonly shardIds: readonly number[] },
): ListedMeasurement {
  try {
    return { name: schema.name, predicate: deletionPredicate(rest, schema) };
  } catch (error) {
    if (!isDbError(error, 'invalid_argument')) throw error;
    throw invalid(`shard ${shardIds[0] ?? 0}: ${error.message}`);
  }
}

/** What an owner refuses is told as it is; an owner that is away by the reference's text. */
function throwFirst(outcomes: readonly Outcome[]): void {
  for (const { nodeId, result } of outcomes) {
    if (result.status === 'fulfilled') continue;
    const error: unknown = result.reason;
    if (!isAway(error)) throw error;
    const text = `partial success, node ${nodeId} may be down (${error.message})`;
    throw new DbError('unavailable', text, { cause: error });
  }
}

function invalid(text: string): DbError {
  return new DbError('invalid_argument', text);
}
