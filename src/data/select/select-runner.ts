import type { Clock } from '../../env/clock.ts';
import type { Random } from '../../env/random.ts';
import type { SelectStatement } from '../../influxql/ast.ts';
import { regexCache } from '../../influxql/regex.ts';
import type { MetaAccess } from '../../meta/client/meta-access.ts';
import type { ColumnSeries, OutputSeries } from '../../query/emit/result.ts';
import { checkBuckets } from '../../query/plan/check-buckets.ts';
import { compileStatement, type CompiledSelect } from '../../query/plan/compile-statement.ts';
import type { LevelPlan } from '../../query/plan/level-plan.ts';
import { checkSystemSource } from '../../query/plan/match-measurements.ts';
import { planLevel } from '../../query/plan/plan-level.ts';
import { resolveSelect } from '../../query/plan/resolve-select.ts';
import { cutPieces } from '../../query/run/cut-pieces.ts';
import { outputSeries } from '../../query/run/output-series.ts';
import { Pacer } from '../../query/run/pacer.ts';
import type { QueryAccount } from '../../query/run/query-account.ts';
import type { RunContext } from '../../query/run/run-context.ts';
import { chooseOwners } from '../shards/choose-owners.ts';
import { FailedOwners } from '../shards/failed-owners.ts';
import type { ClusterShards } from '../shards/cluster-shards.ts';
import { answerBytes } from './answer-bytes.ts';
import { causeOf, NodeFailure, onNode } from './node-failure.ts';
import { listSeriesTags, openFragments } from './open-fragments.ts';
import { measurementsOf, qualifyNames } from './qualify-names.ts';
import type { SelectAccounts } from './select-limits.ts';
import { findIn, placeOf, shardsOfPlaces, type Participant, type Place, type PlaceShards } from './select-places.ts'; // prettier-ignore
import { writeInto, type WriteLines } from './write-into.ts';

export interface SelectPorts {
  readonly clock: Clock;
  /** Resolves once others have had their turn. */
  readonly turn: () => Promise<void>;
  readonly random: Random;
  readonly meta: MetaAccess;
  readonly shards: ClusterShards;
  readonly accounts: SelectAccounts;
  readonly writeLines: WriteLines;
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

/** A SELECT that is known to be in order as far as its text tells, and what it reads. */
export interface PreparedSelect {
  readonly compiled: CompiledSelect;
  readonly places: readonly PlaceShards[];
}

export function prepareSelect(
  statement: SelectStatement,
  context: SelectContext,
  ports: SelectPorts,
): PreparedSelect {
  const qualified = qualifyNames(statement, context, ports.meta);
  const compiled = compileStatement(qualified, { nowNs: context.nowNs });
  const measurements = measurementsOf(qualified);
  measurements.forEach(checkSystemSource);
  return { compiled, places: shardsOfPlaces(measurements, compiled.range, ports.meta) };
}

/**
 * Runs a SELECT over the shards of the cluster (spec F55, F56) and holds its answer whole, or what INTO wrote of it. The
 * answer is complete or an error: when a node fails, all of it is read again with other owners, since nothing has been
 * given out yet. What is held is charged to the query's account, with what its one document will take.
 */
export async function runSelect(
  statement: SelectStatement,
  context: SelectContext,
  ports: SelectPorts,
): Promise<readonly OutputSeries[]> {
  const prepared = prepareSelect(statement, context, ports);
  const { target } = prepared.compiled.statement;
  const account = ports.accounts.open();
  try {
    if (target !== undefined) {
      const pieces = streamOf(prepared, account, { context, ports });
      const pacer = pacerOf(context, ports);
      return [await writeInto(pieces, target, { write: ports.writeLines, pacer })];
    }
    return await withFailover(context, async (failed) => {
      const series: OutputSeries[] = [];
      let heldBytes = 0;
      for await (const one of attemptOf(prepared, account, { context, ports, failed })) {
        const bytes = answerBytes(one);
        account.charge(bytes);
        heldBytes += bytes;
        series.push(one);
      }
      account.release(heldBytes);
      return series;
    });
  } finally {
    account.close();
  }
}

/**
 * The same row by row, in pieces of `rowsMax` rows: memory stays flat and whoever takes the pieces sets the pace. Until
 * the first piece is out a failed node means reading again; after it the failure ends the answer (decision 13).
 */
export async function* streamSelect(
  statement: SelectStatement,
  rowsMax: number,
  context: SelectContext,
  ports: SelectPorts,
): AsyncGenerator<ColumnSeries> {
  const prepared = prepareSelect(statement, context, ports);
  const account = ports.accounts.open();
  try {
    yield* cutPieces(streamOf(prepared, account, { context, ports }), rowsMax);
  } finally {
    account.close();
  }
}

interface Attempt {
  readonly context: SelectContext;
  readonly ports: SelectPorts;
  readonly failed: FailedOwners;
}

async function* streamOf(
  prepared: PreparedSelect,
  account: QueryAccount,
  { context, ports }: Omit<Attempt, 'failed'>,
): AsyncGenerator<ColumnSeries> {
  const { pieces, first } = await withFailover(context, async (failed) => {
    const opened = attemptOf(prepared, account, { context, ports, failed });
    return { pieces: opened, first: await opened.next() };
  });
  try {
    for (let next = first; next.done !== true; next = await pieces.next()) yield next.value;
  } catch (error) {
    throw causeOf(error);
  } finally {
    await pieces.return(undefined);
  }
}

async function withFailover<T>(
  { signal }: SelectContext,
  attempt: (failed: FailedOwners) => Promise<T>,
): Promise<T> {
  const failed = new FailedOwners();
  for (;;) {
    try {
      return await attempt(failed);
    } catch (error) {
      if (!(error instanceof NodeFailure) || signal.aborted) throw causeOf(error);
      failed.add(error.nodeId, error.cause);
    }
  }
}

async function* attemptOf(
  { compiled, places: shards }: PreparedSelect,
  account: QueryAccount,
  attempt: Attempt,
): AsyncGenerator<ColumnSeries> {
  const { context, ports } = attempt;
  const places = await Promise.all(shards.map((place) => describePlace(place, attempt)));
  const plan = planOf(compiled, places, context);
  const { signal } = context;
  const run: RunContext = {
    open: (part) => openFragments(part, places, { signal, limits: ports.accounts.limits }),
    seriesTags: (part) => listSeriesTags(part, places, signal),
    matcher: regexCache(),
    pacer: pacerOf(context, ports),
    account,
  };
  yield* outputSeries(plan, run, compiled.zone);
}

export function planOf(
  compiled: CompiledSelect,
  places: readonly Place[],
  context: Pick<SelectContext, 'nowNs' | 'bucketsMax'>,
): LevelPlan {
  const resolved = resolveSelect(compiled, (source) => findIn(places, source));
  checkBuckets(compiled, context);
  const { nowNs } = context;
  return planLevel(resolved, {
    nowNs,
    outerTags: undefined,
    tags: [],
    grid: undefined,
    seriesLimit: 0,
    seriesOffset: 0,
  });
}

function pacerOf({ signal }: SelectContext, { clock, turn }: SelectPorts): Pacer {
  return new Pacer({ monotonicMs: () => clock.monotonicMs(), turn, signal });
}

export async function describePlace(place: PlaceShards, attempt: Attempt): Promise<Place> {
  const { ports, failed } = attempt;
  const { meta, random, shards } = ports;
  const preference = { localNodeId: meta.nodeId, random, failed, missedAt: shards.missedAt };
  const chosen = chooseOwners(place.shards, preference);
  const participants = await Promise.all(
    [...chosen].map(([nodeId, shardIds]) =>
      describe(nodeId, { shardIds, names: place.names }, attempt),
    ),
  );
  return placeOf(place, participants);
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
