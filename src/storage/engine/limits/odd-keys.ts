/**
 * `validate-keys`: rows of series whose measurement, tag keys or tag values have bytes that are no UTF-8, or characters that
 * cannot be printed, are refused before they are in the log, with the reference's text (tsdb 1.12.4).
 */
import { quoteGo } from '../../../base/go-format.ts';
import { exactTextOf } from '../../../base/exact-text.ts';
import type { PointBatch, TextColumn } from '../../../models/point-batch.ts';
import type { RowVerdict } from './row-verdict.ts';

/** Not Go's unicode.IsPrint, or U+FFFD. A run of bytes that are no UTF-8 (exact-text.ts), or of U+FFFD, counts as one. */
const oddPattern = /[\udc80-\udcff]+|\ufffd+|[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/u;
const oddRuns = new RegExp(`(?:${oddPattern.source})+`, 'gu');
const oneOdd = new RegExp(oddPattern, 'gu');

/** As many odd characters behind each other are shown as `?`. */
const shownOddMax = 3;

/** What to say of the first row that is refused; undefined where none is. The reference says what limits refuse before it. */
export function refuseOddKeys(batch: PointBatch, verdict: RowVerdict): string | undefined {
  const odd = oddSeries(batch.series);
  if (odd.size === 0) return undefined;
  let [first, firstKey] = [Infinity, ''];
  for (const { rows } of batch.sets) {
    const { ordinals, series } = rows;
    ordinals.forEach((ordinal, row) => {
      const key = odd.get(series[row] ?? 0);
      if (key === undefined || verdict.isRefused(ordinal)) return;
      verdict.refuse(ordinal);
      if (ordinal < first) [first, firstKey] = [ordinal, key];
    });
  }
  return first < Infinity ? `key contains invalid unicode: ${quoteGo(printable(firstKey))}` : undefined; // prettier-ignore
}

/** Keys by their number in the batch. */
function oddSeries({ offsets, bytes }: TextColumn): ReadonlyMap<number, string> {
  const odd = new Map<number, string>();
  for (let i = 0; i + 1 < offsets.length; i++) {
    const [start, end] = [offsets[i] ?? 0, offsets[i + 1] ?? 0];
    if (isPlain(bytes, start, end)) continue;
    const key = exactTextOf(bytes.subarray(start, end));
    if (oddPattern.test(key)) odd.set(i, key);
  }
  return odd;
}

/** Printable ASCII, as nearly all keys are. Their backslashes of escaping are, too. */
function isPlain(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    const byte = bytes[at] ?? 0;
    if (byte < 0x20 || byte > 0x7e) return false;
  }
  return true;
}

function printable(key: string): string {
  return key.replaceAll(oddRuns, (run) =>
    '?'.repeat(Math.min(run.match(oneOdd)?.length ?? 0, shownOddMax)),
  );
}
