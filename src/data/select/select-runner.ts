import { must } from '../../base/assert.ts';
import { DbError, isDbError } from '../../base/errors.ts';
import type { SelectStatement } from '../../influxql/ast.ts';
import { longAnswerBytes } from '../engine/answers/answer-task.ts';
import { regexCache } from '../../influxql/regex.ts';
import type { ColumnSeries, OutputSeries } from '../../query/emit/result.ts';
import { templateOf } from '../../influxql/time-template.ts';
import { splitCondition, type TimeRange } from '../../query/compile/split-condition.ts';
import { compileStatement, type CompiledSelect } from '../../query/plan/compile-statement.ts';
import type { MeasurementSchema } from '../../query/compile/schema.ts';
import type { LevelPlan } from '../../query/plan/level-plan.ts';
import { checkSystemSource } from '../../query/plan/match-measurements.ts';
import { readsClock } from '../../query/plan/reads-clock.ts';
import { shardRange } from '../../query/plan/shard-range.ts';
import { outputSeries } from '../../query/run/output-series.ts';
import { Pacer } from '../../query/run/pacer.ts';
import type { QueryAccount } from '../../query/run/query-account.ts';
import type { RunContext } from '../../query/run/run-context.ts';
import { FailedOwners } from '../shards/failed-owners.ts';
import { answerBytes } from './answer-bytes.ts';
import { describePlaces } from './describe-places.ts';
import { KnownPlan, PreparedStatements } from './known-plans.ts';
import { noteFailure } from '../shards/moved-shards.ts';
import { causeOf, isRefusal } from '../shards/node-failure.ts';
import { listSeriesKeys, openFragments } from './open-fragments.ts';
import { openRun } from './parts-run.ts';
import { checkPolicies, measurementsOf, qualifyNames } from './qualify-names.ts';
import { allowedSeries } from './allowed-series.ts';
import type { Attempt, SelectContext, SelectPorts } from './select-context.ts';
import { planSelect } from '../../query/plan/plan-select.ts';
import { shardsOfPlaces, type Place, type PlaceShards } from './select-places.ts';
import { writeInto } from './write-into.ts';

/** A SELECT that is known to be in order as far as its text tells, and what it reads. */
export interface PreparedSelect {
  readonly compiled: CompiledSelect;
  /** The time whose shards it reads. */
  readonly range: TimeRange;
  readonly places: readonly PlaceShards[];
  /** Where its plan is kept, if it is the same at any time. */
  readonly plans: KnownPlan | undefined;
  /** What it was made of with bounds of time of its own. */
  readonly template?: PreparedSelect | undefined;
}

const preparedBefore = new PreparedStatements<PreparedSelect>();
/** By the statement that others have but for their bounds of time: the first of those that was prepared. */
const templatesBefore = new PreparedStatements<PreparedSelect>();

export function prepareSelect(
  statement: SelectStatement,
  context: SelectContext,
  ports: SelectPorts,
): PreparedSelect {
  const { catalog } = ports.meta;
  const known = preparedBefore.find(statement, context, catalog);
  if (known !== undefined) return known;
  const base = templateOf(statement);
  const template = base && templatesBefore.find(base, context, catalog);
  const timed = template && withTimes(template, statement, context, ports);
  if (timed !== undefined) return timed;
  measurementsOf(statement).forEach(checkSystemSource);
  const qualified = qualifyNames(statement, context, ports.meta);
  const compiled = compileStatement(qualified, { nowNs: context.nowNs });
  checkPolicies(qualified, ports.meta);
  const measurements = measurementsOf(qualified);
  const range = shardRange(compiled, context.bucketsMax);
  const plans = readsClock(compiled) ? undefined : new KnownPlan();
  const places = shardsOfPlaces(measurements, range, ports.meta);
  const prepared = { compiled, range, places, plans };
  if (plans === undefined) return prepared;
  const place = { asked: context, catalog };
  if (base === undefined) preparedBefore.keep(statement, prepared, place);
  else templatesBefore.keep(base, prepared, place);
  return prepared;
}

/** A template with the bounds of time of another statement, which is all they differ in; undefined for one that reads the clock. */
function withTimes(
  template: PreparedSelect,
  { condition }: SelectStatement,
  { nowNs, bucketsMax }: SelectContext,
  { meta }: SelectPorts,
): PreparedSelect | undefined {
  const { zone } = template.compiled;
  const { range: own } = splitCondition(condition, nowNs, zone);
  const statement = { ...template.compiled.statement, condition };
  const compiled = { ...template.compiled, range: own, statement };
  if (readsClock(compiled)) return undefined;
  const range = shardRange(compiled, bucketsMax);
  const places = shardsOfPlaces(measurementsOf(statement), range, meta);
  return { compiled, range, places, plans: undefined, template };
}

/** Runs a SELECT with INTO and answers how many points it wrote. */
export async function runInto(
  statement: SelectStatement,
  context: SelectContext,
  ports: SelectPorts,
): Promise<OutputSeries> {
  const prepared = prepareSelect(statement, context, ports);
  const target = must(prepared.compiled.statement.target, 'a SELECT with INTO');
  const account = ports.accounts.open();
  try {
    const batches = streamOf(prepared, { account, heldBytesMax: 0 }, { context, ports });
    const pacer = pacerOf(context, ports);
    const rules = context.rules?.writes(target.database);
    return await writeInto(batches, target, {
      write: (lines) => ports.writeLines({ ...lines, rules }),
      pacer,
      fence: context.fence,
      isStrict: ports.isStrict,
    });
  } finally {
    account.close();
  }
}

/**
 * Runs a SELECT over the shards of the cluster (spec F55, F56), its answer in batches of pieces, series by series, each but the last
 * of a series `partial`: memory stays flat and whoever takes the pieces sets the pace. The first `heldBytesMax` are held
 * back: until then a failed node means that all is read again with other owners; after it the failure ends the answer
 * (decision 13). What is held is charged to the query's account.
 */
export async function* streamSelect(
  statement: SelectStatement,
  heldBytesMax: number,
  context: SelectContext,
  ports: SelectPorts,
): AsyncGenerator<readonly ColumnSeries[]> {
  const prepared = prepareSelect(statement, context, ports);
  const account = ports.accounts.open();
  try {
    yield* streamOf(prepared, { account, heldBytesMax }, { context, ports });
  } finally {
    account.close();
  }
}

/** Schemas that grow all the time do not hold up a statement: then a row may show without a field that it is the first to have. */
const guardedAttemptsMax = 4;

interface Hold {
  readonly account: QueryAccount;
  readonly heldBytesMax: number;
}

export async function* streamOf(
  prepared: PreparedSelect,
  hold: Hold,
  { context, ports }: Omit<Attempt, 'failed'>,
): AsyncGenerator<readonly ColumnSeries[]> {
  let attemptCount = 0;
  const { batches, held } = await withFailover({ context, ports }, async (failed) => {
    const [trustsMemory, isGuarded] = [attemptCount === 0, attemptCount < guardedAttemptsMax];
    const opened = attemptOf(prepared, hold.account, {
      context,
      ports,
      failed,
      trustsMemory,
      isGuarded,
    });
    attemptCount++;
    return { batches: opened, held: await holdBatches(opened, hold) };
  });
  try {
    // It stays charged until the end: as much is on its way behind it then, made and not taken (decision 136).
    for (const batch of held) yield batch;
    held.length = 0;
    for (let next = await batches.next(); next.done !== true; next = await batches.next())
      yield next.value;
  } catch (error) {
    throw causeOf(error);
  } finally {
    await batches.return(undefined);
  }
}

/** Takes batches until they are more than may be held, or all. */
async function holdBatches(
  batches: AsyncGenerator<readonly ColumnSeries[]>,
  { account, heldBytesMax }: Hold,
): Promise<(readonly ColumnSeries[])[]> {
  const held: (readonly ColumnSeries[])[] = [];
  let heldBytes = 0;
  try {
    do {
      const next = await batches.next();
      if (next.done === true) return held;
      const bytes = bytesOf(next.value);
      account.charge(bytes);
      heldBytes += bytes;
      held.push(next.value);
    } while (heldBytes < heldBytesMax);
    account.charge(Math.max(0, longAnswerBytes - heldBytes));
    return held;
  } catch (error) {
    account.release(heldBytes);
    await batches.return(undefined);
    throw error;
  }
}

function bytesOf(batch: readonly ColumnSeries[]): number {
  let bytes = 0;
  for (const piece of batch) bytes += answerBytes(piece);
  return bytes;
}

export async function withFailover<T>(
  { context, ports }: Omit<Attempt, 'failed'>,
  attempt: (failed: FailedOwners) => Promise<T>,
): Promise<T> {
  const { signal, failedBefore: failed = new FailedOwners() } = context;
  for (;;) {
    try {
      return await attempt(failed);
    } catch (error) {
      if (isDbError(error, 'schema_changed') && !signal.aborted) continue;
      await noteFailure(error, failed, { ...ports, signal });
    }
  }
}

async function* attemptOf(
  prepared: PreparedSelect,
  account: QueryAccount,
  attempt: Attempt,
): AsyncGenerator<readonly ColumnSeries[]> {
  const { context, ports } = attempt;
  const places = await describePlaces(prepared.places, attempt);
  const pacer = pacerOf(context, ports);
  const { signal } = context;
  const opening = { signal, limits: ports.accounts.limits };
  const run: RunContext = {
    open: (part) => openFragments(part, places, opening),
    openRun: (parts) => openRun(parts, places, opening),
    seriesKeys: (part, countMax) => listSeriesKeys(part, places, { signal, account, countMax }),
    matcher: regexCache(),
    pacer,
    account,
  };
  // Whoever was planned for by memory and asked nothing may have what the plan does not know of.
  const isCurrent = ({ participants }: Place) => participants.every(({ memory }) => memory === undefined || memory.isFresh || memory.isCurrent); // prettier-ignore
  let batches: AsyncGenerator<readonly ColumnSeries[]> | undefined;
  let first: IteratorResult<readonly ColumnSeries[]>;
  try {
    const plan =
      plansOf(prepared, context)?.find(places) ??
      (await planOf(prepared, places, { context, pacer }));
    batches = outputSeries(plan, run, prepared.compiled.zone);
    first = await batches.next();
  } catch (error) {
    await batches?.return(undefined);
    throw isRefusal(error) && !places.every(isCurrent) ? otherSchemas(error) : error;
  }
  try {
    if (!places.every(isCurrent)) throw otherSchemas();
    letBe(places);
    if (first.done !== true) {
      yield first.value;
      yield* batches;
    }
  } finally {
    await batches.return(undefined);
  }
}

/** Rows leave: it is too late to plan anew. */
function letBe(places: readonly Place[]): void {
  for (const { participants } of places)
    for (const { memory } of participants) if (memory !== undefined) memory.isCurrent = true;
}

/** All is planned anew then, by what every node says now. */
function otherSchemas(cause?: unknown): DbError {
  return new DbError('schema_changed', 'a node that may have more was not asked', { cause });
}

async function planOf(
  prepared: PreparedSelect,
  places: readonly Place[],
  { context, pacer }: { readonly context: SelectContext; readonly pacer: Pacer },
): Promise<LevelPlan> {
  const { nowNs, bucketsMax } = context;
  const { compiled, range } = prepared;
  const asked = { compiled, range, nowNs, bucketsMax, allowedSeries: allowedSeries(context) };
  const plan = await planSelect(asked, places, pacer);
  plansOf(prepared, context)?.keep(places, plan);
  return plan;
}

/** The plan for whoever knows no more of the places than the schemas of their only one. */
export async function planFor(
  prepared: PreparedSelect,
  schemas: readonly MeasurementSchema[],
  asked: { readonly context: SelectContext; readonly pacer: Pacer },
): Promise<LevelPlan | undefined> {
  const [place, ...others] = prepared.places;
  if (place === undefined || others.length > 0) return undefined;
  const places = [{ ...place, participants: [], schemas }];
  return plansOf(prepared, asked.context)?.find(places) ?? (await planOf(prepared, places, asked));
}

/** A plan for somebody who may not read all series is for nobody else. */
function plansOf({ plans }: PreparedSelect, { rules }: SelectContext): KnownPlan | undefined {
  return rules === undefined ? plans : undefined;
}

export function pacerOf({ signal }: SelectContext, { clock, turn }: SelectPorts): Pacer {
  return new Pacer({ clock, turn, signal });
}
