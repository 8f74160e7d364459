import type { Measurement } from '../../influxql/ast.ts';
import type { CompiledSelect } from './compile-statement.ts';
import type { TimeRange } from '../compile/split-condition.ts';
import { checkBuckets } from './check-buckets.ts';
import type { LevelPlan } from './level-plan.ts';
import { planSteps } from './plan-level.ts';
import { resolveSteps } from './resolve-select.ts';
import type { Pacer } from '../run/pacer.ts';
import { waited, type Steps } from '../run/steps.ts';
import type { Steps as PlanSteps } from './expand-names.ts';
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

type Rests = Pick<Pacer, 'rest'>;

/** Lists of tens of thousands of fields take a tenth of a second in each step: others run between them. */
export function planSelect(
  asked: PlannedSelect,
  places: readonly DescribedPlace[],
  pacer: Rests,
): Promise<LevelPlan> {
  return waited(planInSteps(asked, places, pacer));
}

/** The same for whoever waits himself: a small statement is planned in one go. */
export function* planInSteps(
  { compiled, range: bounds, allowedSeries, ...asked }: PlannedSelect,
  places: readonly DescribedPlace[],
  pacer: Rests,
): Steps<LevelPlan> {
  yield* rested(pacer);
  const find = (source: Measurement) => findIn(places, source, allowedSeries);
  const resolved = yield* inSteps(resolveSteps(compiled, find), pacer);
  yield* rested(pacer);
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
  const plan = yield* inSteps(planSteps(resolved, around), pacer);
  yield* rested(pacer);
  return plan;
}

function* rested(pacer: Rests): Steps<void> {
  const rest = pacer.rest();
  if (rest !== undefined) yield rest;
}

function* inSteps<Result>(steps: PlanSteps<Result>, pacer: Rests): Steps<Result> {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
    const rest = pacer.rest();
    if (rest !== undefined) yield rest;
  }
}
