import { compareUtf8 } from './compare-utf8.ts';

/** Texts of a run are sorted at once, which takes a millisecond or two. */
const runTextsMax = 8_192;
const surrogateMin = 0xd800;

type CompareTexts = (left: string, right: string) => number;

/**
 * Sorts by UTF-8 bytes, or in the order that is given, in slices: what it yields is a place to rest at, what it returns the
 * sorted texts. Equal texts stay as many as they are.
 */
export function* sortTexts(
  texts: readonly string[],
  compare: CompareTexts = compareUtf8,
): Generator<undefined, readonly string[]> {
  if (yield* areInOrder(texts, compare)) return texts;
  const options = { compare, isTwiceKept: true };
  let runs: (readonly string[])[] = [];
  for (let start = 0; start < texts.length; start += runTextsMax) {
    runs.push(sortedRun(texts.slice(start, start + runTextsMax), compare));
    yield undefined;
  }
  while (runs.length > 1) {
    const merged: (readonly string[])[] = [];
    for (let i = 0; i < runs.length; i += 2)
      merged.push(yield* mergeRuns(runs[i] ?? [], runs[i + 1] ?? [], options));
    runs = merged;
  }
  return runs[0] ?? [];
}

/** What an index lists most often is. */
function* areInOrder(
  texts: readonly string[],
  compare: CompareTexts,
): Generator<undefined, boolean> {
  for (let i = 1; i < texts.length; i++) {
    if (compare(texts[i - 1] ?? '', texts[i] ?? '') > 0) return false;
    if (i % runTextsMax === 0) yield undefined;
  }
  return true;
}

/** JavaScript's own order, which needs no call per comparison, is that of the bytes below the surrogates. */
function sortedRun(run: string[], compare: CompareTexts): string[] {
  return compare === compareUtf8 && run.every(isBelowSurrogates) ? run.sort() : run.sort(compare);
}

function isBelowSurrogates(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) >= surrogateMin) return false;
  return true;
}

/** Two sorted lists, each without equal texts, as one of that kind: a set of a million texts takes longer than their sorting. */
export function uniteTexts(
  left: readonly string[],
  right: readonly string[],
): Generator<undefined, readonly string[]> {
  return mergeRuns(left, right, { compare: compareUtf8, isTwiceKept: false });
}

function* mergeRuns(
  left: readonly string[],
  right: readonly string[],
  { compare, isTwiceKept }: { readonly compare: CompareTexts; readonly isTwiceKept: boolean },
): Generator<undefined, readonly string[]> {
  const last = left[left.length - 1];
  const [first] = right;
  if (first === undefined) return left;
  // Lists of an index come in order, or nearly.
  if (last === undefined || compare(last, first) < 0) return left.length === 0 ? right : left.concat(right); // prettier-ignore
  const merged: string[] = [];
  let [l, r] = [0, 0];
  for (let step = 1; l < left.length && r < right.length; step++) {
    const [a, b] = [left[l] ?? '', right[r] ?? ''];
    const order = compare(a, b);
    merged.push(order <= 0 ? a : b);
    if (order <= 0) l++;
    if (order > 0 || (order === 0 && !isTwiceKept)) r++;
    if (step % runTextsMax === 0) yield undefined;
  }
  for (; l < left.length; l++) merged.push(left[l] ?? '');
  for (; r < right.length; r++) merged.push(right[r] ?? '');
  return merged;
}
