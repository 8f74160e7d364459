/** Single values in which two owners differ, of parts that are equal but for few: by sketches of the hashes of all of them. */
import {
  cellCountFor,
  DifferenceSketch,
  readDifference,
  sketchBytesOf,
  type HashDifference,
} from '../engine/digests/difference-sketch.ts';
import type { SaltedTask, SketchTask } from '../engine/digests/sketch-parts.ts';
import type { DifferingParts } from './differing-parts.ts';
import type { RepairPeer } from './peer.ts';

/** Parts of the first table. That it leaves few differences unread is likelier than that it was made for too few by far. */
const tableSizes = [1, 0.25, 1, 4];

/**
 * Undefined where sketches do not tell: the owners differ in more than was estimated, one of them is written to meanwhile, or is of an
 * earlier release.
 */
export async function findScattered(
  [own, other]: readonly [RepairPeer, RepairPeer],
  { task, parts }: { readonly task: SaltedTask; readonly parts: DifferingParts },
  { signal, moved }: { readonly signal: AbortSignal; readonly moved: (bytes: number) => Promise<void> }, // prettier-ignore
): Promise<HashDifference | undefined> {
  const differences: DifferenceSketch[] = [];
  for (const [table, size] of tableSizes.entries()) {
    const cellCount = cellCountFor(parts.differenceCount * size);
    const request: SketchTask = { ...task, table, cellCount };
    const theirs = await other.sketch(request, signal);
    if (theirs === undefined) return undefined;
    await moved(sketchBytesOf(cellCount));
    const mine = await own.sketch(request, signal);
    const [left, right] = [mine, theirs].map((bytes = new Uint8Array(0)) => DifferenceSketch.of(bytes, table, cellCount)); // prettier-ignore
    if (left === undefined || right === undefined) return undefined;
    differences.push(left.minus(right));
    const found = readDifference(differences.map((one) => one.copy()));
    if (found !== undefined) return found;
  }
  return undefined;
}
