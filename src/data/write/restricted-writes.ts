import { quoteGo } from '../../base/go-format.ts';
import { exactTextOf } from '../../base/exact-text.ts';
import { DbError } from '../../base/errors.ts';
import type { Clock } from '../../env/clock.ts';
import { decodePointBatch } from '../../models/point-batch.ts';
import { isAllowed, type SeriesRules } from '../access/series-rules.ts';
import type { RoutedLines } from '../engine/lines/route-lines.ts';

/** Rules that are held against series before others may run: some milliseconds. */
const sliceRules = 1 << 14;

/**
 * Before any of a body is written: whoever writes may write all of its series (spec F96). Throws `forbidden` with the first that they may
 * not.
 */
export async function mustWriteAll(
  batches: RoutedLines['batches'],
  { database, rules }: { readonly database: string; readonly rules: SeriesRules },
  clock: Clock,
): Promise<void> {
  const ruleCount = rules.restrictions.length + rules.grants.length;
  let lookedAt = 0;
  for (const { payload } of batches) {
    const { offsets, bytes } = decodePointBatch(payload).series;
    for (let i = 0; i + 1 < offsets.length; i++) {
      const key = exactTextOf(bytes.subarray(offsets[i], offsets[i + 1]));
      if (!isAllowed(rules, key))
        throw new DbError('forbidden', `not authorized to write to ${quoteGo(key)} of database ${quoteGo(database)}: it is restricted`); // prettier-ignore
      lookedAt += ruleCount;
      if (lookedAt < sliceRules) continue;
      lookedAt = 0;
      await clock.sleep(0);
    }
  }
}
