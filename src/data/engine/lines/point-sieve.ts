import { quoteGo } from '../../../base/go-format.ts';
import type { LinePoint } from '../../../models/line-protocol.ts';
import { seriesKey } from '../../../models/series-key.ts';

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

const timeName = 'time';

/** Takes out the points that no shard may have, and remembers what to say of them (spec 4.2, F33, F48). */
export class PointSieve {
  readonly #bounds: TimeBounds;
  readonly #refusals = new Refusals();
  #dropped: DroppedPoints | undefined;
  #removedCount = 0;

  constructor(bounds: TimeBounds) {
    this.#bounds = bounds;
  }

  /** Of points that were taken out. */
  get removedCount(): number {
    return this.#removedCount;
  }

  get dropped(): DroppedPoints | undefined {
    return this.#dropped;
  }

  get refused(): RefusedPoints | undefined {
    return this.#refusals.points();
  }

  /** The point as it may be stored; undefined when it may not. */
  take(point: LinePoint): LinePoint | undefined {
    const { measurement, tags, timeNs } = point;
    const bound = violatedBound(this.#bounds, timeNs);
    if (bound === undefined && this.#refusals.takes(point)) return withoutTime(point);
    this.#removedCount++;
    if (bound !== undefined) {
      const key = seriesKey(measurement, tags);
      this.#dropped = withDropped(this.#dropped, { seriesKey: key, timeNs, ...bound });
    }
    return undefined;
  }
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
  return `field type conflict: input field ${quoteGo(name)} on measurement ${quoteGo(measurement)} is type ${later}, already exists as type ${earlier}`;
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
