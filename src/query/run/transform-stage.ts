import type { Points, Transformation } from '../functions/function.ts';
import type { PointBatch } from './batch.ts';
import { slicePoints, withValues } from './columns.ts';
import type { Stage } from './stage.ts';

/** Pushes points through a transformation, one for each subgroup; what it says comes as soon as it says it. */
export class TransformStage implements Stage {
  readonly #create: () => Transformation;
  readonly #transformations = new Map<number, Transformation>();
  #hasSubgroups = false;

  constructor(create: () => Transformation) {
    this.#create = create;
  }

  get heldBytes(): number {
    let sum = 0;
    for (const one of this.#transformations.values()) sum += one.heldBytes;
    return sum;
  }

  *push(batch: PointBatch): Iterable<PointBatch> {
    const points = withValues(batch);
    const { subgroups, timesNs } = points;
    if (timesNs.length === 0) return;
    if (subgroups === undefined) {
      yield* this.#labelled(this.#of(0).push(points), 0);
      return;
    }
    this.#hasSubgroups = true;
    for (let start = 0, end = 0; start < subgroups.length; start = end) {
      const id = subgroups[start] ?? 0;
      for (end = start + 1; end < subgroups.length && subgroups[end] === id; end++);
      yield* this.#labelled(this.#of(id).push(slicePoints(points, start, end)), id);
    }
  }

  *finish(): Iterable<PointBatch> {
    for (const [id, one] of this.#transformations) yield* this.#labelled(one.finish(), id);
  }

  #of(id: number): Transformation {
    let one = this.#transformations.get(id);
    if (one === undefined) {
      one = this.#create();
      this.#transformations.set(id, one);
    }
    return one;
  }

  *#labelled(points: Points, id: number): Iterable<PointBatch> {
    const count = points.timesNs.length;
    if (count === 0) return;
    const subgroups = this.#hasSubgroups ? new Int32Array(count).fill(id) : undefined;
    yield { ...points, subgroups };
  }
}
