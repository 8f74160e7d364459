import type { StagePlan } from '../plan/level-plan.ts';
import type { PointBatch, Subgroups } from './batch.ts';
import { FillStage } from './fill-stage.ts';
import { LimitStage } from './limit-stage.ts';
import { ReduceStage, type AskedBy, type StreamEnd } from './reduce-stage.ts';
import type { Stage } from './stage.ts';
import { StartsStage } from './starts-stage.ts';
import { TransformStage } from './transform-stage.ts';

export interface CallStreamOptions {
  readonly stages: readonly StagePlan[];
  readonly ascending: boolean;
  readonly subgroups: Subgroups;
  /** With those of other calls, by subgroup and time. */
  readonly isJoined: boolean;
  /** Its rows are the answer's. */
  readonly isOutermost: boolean;
  readonly limit: number;
  readonly offset: number;
  /** Of the reduce stages, in all groups. */
  readonly ends: Map<StagePlan, StreamEnd>;
}

/** The stages of a call for one group, one behind the other, LIMIT last. */
export class CallStream {
  readonly #stages: readonly Stage[];
  /** Of a group without subgroups, whose rows it counts once. */
  readonly #last: LimitStage | undefined;

  constructor(options: CallStreamOptions) {
    const stages = options.stages.map((plan) => makeStage(plan, options));
    const { limit, offset, subgroups } = options;
    if (limit > 0 || offset > 0) {
      const last = new LimitStage(limit, offset);
      stages.push(last);
      if (subgroups.keys.length === 0) this.#last = last;
    }
    this.#stages = stages;
  }

  get heldBytes(): number {
    return this.#stages.reduce((sum, { heldBytes }) => sum + heldBytes, 0);
  }

  push(points: PointBatch): Iterable<PointBatch> {
    return this.#through(points, 0);
  }

  *finish(): Iterable<PointBatch> {
    const stages = this.#stages;
    for (const [i, stage] of stages.entries()) {
      // Windows that LIMIT leaves out are not filled: without a lower bound there is no end to them.
      const isOver = () => stage instanceof FillStage && i === stages.length - 2 && this.#last?.isDone === true; // prettier-ignore
      if (isOver()) continue;
      for (const points of stage.finish()) {
        yield* this.#through(points, i + 1);
        if (isOver()) break;
      }
    }
  }

  *#through(points: PointBatch, from: number): Iterable<PointBatch> {
    const stage = this.#stages[from];
    // A batch of nothing is a rest that a stage takes.
    if (stage === undefined || points.timesNs.length === 0) yield points;
    else for (const next of stage.push(points)) yield* this.#through(next, from + 1);
  }
}

function makeStage(plan: StagePlan, options: CallStreamOptions): Stage {
  const { stages, ascending, subgroups, isJoined, ends } = options;
  // prettier-ignore
  switch (plan.kind) {
    case 'reduce':
      return new ReduceStage(plan, { ascending, subgroups, ...fillBehind(plan, stages), isJoined, askedBy: askedBy(plan, options), end: endOf(plan, ends) }); // prettier-ignore
    case 'transform': {
      const { definition, call } = plan;
      const groups = definition.answersGroups === true ? { end: endOf(plan, ends), askedBy: askedBy(plan, options) } : undefined; // prettier-ignore
      return new TransformStage(() => definition.transformation(call), groups);
    }
    case 'starts':
      return new StartsStage(plan.grid);
    case 'fill':
      return new FillStage(plan.grid, { fill: plan.fill, ascending, types: plan.types, end: filledEnd(plan, options) }); // prettier-ignore
  }
}

function fillBehind(
  plan: StagePlan,
  stages: readonly StagePlan[],
): { readonly isFilled: boolean; readonly isLinear: boolean } {
  const [starts, fill] = stages.slice(stages.indexOf(plan) + 1);
  const isFilled = starts?.kind === 'starts' && fill?.kind === 'fill';
  return { isFilled, isLinear: isFilled && fill.fill.kind === 'linear' };
}

/** That of the reduce stage whose windows are filled. */
function filledEnd(plan: StagePlan, { stages, ends }: CallStreamOptions): StreamEnd | undefined {
  const reduce = stages[stages.indexOf(plan) - 2];
  return reduce?.kind === 'reduce' ? endOf(reduce, ends) : undefined;
}

/** A transformation that was told once that there is nothing more does not ask again. */
function askedBy(plan: StagePlan, { stages, isJoined, isOutermost }: CallStreamOptions): AskedBy {
  const isLast = stages.slice(stages.indexOf(plan) + 1).every(({ kind }) => kind !== 'transform');
  if (!isLast) return 'nobody';
  return isJoined ? 'join' : isOutermost ? 'rows' : 'nobody';
}

function endOf(plan: StagePlan, ends: Map<StagePlan, StreamEnd>): StreamEnd {
  const known = ends.get(plan);
  if (known !== undefined) return known;
  const end = { isOver: false, gapsLeft: 0n, gapsPassed: 0, isLookedPast: false, gaps: 0, hasGiven: false }; // prettier-ignore
  ends.set(plan, end);
  return end;
}
