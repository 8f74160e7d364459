import type { Points, Transformation } from '../functions/function.ts';
import { noPoints } from '../functions/cells.ts';
import type { PointBatch } from './batch.ts';
import { slicePoints, withValues } from './columns.ts';
import { passWithout, type AskedBy, type StreamEnd } from './reduce-stage.ts';
import type { Stage } from './stage.ts';

/**
 * Pushes points through a transformation, one for each subgroup; what it says comes as soon as it says it. With `groups` a
 * group that nothing comes of ends the stream, or is a gap in it.
 */
export class TransformStage implements Stage {
  readonly #create: () => Transformation;
  readonly #transformations = new Map<number, Transformation>();
  #hasSubgroups = false;

  readonly #groups: { readonly end: StreamEnd; readonly askedBy: AskedBy } | undefined;

  constructor(
    create: () => Transformation,
    groups: { readonly end: StreamEnd; readonly askedBy: AskedBy } | undefined,
  ) {
    this.#create = create;
    this.#groups = groups;
  }

  get heldBytes(): number {
    let sum = 0;
    for (const one of this.#transformations.values()) sum += one.heldBytes;
    return sum;
  }

  *push(batch: PointBatch): Iterable<PointBatch> {
    const points = withValues(batch);
    const { subgroups, timesNs } = points;
    if (timesNs.length === 0 || this.#groups?.end.isOver === true) return;
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
    let hasAnswer = false;
    for (const [id, one] of this.#transformations) {
      const points = yield* finished(one);
      hasAnswer ||= points.timesNs.length > 0;
      yield* this.#labelled(points, id);
    }
    if (this.#groups === undefined || this.#transformations.size === 0 || hasAnswer) return;
    passWithout(this.#groups.end, this.#groups.askedBy);
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

/** What is left of a transformation; a batch of nothing after each slice of long work, so that others get their turn. */
function* finished(one: Transformation): Generator<PointBatch, Points> {
  const slices = one.finishInSlices?.();
  if (slices === undefined) return one.finish();
  for (;;) {
    const { done, value } = slices.next();
    if (done === true) return value;
    yield { ...noPoints('float'), subgroups: undefined };
  }
}
