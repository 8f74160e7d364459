import type { CompiledSelect } from './compile-statement.ts';
import type { TimeRange } from '../compile/split-condition.ts';
import { checkBuckets } from './check-buckets.ts';
import type { LevelPlan } from './level-plan.ts';
import { planSteps } from './plan-level.ts';
import { inSlices, resolveInSlices } from './resolve-select.ts';
import type { Pacer } from '../run/pacer.ts';
import { findIn, type AllowedSeries, type DescribedPlace } from './match-measurements.ts';

/** What is planned, and the limit of windows that it keeps to. */
export interface PlannedSelect {
  readonly compiled: CompiledSelect;
  readonly range: TimeRange;
  readonly nowNs: bigint;
  readonly bucketsMax: number;
  /** Who asks reads all shards of its places himself. */
  readonly isWhole?: boolean | undefined;
  readonly allowedSeries?: AllowedSeries | undefined;
}

/** Lists of tens of thousands of fields take a tenth of a second in each step: others run between them. */
export async function planSelect(
  { compiled, range: bounds, allowedSeries, ...asked }: PlannedSelect,
  places: readonly DescribedPlace[],
  pacer: Pacer,
): Promise<LevelPlan> {
  await pacer.pause();
  const resolved = await resolveInSlices(
    compiled,
    (source) => findIn(places, source, allowedSeries),
    pacer,
  );
  await pacer.pause();
  checkBuckets(compiled, asked);
  const { nowNs, isWhole } = asked;
  const around = {
    nowNs,
    isWhole,
    outerTags: undefined,
    tags: [],
    grid: undefined,
    bounds,
    seriesLimit: 0,
    seriesOffset: 0,
  };
  const plan = await inSlices(planSteps(resolved, around), pacer);
  await pacer.pause();
  return plan;
}
