/** Which SELECTs answer for each group by itself, so that whoever has all of a group may answer for it apart from the others. */
import { maxTimeNs, minTimeNs } from '../../../base/units.ts';
import type { Expr } from '../../../influxql/ast.ts';
import type { CompiledSelect } from '../../../query/plan/compile-statement.ts';
import { isMathFunction } from '../../../query/plan/math-functions.ts';
import { visitExpr } from '../../../query/plan/walk-expr.ts';
import { magnitude } from '../../../query/run/windows.ts';

/**
 * Functions of a group that nothing outside of it changes, and that have an answer wherever they have points: one without ends the
 * streams of the groups that follow, too (query/run/reduce-stage.ts), whichever node has them. percentile() from 50 on.
 */
const ownFunctions: ReadonlySet<string> = new Set([
  ...['count', 'sum', 'mean', 'min', 'max', 'first', 'last', 'spread'],
  ...['median', 'mode', 'stddev', 'distinct', 'top', 'bottom'],
  ...['derivative', 'non_negative_derivative', 'difference', 'non_negative_difference'],
  ...['elapsed', 'moving_average', 'cumulative_sum'],
]);
const percentMin = 50;

/**
 * Whether each point lies in the window that it opens. One outside of it ends the streams of the groups that follow (query/run/reduce-stage.ts), on
 * whatever node: where the clock of a zone changes (query/run/windows.ts), and where a window passes the ends of time.
 */
export function holdsItsPoints({ groupBy, zone, range }: CompiledSelect): boolean {
  const { intervalNs, offsetNs } = groupBy;
  if (intervalNs === 0n) return true;
  if (zone !== undefined) return false;
  const nearNs = 2n * (intervalNs + magnitude(offsetNs));
  const isFromStart = offsetNs > 0n && (range.minNs ?? minTimeNs) - nearNs < minTimeNs;
  // Without a bound they end with now.
  return !isFromStart && (range.maxNs ?? 0n) + nearNs < maxTimeNs;
}

/** Whether nothing outside of a group changes what is asked of it, as far as its functions tell. */
export function isOfGroup(fields: CompiledSelect['fields']): boolean {
  let isOwn = true;
  for (const { expr: root } of fields)
    visitExpr(root, (expr) => {
      if (expr.kind === 'call') isOwn &&= isMathFunction(expr.name) || isOwnCall(expr);
    });
  return isOwn;
}

function isOwnCall({ name, args }: Extract<Expr, { kind: 'call' }>): boolean {
  if (name !== 'percentile') return ownFunctions.has(name);
  const percent = args[1];
  if (percent?.kind !== 'number' && percent?.kind !== 'integer') return false;
  return percent.value >= percentMin && percent.value <= 100;
}
