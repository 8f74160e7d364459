/**
 * What each of two owners lacks of points that both were asked for: both give them in one order, so that they are compared
 * as they come, and nothing of them is kept.
 *
 * A point that one has and the other has not is lacking there. Of two values of one point the one counts whose stamps are
 * later; where stamps do not tell, that of the first owner: all owners must come to the same.
 */
import type { FieldValue } from '../../models/field-value.ts';
import { latestOf, noStamp, type Stamp, type StampRange } from '../../models/stamp.ts';
import { valuesOf, type FoundValue } from '../engine/digests/batch-values.ts';
import type { RangePoints } from '../engine/digests/range-points.ts';

export interface LackingValue extends FoundValue {
  readonly side: 'own' | 'other';
  /**
   * Where the other has none: the earliest that the write of it may have, so that a delete that is still on its way is later than
   * it, if it was later than the write. Where it is to count more than another value: the latest that either may have.
   */
  readonly stamp: Stamp;
  /** The owner that lacks it has another value of the point. */
  readonly isConflict: boolean;
}

/** `keys` in the order in which both were asked. */
export async function* lackingValues(
  keys: readonly string[],
  own: AsyncIterable<RangePoints>,
  other: AsyncIterable<RangePoints>,
): AsyncGenerator<LackingValue> {
  const places = new Map(keys.map((key, place) => [key, place]));
  const [left, right] = [new Side(own), new Side(other)];
  try {
    for (;;) {
      const [a, b] = [await left.peek(), await right.peek()];
      if (a === undefined && b === undefined) return;
      const order = a === undefined ? 1 : b === undefined ? -1 : compareOf(a, b, places);
      if (order <= 0) left.take();
      if (order >= 0) right.take();
      if (order < 0 && a !== undefined) yield lackingAt('other', a, left.stamps);
      if (order > 0 && b !== undefined) yield lackingAt('own', b, right.stamps);
      if (order !== 0 || a === undefined || b === undefined) continue;
      yield* conflictOf({ value: a, stamps: left.stamps }, { value: b, stamps: right.stamps });
    }
  } finally {
    await left.close();
    await right.close();
  }
}

/** What one side lacks and the other has, with the stamps of all that it has of that time. */
export function lackingAt(
  side: 'own' | 'other',
  value: FoundValue,
  stamps: StampRange | undefined,
): LackingValue {
  return { ...value, side, stamp: stamps?.least ?? noStamp, isConflict: false };
}

interface StampedValue {
  readonly value: FoundValue;
  readonly stamps: StampRange | undefined;
}

/** Of two values of one point that which is to be written over the other; nothing where they are the same. */
export function* conflictOf(own: StampedValue, other: StampedValue): Generator<LackingValue> {
  if (isSame(own.value.value, other.value.value)) return;
  const stamp = latestOf([own.stamps?.greatest ?? noStamp, other.stamps?.greatest ?? noStamp]);
  if (isLater(other.stamps, own.stamps))
    yield { ...other.value, side: 'own', stamp, isConflict: true }; // prettier-ignore
  else yield { ...own.value, side: 'other', stamp, isConflict: true };
}

class Side {
  readonly #batches: AsyncIterator<RangePoints>;
  #rows: Iterator<FoundValue> | undefined;
  #next: FoundValue | undefined;
  stamps: StampRange | undefined;

  constructor(batches: AsyncIterable<RangePoints>) {
    this.#batches = batches[Symbol.asyncIterator]();
  }

  async peek(): Promise<FoundValue | undefined> {
    while (this.#next === undefined) {
      const row = this.#rows?.next();
      if (row !== undefined && row.done !== true) this.#next = row.value;
      else {
        const batch = await this.#batches.next();
        if (batch.done === true) return undefined;
        this.stamps = batch.value.stamps;
        this.#rows = valuesOf(batch.value.payload);
      }
    }
    return this.#next;
  }

  take(): void {
    this.#next = undefined;
  }

  async close(): Promise<void> {
    await this.#batches.return?.();
  }
}

function compareOf(a: FoundValue, b: FoundValue, places: ReadonlyMap<string, number>): number {
  if (a.key !== b.key) return (places.get(a.key) ?? 0) - (places.get(b.key) ?? 0);
  if (a.field !== b.field) return a.field < b.field ? -1 : 1;
  return a.timeNs < b.timeNs ? -1 : a.timeNs > b.timeNs ? 1 : 0;
}

export function isSame(a: FieldValue, b: FieldValue): boolean {
  return a.type === b.type && Object.is(a.value, b.value);
}

function isLater(one: StampRange | undefined, than: StampRange | undefined): boolean {
  return one !== undefined && than !== undefined && one.least > than.greatest;
}
