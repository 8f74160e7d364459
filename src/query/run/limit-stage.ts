import type { PointBatch } from './batch.ts';
import { pickPoints, slicePoints } from './columns.ts';
import type { Stage } from './stage.ts';

/**
 * LIMIT and OFFSET of one stream (spec 6.3). Rows are counted anew with each change of subgroup, so that a subquery
 * whose subgroups alternate is hardly limited at all, as in the reference.
 */
export class LimitStage implements Stage {
  readonly #limit: number;
  readonly #offset: number;
  #subgroup = 0;
  #count = 0;
  readonly heldBytes = 0;

  /** `limit` 0 is none. */
  constructor(limit: number, offset: number) {
    this.#limit = limit === 0 ? Number.POSITIVE_INFINITY : limit;
    this.#offset = offset;
  }

  /** No row that is still to come can pass, as long as the group has no subgroups. */
  get isDone(): boolean {
    return this.#count >= this.#offset + this.#limit;
  }

  /** Where no row passes, the batch of nothing that it answers is a rest: there may be billions of them. */
  *push(points: PointBatch): Iterable<PointBatch> {
    const { subgroups, timesNs } = points;
    if (subgroups === undefined) {
      const start = Math.min(timesNs.length, Math.max(0, this.#offset - this.#count));
      const end = Math.min(timesNs.length, Math.max(start, this.#offset + this.#limit - this.#count)); // prettier-ignore
      this.#count += timesNs.length;
      yield slicePoints(points, start, end);
      return;
    }
    const rows: number[] = [];
    for (let row = 0; row < subgroups.length; row++) {
      const subgroup = subgroups[row] ?? 0;
      if (subgroup !== this.#subgroup) {
        this.#subgroup = subgroup;
        this.#count = 0;
      }
      this.#count++;
      if (this.#count > this.#offset && this.#count <= this.#offset + this.#limit) rows.push(row);
    }
    if (rows.length === timesNs.length) yield points;
    else yield pickPoints(points, Int32Array.from(rows));
  }

  *finish(): Iterable<PointBatch> {
    // Nothing is held.
  }
}
