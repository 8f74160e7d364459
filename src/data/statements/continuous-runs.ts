/** Selects of continuous queries: as their runner starts them, and as EXECUTE CONTINUOUS QUERY does. */
import { DbError } from '../../base/errors.ts';
import { windowsMax } from '../../cq/attempts.ts';
import { leaseName, type ContinuousRun } from '../../cq/continuous-querier.ts';
import { parseContinuousQuery, withTimeRange } from '../../cq/continuous-query.ts';
import { wholeWindows, type TimeRange } from '../../cq/schedule.ts';
import type { SelectStatement, Statement } from '../../influxql/ast.ts';
import { printStatement } from '../../influxql/printer.ts';
import type { OutputSeries } from '../../query/emit/result.ts';
import type { SelectContext, SelectPorts } from '../select/select-context.ts';
import { runInto } from '../select/select-runner.ts';
import { mustFindDatabase } from './schema/schema-scope.ts';
import type { QueryRegistry } from './queries/query-registry.ts';

export interface ContinuousRunLimits {
  readonly bucketsMax: number;
  /** `[cluster] query-timeout`; 0 is no limit. */
  readonly timeoutMs: number;
}

/**
 * Runs the select of a continuous query as a query of nobody: listed, killed and limited as any other. Resolves with the
 * number of points that it wrote; throws why it ended.
 */
export async function runContinuousSelect(
  { select, database, signal, token, checkLease }: ContinuousRun,
  ports: SelectPorts & { readonly registry: QueryRegistry },
  { bucketsMax, timeoutMs }: ContinuousRunLimits,
): Promise<bigint> {
  const { clock, registry, writeLines } = ports;
  const text = (): string => printStatement(select);
  const ticket = registry.start({ text, database, user: '', timeoutMs, signal });
  const context: SelectContext = {
    database,
    retentionPolicy: '',
    nowNs: clock.wallNs(),
    bucketsMax,
    signal: ticket.signal,
    fence: { lease: leaseName, token },
  };
  const fenced: SelectPorts = {
    ...ports,
    writeLines: (request) => {
      checkLease();
      return writeLines(request);
    },
  };
  try {
    const written = writtenOf(await runInto(select, context, fenced));
    ticket.signal.throwIfAborted();
    return written;
  } catch (error) {
    throw ticket.signal.aborted ? ticket.signal.reason : error;
  } finally {
    ticket.done();
  }
}

type Execute = Extract<Statement, { kind: 'execute-continuous-query' }>;

/** All windows that touch the range, in slices: what has been written before an error stays written. */
export async function executeContinuousQuery(
  { database, name, fromNs, toNs }: Execute,
  context: SelectContext,
  ports: SelectPorts,
): Promise<OutputSeries> {
  const { continuousQueries = [] } = mustFindDatabase(ports.meta.catalog, database);
  const query = continuousQueries.find((one) => one.name === name);
  if (query === undefined) throw new DbError('not_found', 'continuous query not found');
  const { select, resampling } = parseContinuousQuery(query.text);
  const { intervalNs, offsetNs, zone } = resampling(context.nowNs);
  if (intervalNs === 0n)
    throw new DbError('invalid_argument', 'continuous query has no GROUP BY time(): it never runs');
  const rules = { intervalNs, offsetNs, zone };
  const { startNs: firstNs, endNs } = wholeWindows({ startNs: fromNs, endNs: toNs }, rules);
  const sliceNs = BigInt(windowsMax) * intervalNs;
  let writtenCount = 0n;
  for (let startNs = firstNs; startNs < endNs;) {
    const slice = wholeWindows({ startNs, endNs: startNs + sliceNs }, rules);
    const range = { startNs, endNs: slice.endNs < endNs ? slice.endNs : endNs };
    writtenCount += await runRange(select, range, { context: { ...context, database }, ports });
    startNs = range.endNs;
  }
  return { kind: 'rows', name: 'result', columns: ['time', 'written'], rows: [[0n, writtenCount]] };
}

async function runRange(
  select: SelectStatement,
  range: TimeRange,
  { context, ports }: { readonly context: SelectContext; readonly ports: SelectPorts },
): Promise<bigint> {
  context.signal.throwIfAborted();
  return writtenOf(await runInto(withTimeRange(select, range), context, ports));
}

/** INTO answers one row: how many points it wrote. */
function writtenOf(series: OutputSeries): bigint {
  const written = series.kind === 'rows' ? series.rows[0]?.[1] : undefined;
  return typeof written === 'bigint' ? written : 0n;
}
