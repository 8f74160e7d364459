import type { AllowedSeries } from '../../query/plan/match-measurements.ts';
import { allowedOf } from '../access/series-rules.ts';
import type { SelectContext } from './select-context.ts';

/** What whoever asks may read; undefined where that is all. */
export function allowedSeries({ rules }: Pick<SelectContext, 'rules'>): AllowedSeries | undefined {
  if (rules === undefined) return undefined;
  return (database, measurement) => {
    const bound = rules.reads(database);
    return bound === undefined ? 'all' : allowedOf(bound, measurement);
  };
}
