import { canonicalText, type Json } from './exact-json.ts';
import { valueDifference, type Tolerance } from './compare-values.ts';

export type Row = readonly Json[];

/**
 * Where two lists of rows differ first, or undefined. Rows that agree in their key (those of equal time) may stand in any
 * order among themselves: what the recorded server gives follows from its heap, and it promises nothing.
 */
export function rowsDifference(
  ours: readonly Row[],
  theirs: readonly Row[],
  options: Tolerance & { readonly keyOf: (row: Row) => string },
): string | undefined {
  if (ours.length !== theirs.length) return ` ${ours.length} rows not ${theirs.length}`;
  for (let start = 0; start < theirs.length;) {
    const key = options.keyOf(theirs[start]!);
    let end = start + 1;
    while (end < theirs.length && options.keyOf(theirs[end]!) === key) end++;
    const difference = tiesDifference(ours.slice(start, end), theirs.slice(start, end), options);
    if (difference !== undefined) return ` row ${start}${difference}`;
    start = end;
  }
  return undefined;
}

/** Equal as sets, each row used once. */
export function tiesDifference(
  ours: readonly Row[],
  theirs: readonly Row[],
  tolerance: Tolerance,
): string | undefined {
  const left = new Map<string, Row[]>();
  for (const row of theirs) {
    const text = canonicalText(row);
    const same = left.get(text);
    if (same === undefined) left.set(text, [row]);
    else same.push(row);
  }
  const unmatched = ours.filter((row) => left.get(canonicalText(row))?.pop() === undefined);
  const rest = [...left.values()].flat();
  for (const row of unmatched) {
    const at = rest.findIndex((one) => valueDifference(row, one, tolerance) === undefined);
    if (at < 0) return rest[0] === undefined ? '' : valueDifference(row, rest[0], tolerance);
    rest.splice(at, 1);
  }
  return undefined;
}
