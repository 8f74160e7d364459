/**
 * What each of two owners lacks of single values that were picked by their hashes: what the first one was asked for is held, what the
 * other one gives is looked up there. A point that both give has two values.
 */
import { MiB } from '../../base/units.ts';
import type { StampRange } from '../../models/stamp.ts';
import { valuesOf, type FoundValue } from '../engine/digests/batch-values.ts';
import type { HashFilter } from '../engine/digests/hash-filter.ts';
import type { RangePoints } from '../engine/digests/range-points.ts';
import { saltedHashOf } from '../engine/digests/sketch-parts.ts';
import { conflictOf, lackingAt, type LackingValue } from './merge-points.ts';

/** Of what is held: a sketch is made for some thousand values, and a text is 64 KiB at most. */
const heldBytesMax = 256 * MiB;

interface HeldValue {
  readonly value: FoundValue;
  readonly stamps: StampRange | undefined;
}

export type HeldValues = Map<string, HeldValue>;

/** Undefined where they are too many to be held. */
export async function heldValues(
  points: AsyncIterable<RangePoints>,
): Promise<HeldValues | undefined> {
  const held: HeldValues = new Map();
  let heldBytes = 0;
  for await (const { payload, stamps } of points) {
    heldBytes += payload.length;
    if (heldBytes > heldBytesMax) return undefined;
    for (const value of valuesOf(payload)) held.set(nameOf(value), { value, stamps });
  }
  return held;
}

/** `wanted`: the hashes that the other one was asked for, who may have given more. Takes what it finds out of `held`. */
export async function* lackingOfPicked(
  held: HeldValues,
  other: AsyncIterable<RangePoints>,
  { salt, wanted }: { readonly salt: number; readonly wanted: HashFilter },
): AsyncGenerator<LackingValue> {
  for await (const { payload, stamps } of other)
    for (const value of valuesOf(payload)) {
      if (!wanted.has(saltedHashOf(value, salt))) continue;
      const name = nameOf(value);
      const mine = held.get(name);
      held.delete(name);
      if (mine === undefined) yield lackingAt('own', value, stamps);
      else yield* conflictOf(mine, { value, stamps });
    }
  for (const { value, stamps } of held.values()) yield lackingAt('other', value, stamps);
}

function nameOf({ key, field, timeNs }: FoundValue): string {
  return `${timeNs} ${field.length} ${field}${key}`;
}
