import { PointBatchBuilder } from '../../models/point-batch-builder.ts';
import { parseLines } from '../../models/line-protocol.ts';
import { seriesKey, seriesKeyHash } from '../../models/series-key.ts';

/** A body of line protocol, and the shards its points may go to. Plain data, as it crosses threads. */
export interface LinesTask {
  readonly body: Uint8Array;
  readonly stepNs: bigint;
  readonly defaultTimeNs: bigint;
  /** Points outside [minTimeNs, maxTimeNs] are beyond the retention policy. */
  readonly minTimeNs: bigint;
  readonly maxTimeNs: bigint;
  readonly groups: readonly RouteGroup[];
}

/** Shards of a group that takes points with startNs <= time < endNs. */
export interface RouteGroup {
  readonly startNs: bigint;
  readonly endNs: bigint;
  readonly shardIds: readonly number[];
}

export interface RoutedLines {
  /** What to write where. Empty when `unroutedNs` is not: the body is then to be routed again. */
  readonly batches: readonly { readonly shardId: number; readonly payload: Uint8Array }[];
  readonly pointCount: number;
  /** Points beyond the retention policy. */
  readonly droppedCount: number;
  /** Texts of the lines that are no points. */
  readonly errors: readonly string[];
  /** Times of points for which there is no group. */
  readonly unroutedNs: readonly bigint[];
  /** Given back when it has to be routed again. */
  readonly body?: Uint8Array | undefined;
}

/** At most so many times are reported at once: each makes a shard group. */
const unroutedMax = 10_000;

/** Parses a body and parts its points by shard (spec F28, F48): the slow form, for any line. */
export function routeLines(task: LinesTask): RoutedLines {
  const { points, errors } = parseLines(task.body, task);
  const builders = new Map<number, PointBatchBuilder>();
  const unrouted = new Set<bigint>();
  let droppedCount = 0;
  let group: RouteGroup | undefined;
  for (const point of points) {
    const { timeNs } = point;
    if (timeNs < task.minTimeNs || timeNs > task.maxTimeNs) {
      droppedCount++;
      continue;
    }
    if (group === undefined || timeNs < group.startNs || timeNs >= group.endNs)
      group = task.groups.find(({ startNs, endNs }) => startNs <= timeNs && timeNs < endNs);
    if (group === undefined) {
      if (unrouted.size < unroutedMax) unrouted.add(timeNs);
      continue;
    }
    const key = seriesKey(point.measurement, point.tags);
    const shardId = shardOf(group.shardIds, key);
    const builder = builders.get(shardId) ?? new PointBatchBuilder();
    builders.set(shardId, builder);
    builder.add(key, point);
  }
  const head = { pointCount: points.length, droppedCount, errors };
  if (unrouted.size > 0)
    return { ...head, batches: [], unroutedNs: [...unrouted], body: task.body };
  const batches = [...builders].map(([shardId, one]) => ({ shardId, payload: one.finish() }));
  return { ...head, batches, unroutedNs: [] };
}

function shardOf(shardIds: readonly number[], key: string): number {
  const place = shardIds.length === 1 ? 0 : Number(seriesKeyHash(key) % BigInt(shardIds.length));
  return shardIds[place] ?? 0;
}
