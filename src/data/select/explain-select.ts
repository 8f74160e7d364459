import type { Statement } from '../../influxql/ast.ts';
import { costRows } from '../../query/cost-rows.ts';
import type { RowSeries } from '../../query/emit/result.ts';
import {
  explainSelect,
  type ExplainedLevel,
  type Scanner,
} from '../../query/explain/explain-plan.ts';
import { analyzeLines, explainLines, type CostsOf, type ScannedShards } from '../../query/explain/explain-text.ts'; // prettier-ignore
import { checkBuckets } from '../../query/plan/check-buckets.ts';
import type { ScanPart } from '../../query/plan/level-plan.ts';
import { resolveInSlices } from '../../query/plan/resolve-select.ts';
import { allowedSeries } from './allowed-series.ts';
import { openOnParticipant } from './open-fragments.ts';
import { describePlaces } from './describe-places.ts';
import type { Attempt, SelectContext, SelectPorts } from './select-context.ts';
import { prepareSelect, streamOf, withFailover, type PreparedSelect } from './select-runner.ts';
import { Pacer } from '../../query/run/pacer.ts';
import { findIn } from '../../query/plan/match-measurements.ts';
import type { Participant, Place } from './select-places.ts';

type ExplainStatement = Extract<Statement, { kind: 'explain' }>;

/**
 * EXPLAIN and EXPLAIN ANALYZE (spec F73): the first asks the shards what reading would cost, the second runs the statement
 * too, without writing what INTO names, and shows how long that took.
 */
export async function explain(
  { statement, analyze }: ExplainStatement,
  context: SelectContext,
  ports: SelectPorts,
): Promise<RowSeries> {
  const prepared = prepareSelect(statement, context, ports);
  const { level, costsOf, planningNs } = await withFailover({ context, ports }, (failed) =>
    costsOfSelect(prepared, { context, ports, failed }),
  );
  if (!analyze) return linesAs('QUERY PLAN', explainLines(level, costsOf));
  const runNs = await runToEnd(prepared, { context, ports });
  const times = { planningNs, totalNs: planningNs + runNs };
  return linesAs('EXPLAIN ANALYZE', analyzeLines(level, costsOf, times));
}

function linesAs(column: string, lines: readonly string[]): RowSeries {
  return { kind: 'rows', columns: [column], rows: lines.map((line) => [line]) };
}

async function runToEnd(
  prepared: PreparedSelect,
  { context, ports }: Omit<Attempt, 'failed'>,
): Promise<bigint> {
  const startMs = ports.clock.monotonicMs();
  const account = ports.accounts.open();
  try {
    const pieces = streamOf(prepared, { account, heldBytesMax: 0 }, { context, ports });
    for await (const _ of pieces);
  } finally {
    account.close();
  }
  return nsSince(startMs, ports);
}

function nsSince(startMs: number, { clock }: SelectPorts): bigint {
  return BigInt(Math.round((clock.monotonicMs() - startMs) * 1e6));
}

async function costsOfSelect(
  { compiled, range: bounds, places: shards }: PreparedSelect,
  attempt: Attempt,
): Promise<{
  readonly level: ExplainedLevel;
  readonly costsOf: CostsOf;
  readonly planningNs: bigint;
}> {
  const { context, ports } = attempt;
  const startMs = ports.clock.monotonicMs();
  const places = await describePlaces(shards, attempt);
  const { clock, turn } = ports;
  const pacer = new Pacer({ clock, turn, signal: context.signal });
  const resolved = await resolveInSlices(
    compiled,
    (source) => findIn(places, source, allowedSeries(context)),
    pacer,
  );
  checkBuckets(compiled, context);
  const { nowNs } = context;
  const around = {
    nowNs,
    outerTags: undefined,
    tags: [],
    grid: undefined,
    bounds,
    seriesLimit: 0,
    seriesOffset: 0,
  };
  const level = explainSelect(resolved, around);
  const planningNs = nsSince(startMs, ports);
  const costs = new Map<Scanner, readonly (readonly ScannedShards[])[]>();
  await askAll(level, costs, (part) => askPart(part, places, attempt));
  return { level, planningNs, costsOf: (scanner, source) => costs.get(scanner)?.[source] ?? [] };
}

async function askAll(
  { scanners }: ExplainedLevel,
  costs: Map<Scanner, readonly (readonly ScannedShards[])[]>,
  ask: (part: ScanPart) => Promise<readonly ScannedShards[]>,
): Promise<void> {
  for (const scanner of scanners) {
    const bySource: ScannedShards[][] = [];
    for (const source of scanner.sources) {
      const own: ScannedShards[] = [];
      if (source.kind === 'subquery') await askAll(source.level, costs, ask);
      else for (const part of source.parts) own.push(...(await ask(part)));
      bySource.push(own);
    }
    costs.set(scanner, bySource);
  }
}

/** What the nodes of a part say, this one first. */
async function askPart(
  { found, fragment }: ScanPart,
  places: readonly Place[],
  attempt: Attempt,
): Promise<readonly ScannedShards[]> {
  const { nodeId: localId } = attempt.ports.meta;
  const place = places.find(
    (one) => one.database === found.database && one.retentionPolicy === found.retentionPolicy,
  );
  const participants = [...(place?.participants ?? [])].sort(
    (a, b) => Number(b.nodeId === localId) - Number(a.nodeId === localId) || a.nodeId - b.nodeId,
  );
  const all: ScannedShards[] = [];
  for (const participant of participants) {
    const shards = await askParticipant(fragment, participant, attempt);
    shards.sort((a, b) => (a.rows[0]?.shardId ?? 0) - (b.rows[0]?.shardId ?? 0));
    const nodeId = participant.nodeId === localId ? undefined : participant.nodeId;
    all.push({ nodeId, measurement: fragment.measurement, shards });
  }
  return all;
}

async function askParticipant(
  fragment: ScanPart['fragment'],
  participant: Participant,
  { context: { signal }, ports }: Attempt,
): Promise<ScannedShards['shards'][number][]> {
  const shards: ScannedShards['shards'][number][] = [];
  for (const shardIds of participant.description.lanes) {
    let startMs = ports.clock.monotonicMs();
    const stream = openOnParticipant(
      { ...fragment, shardIds, seriesMax: ports.accounts.limits.seriesMax },
      participant,
      signal,
    );
    for (let block = await stream.next(); block !== undefined; block = await stream.next()) {
      if (block.kind !== 'rows') continue;
      shards.push({ rows: costRows(block), planningNs: nsSince(startMs, ports) });
      startMs = ports.clock.monotonicMs();
    }
  }
  return shards;
}
