import type { Clock } from '../../env/clock.ts';
import type { Random } from '../../env/random.ts';
import type { SelectStatement } from '../../influxql/ast.ts';
import { regexCache } from '../../influxql/regex.ts';
import type { MetaAccess } from '../../meta/client/meta-access.ts';
import type { OutputSeries } from '../../query/emit/result.ts';
import { checkBuckets } from '../../query/plan/check-buckets.ts';
import { compileStatement, type CompiledSelect } from '../../query/plan/compile-statement.ts';
import { checkSystemSource } from '../../query/plan/match-measurements.ts';
import { planLevel } from '../../query/plan/plan-level.ts';
import { resolveSelect } from '../../query/plan/resolve-select.ts';
import { outputSeries } from '../../query/run/output-series.ts';
import { Pacer } from '../../query/run/pacer.ts';
import { NodeAccount, QueryAccount } from '../../query/run/query-account.ts';
import type { RunContext } from '../../query/run/run-context.ts';
import { chooseOwners } from '../shards/choose-owners.ts';
import { FailedOwners } from '../shards/failed-owners.ts';
import type { ClusterShards } from '../shards/cluster-shards.ts';
import { AnswerAccount, answerBytesMax } from './answer-account.ts';
import { causeOf, NodeFailure, onNode } from './node-failure.ts';
import { listSeriesTags, openFragments } from './open-fragments.ts';
import { measurementsOf, qualifyNames } from './qualify-names.ts';
import { findIn, placeOf, shardsOfPlaces, type Participant, type Place, type PlaceShards } from './select-places.ts'; // prettier-ignore

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

/**
 * Runs a SELECT over the shards of the cluster (spec F55, F56). The answer is complete or an error: when a node fails,
 * all of it is read again with other owners, since nothing has been given out yet.
 */
export async function runSelect(
  statement: SelectStatement,
  context: SelectContext,
  ports: SelectPorts,
): Promise<readonly OutputSeries[]> {
  const qualified = qualifyNames(statement, context, ports.meta);
  const compiled = compileStatement(qualified, { nowNs: context.nowNs });
  const measurements = measurementsOf(qualified);
  measurements.forEach(checkSystemSource);
  const places = shardsOfPlaces(measurements, compiled.range, ports.meta);
  const failed = new FailedOwners();
  for (;;) {
    try {
      return await runOnce(compiled, places, { context, ports, failed });
    } catch (error) {
      if (!(error instanceof NodeFailure) || context.signal.aborted) throw causeOf(error);
      failed.add(error.nodeId, error.cause);
    }
  }
}

interface Attempt {
  readonly context: SelectContext;
  readonly ports: SelectPorts;
  readonly failed: FailedOwners;
}

async function runOnce(
  compiled: CompiledSelect,
  shards: readonly PlaceShards[],
  attempt: Attempt,
): Promise<readonly OutputSeries[]> {
  const { context, ports } = attempt;
  const places = await Promise.all(shards.map((place) => describePlace(place, attempt)));
  const resolved = resolveSelect(compiled, (source) => findIn(places, source));
  checkBuckets(compiled, context);
  const { nowNs, signal } = context;
  const plan = planLevel(resolved, {
    nowNs,
    outerTags: undefined,
    tags: [],
    grid: undefined,
    seriesLimit: 0,
    seriesOffset: 0,
  });
  const run: RunContext = {
    open: (part) => openFragments(part, places, signal),
    seriesTags: (part) => listSeriesTags(part, places, signal),
    matcher: regexCache(),
    pacer: new Pacer({
      monotonicMs: () => ports.clock.monotonicMs(),
      turn: () => ports.clock.sleep(0),
      signal,
    }),
    account: new QueryAccount(new NodeAccount(0), answerBytesMax),
  };
  const series: OutputSeries[] = [];
  const account = new AnswerAccount(answerBytesMax);
  for await (const one of outputSeries(plan, run, compiled.zone)) {
    account.add(one);
    series.push(one);
  }
  return series;
}

async function describePlace(place: PlaceShards, attempt: Attempt): Promise<Place> {
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
