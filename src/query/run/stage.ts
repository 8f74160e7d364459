import type { PointBatch } from './batch.ts';

/** A step of a call's stream; one instance serves one group. Generators, so that the driver lets others run between. */
export interface Stage {
  push(points: PointBatch): Iterable<PointBatch>;
  /** The group has no more points. */
  finish(): Iterable<PointBatch>;
  readonly heldBytes: number;
}
