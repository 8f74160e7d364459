import { errorText } from '../../src/base/errors.ts';
import type { Measurement } from '../../src/influxql/ast.ts';
import { parseQuery } from '../../src/influxql/parser.ts';
import { regexCache } from '../../src/influxql/regex.ts';
import type { QueryKernel } from '../../src/kernels/query-kernel.ts';
import type { BlockStream } from '../../src/query/assemble/merge-groups.ts';
import { mergeSchemas, type MeasurementSchema } from '../../src/query/compile/schema.ts';
import { joinPieces } from './join-pieces.ts';
import type { OutputSeries, StatementResult } from '../../src/query/emit/result.ts';
import { FragmentContext } from '../../src/query/exec/context.ts';
import type { RowsBlock, WindowsBlock } from '../../src/query/fragment.ts';
import { checkBuckets } from '../../src/query/plan/check-buckets.ts';
import { compileStatement } from '../../src/query/plan/compile-statement.ts';
import type { ScanPart } from '../../src/query/plan/level-plan.ts';
import { checkSystemSource, matchMeasurements } from '../../src/query/plan/match-measurements.ts';
import { shardRange } from '../../src/query/plan/shard-range.ts';
import { showingSeries } from '../../src/query/plan/plan-feeds.ts';
import { planSteps } from '../../src/query/plan/plan-level.ts';
import { resolveSelect } from '../../src/query/plan/resolve-select.ts';
import { ListedKeys } from '../../src/query/run/listed-keys.ts';
import { outputSeries } from '../../src/query/run/output-series.ts';
import { Pacer } from '../../src/query/run/pacer.ts';
import { NodeAccount, QueryAccount } from '../../src/query/run/query-account.ts';
import type { RunContext } from '../../src/query/run/run-context.ts';
import { blocksOf } from './blocks-of.ts';
import { finished } from './finished.ts';
import { memoryArena, type MemorySource } from './memory-source.ts';

export interface SelectSetting {
  /** Shards, each on a node of its own. */
  readonly nodes: readonly MemorySource[];
  readonly memory?: ReturnType<typeof memoryArena> | QueryKernel | undefined;
  readonly nowNs?: bigint;
  readonly bucketsMax?: number;
  readonly bytesMax?: number;
  readonly seriesMax?: number;
  readonly pointsMax?: number;
  readonly signal?: AbortSignal;
  /** All shards are of one reader, as on a worker that answers by itself; so they are where there is one. */
  readonly isWhole?: boolean;
}

/** Runs a SELECT as a coordinator does, over shards in memory; an error is the result's. */
export async function runSelectOver(
  query: string,
  setting: SelectSetting,
): Promise<StatementResult> {
  try {
    const series: OutputSeries[] = [];
    for await (const one of piecesOf(query, setting)) series.push(one);
    return { statementId: 0, series: joinPieces(series) };
  } catch (error) {
    return { statementId: 0, series: [], error: errorText(error) };
  }
}

/** The pieces of the answer as they are made. */
export async function* piecesOf(
  query: string,
  setting: SelectSetting,
): AsyncGenerator<OutputSeries, undefined> {
  const nowNs = setting.nowNs ?? 1_800_000_000_000_000_000n;
  const [statement] = parseQuery(query);
  if (statement?.kind !== 'select') throw new Error('a SELECT expected');
  const compiled = compileStatement(statement, { nowNs });
  const resolved = resolveSelect(compiled, (source) => findMeasurements(source, setting));
  checkBuckets(compiled, { bucketsMax: setting.bucketsMax ?? 0, nowNs });
  const steps = planSteps(resolved, {
    nowNs,
    isWhole: isWhole(setting),
    outerTags: undefined,
    tags: [],
    grid: undefined,
    bounds: shardRange(compiled, setting.bucketsMax ?? 0),
    seriesLimit: 0,
    seriesOffset: 0,
  });
  for await (const batch of outputSeries(finished(steps), contextOf(setting), compiled.zone))
    yield* batch;
  return undefined;
}

function findMeasurements(measurement: Measurement, { nodes }: SelectSetting) {
  checkSystemSource(measurement);
  const names = [...new Set(nodes.flatMap((node) => node.measurements()))].sort();
  const schemas = names.map((name) => mergeSchemas(name, nodes.map(schemaIn(name))));
  return matchMeasurements(measurement, schemas).map((schema) => ({
    database: measurement.database,
    retentionPolicy: measurement.retentionPolicy,
    schema,
  }));
}

function schemaIn(name: string): (source: MemorySource) => MeasurementSchema {
  return (source) => ({
    name,
    fields: new Map(source.fields(name).map((field) => [field.name, field.type])),
    tagKeys: new Set(source.tagKeys(name)),
  });
}

function isWhole({ isWhole: said, nodes }: SelectSetting): boolean {
  return said ?? nodes.length === 1;
}

function contextOf(setting: SelectSetting): RunContext {
  const { nodes, memory, bytesMax = 0, signal = new AbortController().signal } = setting;
  const account = new QueryAccount(new NodeAccount(0), bytesMax);
  const lanes = isWhole(setting) ? [nodes] : nodes.map((node) => [node]);
  const open = ({ fragment }: ScanPart) =>
    lanes.map((lane): BlockStream<RowsBlock | WindowsBlock> => {
      const context = new FragmentContext(memory ?? memoryArena(), regexCache(), () => false);
      context.chargeTo(account);
      const { seriesMax, pointsMax } = setting;
      const task = lanes.length > 1 ? showingSeries(fragment.task) : fragment.task;
      const blocks = blocksOf({ ...fragment, task, seriesMax, pointsMax }, lane, context);
      return {
        next: () => Promise.resolve(blocks.next().value ?? undefined),
        close: () => Promise.resolve(),
      };
    });
  const pacer = new Pacer({
    clock: { monotonicMs: () => 0, sleep: () => Promise.resolve() },
    turn: () => Promise.resolve(),
    signal,
  });
  const seriesKeys = ({ fragment: { measurement } }: ScanPart) => {
    const listed = new ListedKeys(account);
    listed.add(nodes.flatMap((node) => node.idsOf(measurement).map((id) => node.series(id).key)));
    return Promise.resolve(listed);
  };
  return { open, seriesKeys, matcher: regexCache(), pacer, account };
}
