import { DbError } from '../../base/errors.ts';
import { windowAt } from '../run/windows.ts';
import type { CompiledSelect } from './compile-statement.ts';

/** Windows between bounds that the statement names are counted before anything is read, whatever the fill (spec F61). */
export function checkBuckets(
  { range, groupBy, zone, isRaw }: CompiledSelect,
  { bucketsMax, nowNs }: { readonly bucketsMax: number; readonly nowNs: bigint },
): void {
  const { intervalNs, offsetNs } = groupBy;
  const { minNs } = range;
  if (bucketsMax === 0 || intervalNs === 0n || isRaw || minNs === undefined) return;
  const endNs = range.maxNs ?? nowNs;
  const grid = { intervalNs, offsetNs, zone, startNs: minNs, endNs };
  const firstNs = windowAt(minNs, grid).startNs;
  const lastNs = windowAt(endNs - 1n, grid).startNs;
  const count = (lastNs - firstNs + intervalNs) / intervalNs;
  if (count > BigInt(bucketsMax))
    throw new DbError(
      'limit_exceeded',
      `max-select-buckets limit exceeded: (${count}/${bucketsMax})`,
    );
}
