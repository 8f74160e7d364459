import { hourNs } from '../../../base/units.ts';
import { truncateTime } from '../../../meta/model/shard-groups.ts';

/** At most so many times are reported at once: each makes a shard group. */
const timesMax = 10_000;

/** Of a group. */
interface Span {
  readonly startNs: bigint;
  readonly endNs: bigint;
}

/**
 * Times of points for which there is no group: one for each group that is to be made, as a body of a few days may have hundreds of
 * thousands.
 */
export class UnroutedTimes {
  readonly #groups: readonly Span[];
  readonly #durationNs: bigint;
  /** Groups that are to be made, by the start of the interval that they are in: as a rule one. They leave those that there are alone. */
  readonly #lacking = new Map<bigint, Span[]>();
  readonly #timesNs: bigint[] = [];
  #last: Span = { startNs: 0n, endNs: 0n };

  /** `groupDurationNs`: of a group that has no neighbours; the least there is when left out. */
  constructor({ groups, groupDurationNs = hourNs }: { readonly groups: readonly Span[]; readonly groupDurationNs?: bigint | undefined }) {
    this.#groups = groups;
    this.#durationNs = groupDurationNs;
  } // prettier-ignore

  get timesNs(): readonly bigint[] {
    return this.#timesNs;
  }

  /** A time that is in none of the groups. */
  add(timeNs: bigint): void {
    if (isIn(this.#last, timeNs) || this.#timesNs.length >= timesMax) return;
    const startNs = truncateTime(timeNs, this.#durationNs);
    const known = this.#lacking.get(startNs) ?? [];
    const found = known.find((one) => isIn(one, timeNs));
    if (found === undefined) this.#timesNs.push(timeNs);
    this.#last = found ?? this.#around(timeNs, startNs);
    if (found === undefined) this.#lacking.set(startNs, [...known, this.#last]);
  }

  #around(timeNs: bigint, intervalNs: bigint): Span {
    let [startNs, endNs] = [intervalNs, intervalNs + this.#durationNs];
    for (const group of this.#groups) {
      if (group.endNs <= timeNs && group.endNs > startNs) startNs = group.endNs;
      if (group.startNs > timeNs && group.startNs < endNs) endNs = group.startNs;
    }
    return { startNs, endNs };
  }
}

function isIn({ startNs, endNs }: Span, timeNs: bigint): boolean {
  return startNs <= timeNs && timeNs < endNs;
}
