/**
 * Whether nothing is left of a key once these ranges of it are deleted. One range has to cover all of its times; several may leave
 * times between them that have no points, which only its blocks tell: they are looked at when its first and its last point are
 * deleted, and until one is found that is not.
 */
import { decodeBlock } from '../../codec/block.ts';
import { isDbError } from '../../base/errors.ts';
import { covers, keptSpans } from './deleted-ranges.ts';
import type { TimeRange } from './tombstones.ts';
import type { TsmColumn, TsmEntry } from './tsm-column.ts';

/** `ranges` ascend and are apart from each other; `block` reads one, and throws `corrupt`. */
export function isEmptied(
  column: TsmColumn,
  ranges: readonly TimeRange[],
  block: (entry: TsmEntry) => Uint8Array,
): boolean {
  const { bounds } = column;
  if (covers(ranges, bounds)) return true;
  const { minTimeNs: first, maxTimeNs: last } = bounds;
  const isEnd = (timeNs: bigint): boolean =>
    covers(ranges, { minTimeNs: timeNs, maxTimeNs: timeNs });
  if (ranges.length === 1 || !isEnd(first) || !isEnd(last)) return false;
  return column.entries().every((entry) => covers(ranges, entry) || isBlockEmptied(block, entry, ranges)); // prettier-ignore
}

/** One that is damaged is not: whoever reads it is told. */
function isBlockEmptied(
  block: (entry: TsmEntry) => Uint8Array,
  entry: TsmEntry,
  ranges: readonly TimeRange[],
): boolean {
  try {
    const { timesNs } = decodeBlock(block(entry));
    return keptSpans(timesNs.length, (row) => timesNs[row] ?? 0n, ranges).length === 0;
  } catch (error) {
    if (!isDbError(error, 'corrupt')) throw error;
    return false;
  }
}
