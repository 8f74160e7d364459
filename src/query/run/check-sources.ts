import { DbError } from '../../base/errors.ts';
import type { LevelPlan, RowsSource, ScanPlan } from '../plan/level-plan.ts';

/** Each is a stream of a worker, and has a memory of a kernel to itself. */
const sourcesMax = 1_024;

/**
 * Measurements are read one after the other, subqueries and what is named twice side by side. Throws `limit_exceeded` where those of a
 * statement would be more than a node can have open beside what others ask for.
 */
export function checkSources(plan: LevelPlan): void {
  const count = sourcesOf(plan);
  if (count > sourcesMax)
    throw new DbError('limit_exceeded', `a statement reads at most ${sourcesMax} sources side by side, not ${count}`); // prettier-ignore
}

function sourcesOf({ feeds }: LevelPlan): number {
  let count = 0;
  for (const feed of feeds)
    if (feed.kind === 'windows') count += partsOf(feed.scan);
    else for (const source of feed.sources) count += sourceCount(source);
  return count;
}

function sourceCount(source: RowsSource): number {
  return source.kind === 'scan' ? partsOf(source.scan) : sourcesOf(source.level);
}

function partsOf({ names }: ScanPlan): number {
  return names.reduce((most, { parts }) => Math.max(most, parts.length), 0);
}
