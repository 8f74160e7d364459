/**
 * Which parts of two digests differ, and how: where one lacks much of a part, its series are looked at one by one; where it lacks a
 * little of many parts, sketches of these find single values.
 */
import { seriesParts, timeParts } from '../../models/digest-grid.ts';
import { sumWords } from '../engine/digests/hash-values.ts';
import type { DigestParts } from '../engine/digests/read-parts.ts';

/** Parts that are looked at together: each look goes through the keys of all series. */
export interface DifferingParts extends DigestParts {
  readonly kind: 'dense' | 'scattered';
  /** On the side that has more. */
  readonly valueCount: number;
  /** An estimate; exact where only one of the two lacks values. */
  readonly differenceCount: number;
}

/** No more series than values are held at once, and so many of these. */
const valuesTogether = 1_000_000;
/** Of one sketch: hashes of 32 bits, of which no two may be the same. */
const scatteredMax = 8_192;
/** Below it the sums of a part's series are more than a sketch of its values, and the points of their slices far more. */
const valuesPerDifference = 8;
/** Where less of the differences than this goes one way, they are taken to go the other way all. */
const mixedShare = 0.05;

interface Part {
  readonly seriesPart: number;
  readonly timePart: number;
  readonly valueCount: number;
  /** What the first of the two has more; 0 where other values are as many. */
  readonly surplus: number;
}

/** An absent digest is that of a shard without points. */
export function differingParts(
  own: Uint32Array | undefined,
  other: Uint32Array | undefined,
): readonly DifferingParts[] {
  const parts = partsOf(own, other);
  const estimate = estimateOf(parts);
  const groups = rowsOf(parts).flatMap((row) => {
    const whole = groupOf(row, estimate);
    if (whole.kind === 'scattered' && whole.differenceCount > scatteredMax)
      return row.map((part) => groupOf([part], estimate));
    return [whole];
  });
  return joined(groups.map((one) => one.differenceCount > scatteredMax ? { ...one, kind: 'dense' } : one)); // prettier-ignore
}

function partsOf(own: Uint32Array | undefined, other: Uint32Array | undefined): readonly Part[] {
  const parts: Part[] = [];
  for (let part = 0; part < seriesParts * timeParts; part++) {
    const at = part * sumWords;
    if ([0, 1, 2].every((word) => (own?.[at + word] ?? 0) === (other?.[at + word] ?? 0))) continue;
    const [mine, theirs] = [own?.[at] ?? 0, other?.[at] ?? 0];
    parts.push({
      seriesPart: Math.floor(part / timeParts),
      timePart: part % timeParts,
      valueCount: Math.max(mine, theirs),
      surplus: mine - theirs,
    });
  }
  return parts;
}

/** Those of the same series, which follow each other. */
function rowsOf(parts: readonly Part[]): readonly (readonly Part[])[] {
  const rows = new Map<number, Part[]>();
  for (const part of parts) {
    const row = rows.get(part.seriesPart) ?? [];
    rows.set(part.seriesPart, row);
    row.push(part);
  }
  return [...rows.values()];
}

type Estimate = (parts: readonly Part[]) => number;

/**
 * Differences that go both ways hide each other: the surplus of a part is then like the end of a random walk, whose square is, on
 * the average, as large as the walk is long.
 */
function estimateOf(all: readonly Part[]): Estimate {
  const atLeast: Estimate = (parts) => sumOf(parts.map(({ surplus }) => Math.abs(surplus) || 2));
  const more = sumOf(all.map(({ surplus }) => Math.max(0, surplus)));
  const less = sumOf(all.map(({ surplus }) => Math.max(0, -surplus)));
  if (Math.min(more, less) < mixedShare * Math.max(more, less)) return atLeast;
  return (parts) =>
    Math.max(atLeast(parts), sumOf(parts.map(({ surplus, valueCount }) => Math.min(surplus ** 2, valueCount)))); // prettier-ignore
}

function groupOf(parts: readonly Part[], estimate: Estimate): DifferingParts {
  const valueCount = sumOf(parts.map((part) => part.valueCount));
  const differenceCount = estimate(parts);
  return {
    kind: differenceCount * valuesPerDifference <= valueCount ? 'scattered' : 'dense',
    seriesParts: [parts[0]?.seriesPart ?? 0],
    timeMask: parts.reduce((mask, { timePart }) => mask | (1 << timePart), 0),
    valueCount,
    differenceCount,
  };
}

function joined(groups: readonly DifferingParts[]): readonly DifferingParts[] {
  const open: DifferingParts[] = [];
  for (const group of groups) {
    const at = open.findLastIndex(({ kind }) => kind === group.kind);
    const last = open[at];
    if (last === undefined || !mayJoin(last, group)) {
      open.push(group);
      continue;
    }
    open[at] = {
      kind: last.kind,
      seriesParts: [...new Set([...last.seriesParts, ...group.seriesParts])],
      timeMask: last.timeMask | group.timeMask,
      valueCount: last.valueCount + group.valueCount,
      differenceCount: last.differenceCount + group.differenceCount,
    };
  }
  return open;
}

function mayJoin(last: DifferingParts, next: DifferingParts): boolean {
  // Parts of time that only some of them differ in cost nothing in a sketch but that they are read.
  if (last.kind === 'scattered') return last.differenceCount + next.differenceCount <= scatteredMax;
  return last.timeMask === next.timeMask && last.valueCount + next.valueCount <= valuesTogether;
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
