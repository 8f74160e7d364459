import { PointBatchBuilder } from '../../../models/point-batch-builder.ts';
import { parseLines, type LinePoint } from '../../../models/line-protocol.ts';
import type { Stamp } from '../../../models/stamp.ts';
import type { OwnerReceipt } from '../shard-access.ts';
import { seriesKey, seriesKeyHash } from '../../../models/series-key.ts';
import {
  PointSieve,
  type DroppedPoints,
  type RefusedPoints,
  type TimeBounds,
} from './point-sieve.ts';
import { UnroutedTimes } from './unrouted-times.ts';

/** A body of line protocol, and the shards its points may go to. Plain data, as it crosses threads. */
export interface LinesTask {
  /** Moves to the worker, unless it is shared memory: that is read until the answer is there. */
  readonly body: Uint8Array;
  readonly stepNs: bigint;
  readonly defaultTimeNs: bigint;
  readonly bounds: TimeBounds;
  readonly groups: readonly RouteGroup[];
  /** Of a group that is to be made where nothing is around it. */
  readonly groupDurationNs?: bigint | undefined;
  /** Shared memory for the batches, as far as it reaches; whoever asks gives it another use once they are done with. */
  readonly room?: Uint8Array | undefined;
  /** Batches of these shards are written at once where they are at home with the worker that parses (own-writes.ts). */
  readonly own?: OwnShards | undefined;
}

/** Stamps for the batches that a worker makes of one body: its pieces times the shards that it reaches, as a rule. */
export const ownStampsMax = 4_096;

/** Shards whose only copies are this node's. */
export interface OwnShards {
  /** Of the first batch; each next one is a nanosecond later, as far as `ownStampsMax` go. */
  readonly stamp: Stamp;
  readonly database: string;
  readonly retentionPolicy: string;
  readonly shardIds: readonly number[];
  /** Who writes, where that is counted. */
  readonly login?: string | undefined;
}

/** Shards of a group that takes points with startNs <= time < endNs. */
export interface RouteGroup {
  readonly startNs: bigint;
  readonly endNs: bigint;
  readonly shardIds: readonly number[];
}

export interface RoutedLines {
  /** What is to be written where. Empty when `unroutedNs` is not: the body is then to be routed again. */
  readonly batches: readonly RoutedBatch[];
  /** What is written and durable already. */
  readonly written?: readonly WrittenBatch[] | undefined;
  readonly pointCount: number;
  /** Fields of the points that are in batches, or written. */
  readonly valueCount: number;
  readonly dropped?: DroppedPoints | undefined;
  readonly refused?: RefusedPoints | undefined;
  /** What is wrong with the lines that are no points, within a bound; '' when there are none. */
  readonly errors: string;
  /** Times of points for which there is no group: one for each that is to be made. */
  readonly unroutedNs: readonly bigint[];
  /** Given back when it has to be routed again. */
  readonly body?: Uint8Array | undefined;
}

export interface RoutedBatch {
  readonly shardId: number;
  readonly payload: Uint8Array;
}

export interface WrittenBatch extends OwnerReceipt {
  readonly shardId: number;
  readonly pointCount: number;
}

/** Parses a body and parts its points by shard (spec F28, F48): the slow form, for any line. */
export function routeLines(task: LinesTask): RoutedLines {
  const sieve = new PointSieve(task.bounds);
  const { points, errors } = parseLines(task.body, task);
  const { batches, unroutedNs, valueCount } = routePoints(points, task, sieve);
  const { dropped, refused } = sieve;
  const head = { pointCount: points.length, dropped, refused, errors: errors.text(), unroutedNs };
  if (unroutedNs.length > 0) return { ...head, valueCount: 0, batches: [], body: task.body };
  return { ...head, valueCount, batches };
}

/** Batches of the points that the sieve takes, and times of those for which there is no group. */
export function routePoints(
  points: readonly LinePoint[],
  task: Pick<LinesTask, 'groups' | 'groupDurationNs'>,
  sieve: PointSieve,
): Pick<RoutedLines, 'batches' | 'unroutedNs' | 'valueCount'> {
  const builders = new Map<number, PointBatchBuilder>();
  const unrouted = new UnroutedTimes(task);
  let group: RouteGroup | undefined;
  let valueCount = 0;
  for (const written of points) {
    const point = sieve.take(written);
    if (point === undefined) continue;
    const { timeNs } = point;
    if (group === undefined || timeNs < group.startNs || timeNs >= group.endNs)
      group = task.groups.find(({ startNs, endNs }) => startNs <= timeNs && timeNs < endNs);
    if (group === undefined) {
      unrouted.add(timeNs);
      continue;
    }
    const key = seriesKey(point.measurement, point.tags);
    const shardId = shardOf(group.shardIds, key);
    const builder = builders.get(shardId) ?? new PointBatchBuilder();
    builders.set(shardId, builder);
    builder.add(key, point);
    valueCount += point.fields.size;
  }
  const batches = [...builders].map(([shardId, one]) => ({ shardId, payload: one.finish() }));
  return { batches, unroutedNs: unrouted.timesNs, valueCount };
}

function shardOf(shardIds: readonly number[], key: string): number {
  const place = shardIds.length === 1 ? 0 : Number(seriesKeyHash(key) % BigInt(shardIds.length));
  return shardIds[place] ?? 0;
}
