/**
 * Which segments of an index are merged next: pure. Neighbours of about one size become one, so that a series is written
 * again about as often as the logarithm of all, and there are few segments to look a key up in.
 */
export interface PlannedSegment {
  readonly lengthBytes: number;
  readonly goneCount: number;
}

/** Segments [from, to) become one. */
export interface SegmentPlan {
  readonly from: number;
  readonly to: number;
}

/** With so many neighbours of about one size they are merged. */
const segmentsMin = 4;
/** An older segment comes along when it is no larger than so many times what is newer. */
const sizeFactor = 2;

/** `segments` are all of a shard, oldest first. */
export function planSegmentMerge(
  segments: readonly PlannedSegment[],
  { isCold }: { readonly isCold: boolean },
): SegmentPlan | undefined {
  const to = segments.length;
  if (isCold) {
    const isWhole = to === 0 || (to === 1 && segments[0]?.goneCount === 0);
    return isWhole ? undefined : { from: 0, to };
  }
  let newerBytes = 0;
  let from = to;
  for (; from > 0; from--) {
    const { lengthBytes } = segments[from - 1] ?? { lengthBytes: 0 };
    if (newerBytes > 0 && lengthBytes > newerBytes * sizeFactor) break;
    newerBytes += lengthBytes;
  }
  return to - from >= segmentsMin ? { from, to } : undefined;
}
