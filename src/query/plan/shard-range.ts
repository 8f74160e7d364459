import { maxTimeNs, minTimeNs } from '../../base/units.ts';
import type { TimeRange } from '../compile/split-condition.ts';
import { findFunction } from '../functions/registry.ts';
import { windowAt } from '../run/windows.ts';
import type { CompiledSelect } from './compile-statement.ts';
import { visitExpr } from './walk-expr.ts';

/**
 * The time whose shards a statement reads: what it bounds, and the windows that its transformations look back on. With
 * `max-select-buckets` and no lower bound, shards before the last so many windows are left out (spec F61).
 */
export function shardRange(compiled: CompiledSelect, bucketsMax: number): TimeRange {
  const { range, groupBy, ascending } = compiled;
  const { intervalNs } = groupBy;
  if (intervalNs === 0n) return range;
  const minNs = range.minNs ?? firstOfBuckets(compiled, bucketsMax);
  const byNs = intervalNs * BigInt(windowsBefore(compiled));
  if (ascending) return { ...range, minNs: minNs && clamped(minNs - byNs) };
  return { minNs, maxNs: range.maxNs && clamped(range.maxNs + byNs) };
}

function firstOfBuckets(
  { groupBy, zone, range, isRaw }: CompiledSelect,
  bucketsMax: number,
): bigint | undefined {
  if (bucketsMax === 0 || isRaw) return undefined;
  const { intervalNs, offsetNs } = groupBy;
  const endNs = range.maxNs ?? maxTimeNs;
  const grid = { intervalNs, offsetNs, zone, startNs: minTimeNs, endNs };
  const firstNs = windowAt(endNs - 1n, grid).startNs - intervalNs * BigInt(bucketsMax - 1);
  return clamped(firstNs);
}

/** Reads nothing before its range, but shards of one window more say which tags and fields there are, as in the reference. */
const lookingBack = 'cumulative_sum';

/** How many windows the transformations of a list read before its range; those of subqueries have to do with what is read. */
function windowsBefore({ fields }: CompiledSelect): number {
  let most = 0;
  for (const { expr } of fields)
    visitExpr(expr, (part) => {
      if (part.kind !== 'call') return;
      const definition = findFunction(part.name);
      if (definition?.kind !== 'transformation') return;
      if (definition.extraWindows(part.args) === 0 && part.name !== lookingBack) return;
      // Of a moving average so many as it has points, though it reads one window more.
      const [, points] = part.args;
      most = Math.max(most, 1, points?.kind === 'integer' ? Number(points.value) : 0);
    });
  return most;
}

function clamped(timeNs: bigint): bigint {
  if (timeNs < minTimeNs) return minTimeNs;
  return timeNs > maxTimeNs ? maxTimeNs : timeNs;
}
