import { compareUtf8 } from '../../base/compare-utf8.ts';
import type { ScanPart, ScanPlan } from '../plan/level-plan.ts';
import type { RunContext, ScanShape } from './run-context.ts';

/**
 * SLIMIT and SOFFSET (spec 6.3): the tag sets of a measurement that are on the page, as lists of values with the outermost
 * tags first; undefined where the statement has neither. They are counted over all series that pass WHERE as far as their
 * tags tell, with points in range or without, in the reference's order of tag sets: by the tags that are there, then by
 * their values. An offset without a limit leaves nothing, as in the reference.
 */
export async function seriesPage(
  { seriesLimit, seriesOffset }: Pick<ScanPlan, 'seriesLimit' | 'seriesOffset'>,
  parts: readonly ScanPart[],
  { outerTags, innerTags }: Pick<ScanShape, 'outerTags' | 'innerTags'>,
  context: RunContext,
): Promise<ReadonlySet<string> | undefined> {
  if (seriesLimit === 0 && seriesOffset === 0) return undefined;
  if (seriesLimit === 0) return new Set();
  const keys = [...outerTags, ...innerTags];
  const sorted = [...keys].sort(compareUtf8);
  const sets = new Map<string, string>();
  for (const part of parts)
    for (const tags of await context.seriesTags(part)) {
      const present = sorted.flatMap((name) => {
        const value = tags.get(name);
        return value ? [{ name, value }] : [];
      });
      const order = [...present.map(({ name }) => name), ...present.map(({ value }) => value)];
      sets.set(order.join('|'), JSON.stringify(keys.map((name) => tags.get(name) ?? '')));
    }
  const ordered = [...sets].sort(([a], [b]) => compareUtf8(a, b));
  const page = ordered.slice(seriesOffset, seriesOffset + seriesLimit);
  return new Set(page.map(([, values]) => values));
}
