import { DbError } from '../../base/errors.ts';
import { maxTimeNs, minTimeNs } from '../../base/units.ts';
import type { Clock } from '../../env/clock.ts';
import type { Random } from '../../env/random.ts';
import type { Measurement, SelectStatement } from '../../influxql/ast.ts';
import { qualifySelect } from '../../influxql/qualify.ts';
import type { MetaAccess } from '../../meta/client/meta-access.ts';
import { findDatabase, findRetentionPolicy, type ShardInfo } from '../../meta/model/catalog.ts';
import { groupsWithin } from '../../meta/model/shard-groups.ts';
import { assembleRows } from '../../query/assemble/rows.ts';
import { assembleWindows } from '../../query/assemble/windows.ts';
import {
  compileSelect,
  matchMeasurements,
  type MeasurementPlan,
} from '../../query/compile/compile-select.ts';
import { splitCondition } from '../../query/compile/split-condition.ts';
import type { OutputSeries } from '../../query/emit/result.ts';
import type { RowsBlock, WindowsBlock } from '../../query/fragment.ts';
import { mergeDescriptions } from '../engine/describe-shards.ts';
import { AnswerAccount, answerBytesMax } from './answer-account.ts';
import { chooseOwners, isNodeFailure } from '../shards/choose-owners.ts';
import type { ClusterShards } from '../shards/cluster-shards.ts';
import type { ShardAccess, ShardsDescription } from '../engine/shard-access.ts';

export interface SelectPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly meta: MetaAccess;
  readonly shards: ClusterShards;
}

export interface SelectContext {
  readonly database: string;
  /** Of the request; '' for each database's default. */
  readonly retentionPolicy: string;
  readonly nowNs: bigint;
  readonly bucketsMax: number;
  readonly signal: AbortSignal;
}

/** What a node is asked before a query runs on it may take so long. */
const describeDeadlineMs = 10_000;
/** A fragment may be silent while it reads; dead peers are found by the transport. */
const fragmentSilenceMs = 3_600_000;

/** A node that takes part in a query, with what it said of its shards. */
interface Participant {
  readonly nodeId: number;
  readonly access: ShardAccess;
  readonly description: ShardsDescription;
}

/** Failure of one node, so that the query can go on without it. */
class NodeFailure extends Error {
  readonly nodeId: number;

  constructor(nodeId: number, cause: unknown) {
    super('a node failed', { cause });
    this.nodeId = nodeId;
  }
}

/**
 * Runs a SELECT over the shards of the cluster (spec F55, F56). The answer is complete or an error: when a node fails,
 * all of it is read again with other owners, since nothing has been given out yet.
 */
export async function runSelect(
  statement: SelectStatement,
  context: SelectContext,
  ports: SelectPorts,
): Promise<readonly OutputSeries[]> {
  const { shards, qualified } = shardsOf(statement, context, ports.meta);
  const failed = new Map<number, unknown>();
  for (;;) {
    try {
      return await runOnce(qualified, shards, { context, ports, failed });
    } catch (error) {
      if (!(error instanceof NodeFailure) || context.signal.aborted) throw causeOf(error);
      failed.set(error.nodeId, error.cause);
    }
  }
}

function causeOf(error: unknown): unknown {
  return error instanceof NodeFailure ? error.cause : error;
}

interface Attempt {
  readonly context: SelectContext;
  readonly ports: SelectPorts;
  readonly failed: ReadonlyMap<number, unknown>;
}

async function runOnce(
  statement: SelectStatement,
  shards: readonly ShardInfo[],
  attempt: Attempt,
): Promise<readonly OutputSeries[]> {
  const { context, ports, failed } = attempt;
  const { meta, random } = ports;
  const preference = { localNodeId: meta.nodeId, random, failed, missedAt: ports.shards.missedAt };
  const chosen = chooseOwners(shards, preference);
  const participants = await Promise.all(
    [...chosen].map(([nodeId, shardIds]) =>
      describe(nodeId, { shardIds, names: namesOf(statement) }, attempt),
    ),
  );
  const schemas = mergeDescriptions(participants.map((one) => one.description.measurements));
  const names = matchMeasurements(
    statement,
    schemas.map(({ name }) => name),
  );
  const wanted = names.flatMap((name) => schemas.find((schema) => schema.name === name) ?? []);
  const series: OutputSeries[] = [];
  const account = new AnswerAccount(answerBytesMax);
  for (const plan of compileSelect(statement, wanted, context))
    for await (const one of seriesOf(plan, participants, context.signal)) {
      account.add(one);
      series.push(one);
    }
  return series;
}

async function describe(
  nodeId: number,
  { shardIds, names }: { readonly shardIds: readonly number[]; readonly names: readonly string[] | undefined }, // prettier-ignore
  { ports, context: { signal } }: Attempt,
): Promise<Participant> {
  return onNode(nodeId, async () => {
    const access = ports.shards.of(nodeId);
    const options = { deadlineMs: describeDeadlineMs, signal, only: names };
    return { nodeId, access, description: await access.describe(shardIds, options) };
  });
}

function seriesOf(
  plan: MeasurementPlan,
  participants: readonly Participant[],
  signal: AbortSignal,
): AsyncIterable<OutputSeries> {
  const streams = participants.flatMap(({ nodeId, access, description }) =>
    description.lanes.map((shardIds) => {
      const options = { deadlineMs: fragmentSilenceMs, signal };
      const blocks = access.fragment({ ...plan.fragment, shardIds }, options);
      return watched(nodeId, blocks[Symbol.asyncIterator]());
    }),
  );
  return plan.kind === 'rows'
    ? assembleRows(streams as AsyncIterator<RowsBlock, undefined>[], plan.output)
    : assembleWindows(streams as AsyncIterator<WindowsBlock, undefined>[], plan.output);
}

/** The measurements that a statement can read; undefined when only the schema tells. */
function namesOf({ sources }: SelectStatement): readonly string[] | undefined {
  const names = sources.flatMap((source) =>
    source.kind === 'measurement' && source.regex === undefined ? [source.name] : [],
  );
  return names.length === sources.length ? names : undefined;
}

/** The blocks of a stream of batches, whose failures name the node. */
function watched<T>(
  nodeId: number,
  batches: AsyncIterator<readonly T[]>,
): AsyncIterator<T, undefined> {
  let batch: readonly T[] = [];
  let taken = 0;
  return {
    next: async () => {
      while (taken === batch.length) {
        const next = await onNode(nodeId, () => batches.next());
        if (next.done === true) return { done: true, value: undefined };
        [batch, taken] = [next.value, 0];
      }
      return { done: false, value: batch[taken++] as T };
    },
    return: async () => {
      await batches.return?.();
      return { done: true, value: undefined };
    },
  };
}

async function onNode<T>(nodeId: number, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw isNodeFailure(error) ? new NodeFailure(nodeId, error) : error;
  }
}

/** The statement with all names written out, and the shards in its range of time. */
function shardsOf(
  statement: SelectStatement,
  context: SelectContext,
  meta: MetaAccess,
): { readonly shards: readonly ShardInfo[]; readonly qualified: SelectStatement } {
  const qualified = qualifyNames(statement, context, meta);
  const { range } = splitCondition(statement.condition, context.nowNs);
  const sources = qualified.sources.filter(
    (source): source is Measurement => source.kind === 'measurement',
  );
  const places = new Set(sources.map((source) => `${source.database}.${source.retentionPolicy}`));
  if (places.size > 1) throw new DbError('unsupported', 'a SELECT over several retention policies is not supported in this version'); // prettier-ignore
  const [first] = sources;
  const database = first && findDatabase(meta.catalog, first.database);
  const policy = database && findRetentionPolicy(database, first.retentionPolicy);
  const groups =
    policy === undefined
      ? []
      : groupsWithin(policy, range.minNs ?? minTimeNs, range.maxNs ?? maxTimeNs);
  return { shards: groups.flatMap((group) => group.shards), qualified };
}

/** Writes out databases and policies as the reference does before it runs or prints a statement. */
export function qualifyNames(
  statement: SelectStatement,
  context: Pick<SelectContext, 'database' | 'retentionPolicy'>,
  meta: MetaAccess,
): SelectStatement {
  const qualified = qualifySelect(statement, {
    database: context.database,
    defaultPolicy: (name) => {
      if (name === '') throw new DbError('invalid_argument', 'database name required');
      const database = findDatabase(meta.catalog, name);
      if (database === undefined)
        throw new DbError('database_not_found', `database not found: ${name}`);
      const asked = name === context.database ? context.retentionPolicy : '';
      return asked === '' ? database.defaultRetentionPolicy : asked;
    },
  });
  for (const source of qualified.sources) {
    if (source.kind !== 'measurement') continue;
    const database = findDatabase(meta.catalog, source.database);
    if (database === undefined)
      throw new DbError('database_not_found', `database not found: ${source.database}`);
    if (findRetentionPolicy(database, source.retentionPolicy) === undefined) {
      const text = `retention policy not found: ${source.retentionPolicy}`;
      throw new DbError('retention_policy_not_found', text);
    }
  }
  return qualified;
}
