import type { CallPlan, StagePlan } from '../plan/level-plan.ts';
import type { PointBatch } from './batch.ts';
import { concatPoints } from './columns.ts';
import { joinPoints, type JoinedPoints, type JoinOrder, type StreamGaps } from './join-points.ts';
import type { StreamEnd } from './reduce-stage.ts';

interface HeldCall {
  readonly batches: PointBatch[];
  readonly gaps: StreamGaps;
  rowCount: number;
}

/**
 * The points of a list's calls in one group, held until they can be joined. Gaps of a stream that this group does not use up
 * stay with its end, for the next group.
 */
export class HeldCalls {
  readonly #calls: readonly CallPlan[];
  readonly #ends: ReadonlyMap<StagePlan, StreamEnd>;
  readonly #held: readonly HeldCall[];

  constructor(calls: readonly CallPlan[], ends: ReadonlyMap<StagePlan, StreamEnd>) {
    this.#calls = calls;
    this.#ends = ends;
    this.#held = calls.map(() => ({ batches: [], gaps: new Map(), rowCount: 0 }));
  }

  /** Points of a call, by its place in the list, as soon as its stream gives them: what it passed over stands before them. */
  add(call: number, points: PointBatch): void {
    const held = this.#held[call];
    if (held === undefined) return;
    this.#takeGaps(call, held);
    held.batches.push(points);
    held.rowCount += points.timesNs.length;
  }

  join({ ascending, subgroups, isAskedAgain }: Omit<JoinOrder, 'gaps'>): JoinedPoints {
    for (const [call, held] of this.#held.entries()) this.#takeGaps(call, held);
    const streams = this.#calls.map(({ type }, i) => concatPoints(this.#held[i]?.batches ?? [], type, [])); // prettier-ignore
    const gaps = this.#held.map((held) => held.gaps);
    const joined = joinPoints(streams, { ascending, subgroups, gaps, isAskedAgain });
    for (const [call, held] of this.#held.entries())
      for (const end of this.#endsOf(call)) {
        end.isOver ||= joined.isOver;
        end.gaps = held.gaps.get(held.rowCount) ?? 0;
      }
    return joined;
  }

  #takeGaps(call: number, { gaps, rowCount }: HeldCall): void {
    for (const end of this.#endsOf(call)) {
      if (end.gaps > 0) gaps.set(rowCount, (gaps.get(rowCount) ?? 0) + end.gaps);
      end.gaps = 0;
    }
  }

  #endsOf(call: number): readonly StreamEnd[] {
    return (this.#calls[call]?.stages ?? []).flatMap((stage) => this.#ends.get(stage) ?? []);
  }
}
