/**
 * Fragments over the same shards that are answered in one stream, one after the other: a SELECT over thousands of measurements has a
 * fragment for each, mostly alike but for the measurement. On their way to another thread or node what is alike is said once.
 */
import { isEqualData } from '../base/equal-data.ts';
import type { Fragment } from './fragment.ts';

/** Between the blocks of two fragments, and behind those of the last. */
export const fragmentEnd = 'end';

export interface AlikeFragments {
  readonly fragment: Fragment;
  /** Of all of them, in order; the fragment's own is the first. */
  readonly measurements: readonly string[];
}

export function packAlike(fragments: readonly Fragment[]): readonly AlikeFragments[] {
  const packed: { readonly fragment: Fragment; readonly measurements: string[] }[] = [];
  for (const fragment of fragments) {
    const last = packed[packed.length - 1];
    if (last !== undefined && areAlike(last.fragment, fragment))
      last.measurements.push(fragment.measurement);
    else packed.push({ fragment, measurements: [fragment.measurement] });
  }
  return packed;
}

export function unpackAlike({ fragment, measurements }: AlikeFragments): readonly Fragment[] {
  return measurements.map((measurement) =>
    measurement === fragment.measurement ? fragment : { ...fragment, measurement },
  );
}

function areAlike(
  { measurement: _one, ...one }: Fragment,
  { measurement: _other, ...other }: Fragment,
): boolean {
  return isEqualData(one, other);
}
