/**
 * What each of two owners lacks of points that both were asked for: both give them in one order, so that they are compared
 * as they come, and nothing of them is kept.
 *
 * A point that one has and the other has not is lacking there. Of two values of one point the one counts whose stamps are
 * later; where stamps do not tell, that of the first owner: all owners must come to the same.
 */
import { exactTextOf } from '../../models/exact-text.ts';
import { FieldType, type FieldValue } from '../../models/field-value.ts';
import { rowsInOrder } from '../../models/batch-rows.ts';
import { decodePointBatch, type BatchColumn } from '../../models/point-batch.ts';
import { noStamp, type Stamp, type StampRange } from '../../models/stamp.ts';
import type { RangePoints } from '../engine/digests/digest-streams.ts';

/** One value of a field. */
export interface FoundValue {
  readonly key: string;
  readonly measurement: string;
  readonly field: string;
  readonly timeNs: bigint;
  readonly value: FieldValue;
}

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
      if (order < 0 && a !== undefined)
        yield { ...a, side: 'other', stamp: left.leastStamp, isConflict: false };
      if (order > 0 && b !== undefined)
        yield { ...b, side: 'own', stamp: right.leastStamp, isConflict: false };
      if (order !== 0 || a === undefined || b === undefined || isSame(a.value, b.value)) continue;
      const [mine, theirs] = [left.greatestStamp, right.greatestStamp];
      const stamp = mine > theirs ? mine : theirs;
      if (isLater(right.stamps, left.stamps)) yield { ...b, side: 'own', stamp, isConflict: true };
      else yield { ...a, side: 'other', stamp, isConflict: true };
    }
  } finally {
    await left.close();
    await right.close();
  }
}

class Side {
  readonly #batches: AsyncIterator<RangePoints>;
  #rows: Iterator<FoundValue> | undefined;
  #next: FoundValue | undefined;
  stamps: StampRange | undefined;

  constructor(batches: AsyncIterable<RangePoints>) {
    this.#batches = batches[Symbol.asyncIterator]();
  }

  get leastStamp(): Stamp {
    return this.stamps?.least ?? noStamp;
  }

  get greatestStamp(): Stamp {
    return this.stamps?.greatest ?? noStamp;
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

export function* valuesOf(payload: Uint8Array): Generator<FoundValue> {
  const batch = decodePointBatch(payload);
  const { offsets, bytes } = batch.series;
  const keys = Array.from({ length: offsets.length - 1 }, (_, i) => exactTextOf(bytes.subarray(offsets[i], offsets[i + 1]))); // prettier-ignore
  for (const { shape, row } of rowsInOrder(batch))
    for (const [i, { name: field, type }] of shape.fields.entries()) {
      const column = shape.columns[i];
      if (column === undefined) continue;
      const key = keys[shape.series[row] ?? 0] ?? '';
      const timeNs = shape.timesNs[row] ?? 0n;
      yield {
        key,
        measurement: shape.measurement,
        field,
        timeNs,
        value: valueAt(type, column, row),
      };
    }
}

function valueAt(type: FieldType, column: BatchColumn, row: number): FieldValue {
  if ('offsets' in column) {
    const { offsets, bytes } = column;
    return { type: 'string', value: exactTextOf(bytes.subarray(offsets[row], offsets[row + 1])) };
  }
  const value = column[row] ?? 0;
  switch (type) {
    case FieldType.float:
      return { type: 'float', value: Number(value) };
    case FieldType.integer:
      return { type: 'integer', value: BigInt(value) };
    case FieldType.unsigned:
      return { type: 'unsigned', value: BigInt(value) };
    case FieldType.boolean:
      return { type: 'boolean', value: value !== 0 };
    case FieldType.string:
      return { type: 'string', value: '' };
  }
}

function compareOf(a: FoundValue, b: FoundValue, places: ReadonlyMap<string, number>): number {
  if (a.key !== b.key) return (places.get(a.key) ?? 0) - (places.get(b.key) ?? 0);
  if (a.field !== b.field) return a.field < b.field ? -1 : 1;
  return a.timeNs < b.timeNs ? -1 : a.timeNs > b.timeNs ? 1 : 0;
}

function isSame(a: FieldValue, b: FieldValue): boolean {
  return a.type === b.type && Object.is(a.value, b.value);
}

function isLater(one: StampRange | undefined, than: StampRange | undefined): boolean {
  return one !== undefined && than !== undefined && one.least > than.greatest;
}
