import type { ColumnType } from '../column.ts';
import type { Value } from '../predicate.ts';

/** What stands in windows without points (spec 6.3). */
export type Fill =
  | { readonly kind: 'null' | 'none' | 'previous' | 'linear' }
  | { readonly kind: 'number'; readonly value: number };

/**
 * Fills the nulls of a column whose rows ascend by equal steps. `previous` and `linear` look no further than the rows at
 * hand; `previous` follows the order of the output, so descending it takes the value of the later window.
 */
export function fillColumn(
  values: readonly (Value | null)[],
  type: ColumnType,
  fill: Fill,
  ascending: boolean,
): readonly (Value | null)[] {
  switch (fill.kind) {
    case 'null':
    case 'none':
      return values;
    case 'number': {
      const value = numberOf(fill.value, type);
      return values.map((one) => one ?? value);
    }
    case 'previous':
      return ascending ? carry(values) : [...carry([...values].reverse())].reverse();
    case 'linear':
      return interpolate(values, type);
  }
}

function numberOf(value: number, type: ColumnType): Value | null {
  if (type === 'float') return value;
  if (type !== 'integer' && type !== 'unsigned') return null;
  return BigInt.asIntN(64, BigInt(Math.trunc(value)));
}

function carry(values: readonly (Value | null)[]): readonly (Value | null)[] {
  let previous: Value | null = null;
  return values.map((value) => (previous = value ?? previous));
}

/** Straight lines between known values; integers truncate, edges stay null. */
function interpolate(
  values: readonly (Value | null)[],
  type: ColumnType,
): readonly (Value | null)[] {
  const filled = [...values];
  let known = -1;
  for (let i = 0; i < filled.length; i++) {
    const value = filled[i] ?? null;
    if (value === null) continue;
    const from = known < 0 ? null : (filled[known] ?? null);
    for (let k = known + 1; k < i && from !== null; k++) {
      const slope = (Number(value) - Number(from)) / (i - known);
      filled[k] = numberOf(slope * (k - known) + Number(from), type);
    }
    known = i;
  }
  return filled;
}
