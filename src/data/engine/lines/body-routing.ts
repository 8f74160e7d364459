import { LineErrors } from '../../../models/line-errors.ts';
import { parseLines } from '../../../models/line-protocol.ts';
import { mendLines } from './mend-lines.ts';
import { PointSieve } from './point-sieve.ts';
import { routePoints, type LinesTask, type RoutedLines, type RouteGroup } from './route-lines.ts';
import { UnroutedTimes } from './unrouted-times.ts';

const int64Min = -(2n ** 63n);
const int64Max = 2n ** 63n - 1n;

/** What has been routed of a body, piece by piece. */
export class BodyRouting {
  /** Lines without a time have this one. */
  readonly cutTimeNs: bigint;
  readonly stepNs: bigint;
  /** No shard may take a point before or after. */
  readonly leastNs: bigint;
  readonly greatestNs: bigint;
  readonly #task: LinesTask;
  readonly #errors = new LineErrors();
  readonly #sieve: PointSieve;
  readonly #batches: RoutedLines['batches'][number][] = [];
  readonly #unrouted: UnroutedTimes;
  #pointCount = 0;
  #valueCount = 0;

  constructor(task: LinesTask) {
    const { stepNs, defaultTimeNs, bounds } = task;
    const { retentionMinNs = int64Min, windowMinNs = int64Min, windowMaxNs = int64Max } = bounds;
    this.#task = task;
    this.#sieve = new PointSieve(bounds);
    this.#unrouted = new UnroutedTimes(task);
    this.stepNs = stepNs;
    this.cutTimeNs = defaultTimeNs - (defaultTimeNs % stepNs);
    this.leastNs = retentionMinNs > windowMinNs ? retentionMinNs : windowMinNs;
    this.greatestNs = windowMaxNs;
  }

  /** The text without the lines that are no points, and with the others in ranges as the kernel takes them. */
  mend(text: Uint8Array, ranges: Uint32Array): Uint8Array {
    const before = this.#sieve.removedCount;
    const { stepNs, defaultTimeNs } = this.#task;
    const ports = { stepNs, defaultTimeNs, errors: this.#errors, sieve: this.#sieve };
    const mended = mendLines(text, ranges, ports);
    this.#pointCount += this.#sieve.removedCount - before;
    return mended;
  }

  addPoints(count: number): void {
    this.#pointCount += count;
  }

  addValues(count: number): void {
    this.#valueCount += count;
  }

  /** Batches of one shard are in the order of their lines. */
  addBatch(batch: RoutedLines['batches'][number]): void {
    this.#batches.push(batch);
  }

  /** Whole lines for the twin. */
  addSlowly(text: Uint8Array): void {
    const { points } = parseLines(text, this.#task, this.#errors);
    const routed = routePoints(points, this.#task, this.#sieve);
    this.#pointCount += points.length;
    this.#valueCount += routed.valueCount;
    this.#batches.push(...routed.batches);
    for (const timeNs of routed.unroutedNs) this.#unrouted.add(timeNs);
  }

  /** Of these times those that are in none of the groups. */
  addUnrouted(timesNs: BigInt64Array, groups: readonly RouteGroup[]): void {
    let last: RouteGroup | undefined;
    for (const timeNs of timesNs) {
      const isIn = (group: RouteGroup) => group.startNs <= timeNs && timeNs < group.endNs;
      if (last !== undefined && isIn(last)) continue;
      last = groups.find(isIn);
      if (last === undefined) this.#unrouted.add(timeNs);
    }
    this.#pointCount += timesNs.length;
  }

  /** The groups that lines of these times may lie in. */
  groupsOf({
    minTimeNs,
    maxTimeNs,
  }: {
    minTimeNs: bigint;
    maxTimeNs: bigint;
  }): readonly RouteGroup[] {
    // prettier-ignore
    const { groups } = this.#task;
    const isWithin = ({ startNs, endNs }: RouteGroup) => startNs <= minTimeNs && maxTimeNs < endNs;
    const whole = groups.find(isWithin);
    if (whole !== undefined) return [whole];
    return groups.filter(({ startNs, endNs }) => startNs <= maxTimeNs && minTimeNs < endNs);
  }

  finish(): RoutedLines {
    const { dropped, refused } = this.#sieve;
    const head = { pointCount: this.#pointCount, dropped, refused, errors: this.#errors.text() };
    const { timesNs: unroutedNs } = this.#unrouted;
    if (unroutedNs.length === 0)
      return { ...head, valueCount: this.#valueCount, batches: this.#batches, unroutedNs };
    return {
      ...head,
      valueCount: 0,
      batches: [],
      unroutedNs,
      body: this.#task.body,
    };
  }
}
