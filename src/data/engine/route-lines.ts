import { PointBatchBuilder } from '../../models/point-batch-builder.ts';
import { parseLines, type LinePoint } from '../../models/line-protocol.ts';
import { seriesKey, seriesKeyHash } from '../../models/series-key.ts';

/** A body of line protocol, and the shards its points may go to. Plain data, as it crosses threads. */
export interface LinesTask {
  readonly body: Uint8Array;
  readonly stepNs: bigint;
  readonly defaultTimeNs: bigint;
  readonly bounds: TimeBounds;
  readonly groups: readonly RouteGroup[];
}

/** Points outside are dropped (spec F33, F48). Each bound may be absent. */
export interface TimeBounds {
  readonly retentionMinNs?: bigint | undefined;
  readonly windowMinNs?: bigint | undefined;
  readonly windowMaxNs?: bigint | undefined;
}

export type TimeBound = keyof TimeBounds;

export interface DroppedPoints {
  /** Below retentionMinNs, and outside of the window. */
  readonly retentionCount: number;
  readonly windowCount: number;
  readonly oldest: DroppedPoint;
  readonly newest: DroppedPoint;
}

/** Points that no shard may take, whole or in part: for a tag or a field called `time`, or a field of two types. */
export interface RefusedPoints {
  /** Of whole points; 0 when fields were left out and nothing else. */
  readonly count: number;
  /** Of a tag when there is one, as the reference looks at tags first; else of the first point, or the last field. */
  readonly reason: string;
}

export interface DroppedPoint {
  readonly seriesKey: string;
  readonly timeNs: bigint;
  readonly bound: TimeBound;
  readonly boundNs: bigint;
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
  readonly dropped?: DroppedPoints | undefined;
  readonly refused?: RefusedPoints | undefined;
  /** What is wrong with the lines that are no points, within a bound; '' when there are none. */
  readonly errors: string;
  /** Times of points for which there is no group. */
  readonly unroutedNs: readonly bigint[];
  /** Given back when it has to be routed again. */
  readonly body?: Uint8Array | undefined;
}

const timeName = 'time';

/** At most so many times are reported at once: each makes a shard group. */
const unroutedMax = 10_000;

/** Parses a body and parts its points by shard (spec F28, F48): the slow form, for any line. */
export function routeLines(task: LinesTask): RoutedLines {
  const { points, errors } = parseLines(task.body, task);
  const builders = new Map<number, PointBatchBuilder>();
  const unrouted = new Set<bigint>();
  const refusals = new Refusals();
  let dropped: DroppedPoints | undefined;
  let group: RouteGroup | undefined;
  for (const point of points) {
    const { timeNs } = point;
    const bound = violatedBound(task.bounds, timeNs);
    if (bound !== undefined) {
      const key = seriesKey(point.measurement, point.tags);
      dropped = withDropped(dropped, { seriesKey: key, timeNs, ...bound });
      continue;
    }
    if (!refusals.takes(point)) continue;
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
    builder.add(key, withoutTime(point));
  }
  const head = {
    pointCount: points.length,
    dropped,
    refused: refusals.points(),
    errors: errors.text(),
  };
  if (unrouted.size > 0)
    return { ...head, batches: [], unroutedNs: [...unrouted], body: task.body };
  const batches = [...builders].map(([shardId, one]) => ({ shardId, payload: one.finish() }));
  return { ...head, batches, unroutedNs: [] };
}

/** What is wrong with points whatever their shard holds (spec 4.2). */
class Refusals {
  #count = 0;
  #tagReason: string | undefined;
  #fieldReason: string | undefined;
  #strippedReason: string | undefined;

  /** False for a point that no shard may take. */
  takes(point: LinePoint): boolean {
    const tagReason = refusedTag(point);
    const fieldReason = tagReason === undefined ? refusedField(point) : undefined;
    if (tagReason === undefined && fieldReason === undefined) {
      if (point.fields.has(timeName))
        this.#strippedReason = `${timeFieldText(point)}. Field "${timeName}" has been stripped from point.`;
      return true;
    }
    this.#count++;
    this.#tagReason ??= tagReason;
    this.#fieldReason ??= fieldReason;
    return false;
  }

  points(): RefusedPoints | undefined {
    const reason = this.#tagReason ?? this.#fieldReason ?? this.#strippedReason;
    return reason === undefined ? undefined : { count: this.#count, reason };
  }
}

function refusedTag({ measurement, tags }: LinePoint): string | undefined {
  if (!tags.some(({ key }) => key === timeName)) return undefined;
  return `invalid tag key: input tag "${timeName}" on measurement "${measurement}" is invalid`;
}

function refusedField(point: LinePoint): string | undefined {
  const { measurement, fields, conflict } = point;
  if (fields.size === 1 && fields.has(timeName)) return timeFieldText(point);
  if (conflict === undefined) return undefined;
  const { name, earlier, later } = conflict;
  return `field type conflict: input field "${name}" on measurement "${measurement}" is type ${later}, already exists as type ${earlier}`;
}

function timeFieldText({ measurement }: LinePoint): string {
  return `invalid field name: input field "${timeName}" on measurement "${measurement}" is invalid`;
}

/** A field of that name is left out as long as the point has another. */
function withoutTime(point: LinePoint): LinePoint {
  if (!point.fields.has(timeName)) return point;
  const fields = new Map([...point.fields].filter(([name]) => name !== timeName));
  return { ...point, fields };
}

function shardOf(shardIds: readonly number[], key: string): number {
  const place = shardIds.length === 1 ? 0 : Number(seriesKeyHash(key) % BigInt(shardIds.length));
  return shardIds[place] ?? 0;
}

function violatedBound(
  { retentionMinNs, windowMinNs, windowMaxNs }: TimeBounds,
  timeNs: bigint,
): Pick<DroppedPoint, 'bound' | 'boundNs'> | undefined {
  if (retentionMinNs !== undefined && timeNs < retentionMinNs)
    return { bound: 'retentionMinNs', boundNs: retentionMinNs };
  if (windowMinNs !== undefined && timeNs < windowMinNs)
    return { bound: 'windowMinNs', boundNs: windowMinNs };
  if (windowMaxNs !== undefined && timeNs > windowMaxNs)
    return { bound: 'windowMaxNs', boundNs: windowMaxNs };
  return undefined;
}

function withDropped(before: DroppedPoints | undefined, point: DroppedPoint): DroppedPoints {
  const isRetention = point.bound === 'retentionMinNs';
  const { retentionCount = 0, windowCount = 0, oldest = point, newest = point } = before ?? {};
  return {
    retentionCount: retentionCount + (isRetention ? 1 : 0),
    windowCount: windowCount + (isRetention ? 0 : 1),
    oldest: point.timeNs < oldest.timeNs ? point : oldest,
    newest: point.timeNs > newest.timeNs ? point : newest,
  };
}
