/**
 * What counts of a batch that is older than something its shard has: a memtable or a file is put above what was there
 * before, so a value that a later stamp has written must not get in (decision 0014).
 *
 * Invariants:
 * - While the shard remembers all batches later than this one (recent-batches.ts) the answer is exact.
 * - Past that, parts of the shard tell by the stamps they hold: one whose stamps are all later wins over the batch, one whose
 *   stamps are all earlier does not. A value that a part has whose stamps lie on both sides is _unclear_: it arrives as if it
 *   were later, and is counted. One that is brought again (decision 126) does not, and is counted apart: as a rule that part has had it, and what came since.
 * - A point that a later delete has struck does not come back.
 */
import { must } from '../../../base/assert.ts';
import { decodePointBatch, withShapes, type BatchShape, type PointBatch, type TextColumn } from '../../../models/point-batch.ts'; // prettier-ignore
import {
  isBrought,
  latestOf,
  noStamp,
  type Stamp,
  type StampRange,
} from '../../../models/stamp.ts';
import type { RecentBatch, RecentBatches } from './recent-batches.ts';
import { isRefused, pickRows } from '../limits/refused-rows.ts';
import type { TimeBounds } from './shape-table.ts';

const noRejects = new Uint8Array();

/** A part of a shard that readers see below the batch: a file, or a memtable that is being flushed. */
export interface StampedPart {
  readonly stamps: StampRange;
  readonly bounds: TimeBounds | undefined;
  /** The times of a series' field within the bounds, ascending, in runs that follow each other. */
  times(series: { readonly key: Uint8Array; readonly measurement: string; readonly field: string }, bounds: TimeBounds): Iterable<BigInt64Array>; // prettier-ignore
}

/** Points that were deleted, by what a statement said. */
export interface StruckPoints extends TimeBounds {
  readonly stamp: Stamp;
  strikes(seriesKey: Uint8Array, measurement: string): boolean;
}

export interface LateContext {
  readonly recent: RecentBatches;
  readonly parts: readonly StampedPart[];
  readonly struck: Iterable<StruckPoints>;
  /**
   * The delete under way that is earlier than the batch, which was taken before: of the points that it means the batch's are to stay. They are held against parts
   * alone of which nothing is deleted, as what the others have of them goes; all else of the batch stays where it is.
   */
  readonly spared?: StruckPoints | undefined;
}

export interface LateVerdict {
  /**
   * With the values that count, none of them refused, or the batch as it came where none has lost to a later one; undefined when none
   * counts.
   */
  readonly batch: PointBatch | undefined;
  readonly unclearCount: number;
  /** Values of what is brought again that gave way to one of which nobody can tell whether it is later. */
  readonly leftCount: number;
}

/** Rows of a shape that are not refused, by series and time: those of one time in their order. */
type RowsByTime = Map<bigint, { readonly shape: number; readonly row: number }[]>;

export function withoutOlder(
  batch: PointBatch,
  rejects: Uint8Array,
  { recent, parts, struck, spared }: LateContext,
): LateVerdict {
  const { stamp } = batch;
  const strikes = strikesOn(batch, struck);
  const isForgotten = stamp < recent.forgotten;
  const stays = ({ stamps }: StampedPart): boolean => spared === undefined || stamps.least >= spared.stamp; // prettier-ignore
  const doubtful = isForgotten ? parts.filter((part) => part.stamps.greatest > stamp && part.bounds !== undefined && overlaps(part.bounds, batch) && stays(part)) : []; // prettier-ignore
  // Of bodies that overtook each other most have other times.
  let work: LateBatch | undefined;
  const late = (): LateBatch => (work ??= new LateBatch(batch, rejects));
  if (spared !== undefined) late().loseOthers(spared);
  for (const one of strikes) late().strike(one);
  for (const one of recent.over(batch)) {
    late().loseTo(one);
    if (late().isLost) break;
  }
  let count = 0;
  for (const part of doubtful) if (!late().isLost) count += late().compare(part);
  const [unclearCount, leftCount] = isBrought(stamp) ? [0, count] : [count, 0];
  return { batch: work === undefined ? batch : late().finish(), unclearCount, leftCount };
}

/** What later deletes leave of a batch of which nothing is refused; undefined where that is nothing. */
export function withoutStruck(
  batch: PointBatch,
  struck: Iterable<StruckPoints>,
): PointBatch | undefined {
  const strikes = strikesOn(batch, struck);
  if (strikes.length === 0) return batch;
  const late = new LateBatch(batch, noRejects);
  for (const one of strikes) late.strike(one);
  return late.finish();
}

/** Of the deletes of times within the bounds the stamp of the latest; `noStamp` where there is none. */
export function latestStrike(struck: readonly StruckPoints[], bounds: TimeBounds): Stamp {
  return latestOf([noStamp, ...struck.filter((one) => overlaps(one, bounds)).map(({ stamp }) => stamp)]); // prettier-ignore
}

function strikesOn(batch: PointBatch, struck: Iterable<StruckPoints>): readonly StruckPoints[] {
  return [...struck].filter((one) => one.stamp > batch.stamp && overlaps(one, batch));
}

/** Whether a delete strikes a row of a batch, whichever was first. */
export function hasStruck(batch: PointBatch, struck: StruckPoints): boolean {
  if (!overlaps(batch, struck)) return false;
  const { series, shapes } = batch;
  return shapes.some(({ measurement, series: numbers, timesNs }) => {
    const known = new Map<number, boolean>();
    const isMeant = (number: number): boolean => {
      const found = known.get(number) ?? struck.strikes(keyBytes(series, number), measurement);
      known.set(number, found);
      return found;
    };
    return timesNs.some(
      (timeNs, row) =>
        timeNs >= struck.minTimeNs && timeNs <= struck.maxTimeNs && isMeant(numbers[row] ?? 0),
    );
  });
}

function overlaps(one: TimeBounds, other: TimeBounds): boolean {
  return one.minTimeNs <= other.maxTimeNs && one.maxTimeNs >= other.minTimeNs;
}

class LateBatch {
  readonly #batch: PointBatch;
  readonly #rejects: Uint8Array;
  /** By series. */
  readonly #rows: (RowsByTime | undefined)[] = [];
  readonly #numbers = new Map<string, number>();
  /** Of each shape, by row: the columns that a later write has. */
  readonly #lost: readonly Map<number, Set<number>>[];
  #valueCount = 0;
  #lostCount = 0;

  constructor(batch: PointBatch, rejects: Uint8Array) {
    this.#batch = batch;
    this.#rejects = rejects;
    this.#lost = batch.shapes.map(() => new Map<number, Set<number>>());
    for (const [shape, { fields, ordinals, series, timesNs }] of batch.shapes.entries())
      for (const [row, ordinal] of ordinals.entries()) {
        if (isRefused(rejects, ordinal)) continue;
        this.#valueCount += fields.length;
        const rows = (this.#rows[series[row] ?? 0] ??= new Map() as RowsByTime);
        const timeNs = timesNs[row] ?? 0n;
        const same = rows.get(timeNs);
        if (same === undefined) rows.set(timeNs, [{ shape, row }]);
        else same.push({ shape, row });
      }
    for (const number of this.#rows.keys())
      this.#numbers.set(keyText(batch.series, number), number);
  }

  /** Nothing of it counts. */
  get isLost(): boolean {
    return this.#lostCount === this.#valueCount;
  }

  strike(struck: StruckPoints): void {
    this.#loseRows(struck, true);
  }

  /** All but what a delete means. */
  loseOthers(meant: StruckPoints): void {
    this.#loseRows(meant, false);
  }

  /** Those that a delete means, or those that it does not. */
  #loseRows(struck: StruckPoints, isMeantLost: boolean): void {
    this.#rows.forEach((rows, number) => {
      if (rows === undefined) return;
      const key = keyBytes(this.#batch.series, number);
      const [[first] = []] = rows.values();
      if (first === undefined) return;
      const isOfSeries = struck.strikes(key, this.#shape(first.shape).measurement);
      for (const [timeNs, same] of rows) {
        const isMeant = isOfSeries && timeNs >= struck.minTimeNs && timeNs <= struck.maxTimeNs;
        if (isMeant !== isMeantLost) continue;
        for (const { shape, row } of same)
          this.#shape(shape).fields.forEach((_, column) => {
            this.#lose(shape, row, column);
          });
      }
    });
  }

  loseTo({ payload, rejects }: RecentBatch): void {
    const newer = decodePointBatch(payload);
    const numbers = shared(newer.series, this.#numbers);
    if (numbers === undefined) return;
    for (const { fields, ordinals, series, timesNs } of newer.shapes)
      for (const [row, number] of series.entries()) {
        const rows = this.#rows[numbers[number] ?? -1];
        const same = rows?.get(timesNs[row] ?? 0n);
        if (same === undefined || isRefused(rejects, ordinals[row] ?? 0)) continue;
        for (const { name } of fields) this.#loseField(same, name);
      }
  }

  /** How many values are unclear: they stay, or are lost where the batch is brought again. */
  compare(part: StampedPart): number {
    const { bounds, stamps } = part;
    const { stamp } = this.#batch;
    if (bounds === undefined || !overlaps(bounds, this.#batch)) return 0;
    let unclearCount = 0;
    this.#rows.forEach((rows, number) => {
      if (rows === undefined) return;
      for (const [field, measurement] of this.#fieldsOf(rows))
        for (const timeNs of this.#heldTimes(part, { number, measurement, field }, rows)) {
          const same = rows.get(timeNs) ?? [];
          const isUnclear = stamps.least <= stamp && this.#has(same, field);
          if (isUnclear) unclearCount++;
          if (stamps.least > stamp || isBrought(stamp)) this.#loseField(same, field);
        }
    });
    return unclearCount;
  }

  finish(): PointBatch | undefined {
    if (this.#lostCount === 0) return this.#batch;
    const shapes = this.#batch.shapes.flatMap((shape, number) => this.#kept(shape, number));
    if (shapes.length === 0) return undefined;
    // Sequences of the memtable go by the ordinals: there are as many as before.
    return withShapes(this.#batch, shapes);
  }

  /** Rows that lost the same columns stay a shape. */
  #kept(shape: BatchShape, number: number): readonly BatchShape[] {
    const lost = must(this.#lost[number], 'a list for each shape');
    const groups = new Map<string, { readonly columns: readonly number[]; readonly rows: number[] }>(); // prettier-ignore
    for (const [row, ordinal] of shape.ordinals.entries()) {
      if (isRefused(this.#rejects, ordinal)) continue;
      const gone = lost.get(row);
      const columns = [...shape.fields.keys()].filter((column) => gone?.has(column) !== true);
      if (columns.length === 0) continue;
      const name = gone === undefined ? '' : columns.join();
      const group = groups.get(name);
      if (group === undefined) groups.set(name, { columns, rows: [row] });
      else group.rows.push(row);
    }
    return [...groups.values()].map(({ columns, rows }) => pickRows(shape, rows, columns));
  }

  #fieldsOf(rows: RowsByTime): ReadonlyMap<string, string> {
    const fields = new Map<string, string>();
    for (const same of rows.values())
      for (const { shape } of same)
        for (const { name } of this.#shape(shape).fields)
          fields.set(name, this.#shape(shape).measurement);
    return fields;
  }

  /** Times that the batch has rows of. */
  *#heldTimes(
    part: StampedPart,
    { number, measurement, field }: { readonly number: number; readonly measurement: string; readonly field: string }, // prettier-ignore
    rows: RowsByTime,
  ): Generator<bigint> {
    const { minTimeNs, maxTimeNs, series } = this.#batch;
    const key = keyBytes(series, number);
    for (const run of part.times({ key, measurement, field }, { minTimeNs, maxTimeNs }))
      for (const timeNs of run) if (rows.has(timeNs)) yield timeNs;
  }

  #loseField(
    same: readonly { readonly shape: number; readonly row: number }[],
    field: string,
  ): void {
    for (const { shape, row } of same) {
      const column = this.#columnOf(shape, field);
      if (column >= 0) this.#lose(shape, row, column);
    }
  }

  #has(same: readonly { readonly shape: number; readonly row: number }[], field: string): boolean {
    return same.some(({ shape, row }) => {
      const column = this.#columnOf(shape, field);
      return column >= 0 && this.#lost[shape]?.get(row)?.has(column) !== true;
    });
  }

  #columnOf(shape: number, field: string): number {
    return this.#shape(shape).fields.findIndex(({ name }) => name === field);
  }

  #lose(shape: number, row: number, column: number): void {
    const lost = must(this.#lost[shape], 'a list for each shape');
    const columns = lost.get(row) ?? new Set();
    if (columns.has(column)) return;
    lost.set(row, columns.add(column));
    this.#lostCount++;
  }

  #shape(number: number): BatchShape {
    return must(this.#batch.shapes[number], 'the shape is there');
  }
}

/** By number in `series`: the number by which `numbers` knows the key. Undefined when they share none. */
function shared(
  series: TextColumn,
  numbers: ReadonlyMap<string, number>,
): readonly number[] | undefined {
  let sharedCount = 0;
  const found = Array.from({ length: series.offsets.length - 1 }, (_, i) => {
    const number = numbers.get(keyText(series, i)) ?? -1;
    if (number >= 0) sharedCount++;
    return number;
  });
  return sharedCount === 0 ? undefined : found;
}

function keyBytes({ offsets, bytes }: TextColumn, number: number): Uint8Array {
  return bytes.subarray(offsets[number], offsets[number + 1]);
}

/** Only to compare keys: a character for each byte. */
function keyText(series: TextColumn, number: number): string {
  const { buffer, byteOffset, length } = keyBytes(series, number);
  return Buffer.from(buffer, byteOffset, length).toString('latin1');
}
