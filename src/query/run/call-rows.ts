import type { CallPlan, LevelPlan, StagePlan } from '../plan/level-plan.ts';
import type { Batch, PointBatch, Subgroups } from './batch.ts';
import { CallStream } from './call-stream.ts';
import { pointsBytes } from './columns.ts';
import { HeldCalls } from './held-calls.ts';
import type { StreamEnd } from './reduce-stage.ts';
import type { RowBuilder } from './row-builder.ts';
import type { RunContext } from './run-context.ts';
import type { Flow } from './steps.ts';

/** Points of a call, by its place among those of its level. */
export interface CallPoints {
  readonly call: number;
  readonly points: PointBatch;
}

/**
 * The rows of a level's calls, group after group, of the points that are read for them. One call's points leave as they
 * come; those of several wait for each other until the group ends, since they are joined by time.
 */
export class CallRows {
  readonly #plan: LevelPlan;
  readonly #context: RunContext;
  readonly #subgroups: Subgroups;
  readonly #isOutermost: boolean;
  readonly #ends = new Map<StagePlan, StreamEnd>();

  /** `isOutermost`: its rows are the answer's. */
  constructor(
    plan: LevelPlan,
    context: RunContext,
    { subgroups, isOutermost }: { readonly subgroups: Subgroups; readonly isOutermost: boolean },
  ) {
    this.#plan = plan;
    this.#context = context;
    this.#subgroups = subgroups;
    this.#isOutermost = isOutermost;
  }

  /** Of one group; `inputs` are its points before any stage. */
  rows(inputs: Flow<CallPoints>, builder: RowBuilder): Flow<Batch> {
    const [only, ...others] = this.#plan.calls;
    return only !== undefined && others.length === 0
      ? this.#singleRows(only, inputs, builder)
      : this.#joinedRows(inputs, builder);
  }

  *#singleRows(call: CallPlan, inputs: Flow<CallPoints>, builder: RowBuilder): Flow<Batch> {
    for (const points of this.#throughStages([call], inputs)) {
      if (points instanceof Promise) {
        yield points;
        continue;
      }
      for (const end of this.#ends.values()) end.hasGiven = true;
      const columns = this.#plan.slots.map((_, slot) => slot === call.slot ? points.points.values : points.points.aux[slot]); // prettier-ignore
      const { timesNs, subgroups } = points.points;
      yield builder.build({ timesNs, subgroups, columns });
    }
  }

  *#joinedRows(inputs: Flow<CallPoints>, builder: RowBuilder): Flow<Batch> {
    const { calls, ascending, slots } = this.#plan;
    const held = new HeldCalls(calls, this.#ends);
    let heldBytes = 0;
    try {
      for (const next of this.#throughStages(calls, inputs)) {
        if (next instanceof Promise) {
          yield next;
          continue;
        }
        const { call, points } = next;
        const bytes = pointsBytes(points);
        this.#context.account.charge(bytes);
        heldBytes += bytes;
        held.add(call, points);
      }
      const joined = held.join({
        ascending,
        subgroups: this.#subgroups,
        isAskedAgain: this.#isOutermost,
      });
      const bySlot = new Map(calls.map(({ slot }, i) => [slot, joined.streams[i]?.values]));
      const columns = slots.map((_, slot) => bySlot.get(slot));
      yield builder.build({ timesNs: joined.timesNs, subgroups: joined.subgroups, columns });
    } finally {
      // Also where a LIMIT around it has rows enough.
      this.#context.account.release(heldBytes);
    }
  }

  /** What the stages of the calls make of their points. */
  *#throughStages(calls: readonly CallPlan[], inputs: Flow<CallPoints>): Flow<CallPoints> {
    const { account, pacer } = this.#context;
    const streams = calls.map(({ stages }) => this.#callStream(stages));
    let heldBytes = 0;
    // Of the stream that has just moved alone: there may be as many as there are fields.
    const recharge = (change: number): void => {
      account.charge(change);
      heldBytes += change;
    };
    try {
      for (const input of inputs) {
        if (input instanceof Promise) {
          yield input;
          continue;
        }
        const { call, points } = input;
        const stream = streams[call];
        const bytesBefore = stream?.heldBytes ?? 0;
        for (const out of stream?.push(points) ?? []) {
          if (out.timesNs.length > 0) yield { call, points: out };
          const rest = pacer.rest();
          if (rest !== undefined) yield rest;
        }
        recharge((stream?.heldBytes ?? 0) - bytesBefore);
        const rest = pacer.rest();
        if (rest !== undefined) yield rest;
      }
      for (const [call, stream] of streams.entries())
        for (const points of stream.finish()) {
          if (points.timesNs.length > 0) yield { call, points };
          const rest = pacer.rest();
          if (rest !== undefined) yield rest;
        }
    } finally {
      account.release(heldBytes);
    }
  }

  #callStream(stages: CallPlan['stages']): CallStream {
    const { ascending, limit, offset, calls } = this.#plan;
    const isJoined = calls.length > 1;
    return new CallStream({
      ...{ stages, ascending, isJoined, limit, offset },
      isOutermost: this.#isOutermost,
      subgroups: this.#subgroups,
      ends: this.#ends,
    });
  }
}
