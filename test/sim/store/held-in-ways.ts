import type { Store } from '../../../src/storage/store/store.ts';
import { finished } from '../../support/finished.ts';
import { fields, numberOf } from './odd-values.ts';
import { foldFault, readWays, seriesFaults, type Bounds } from './read-ways.ts';
import type { Held } from './store-model.ts';

/** All that a shard holds. Throws where two ways to read it differ, `within` bounds, if there are any, too. */
export function heldInWays(
  store: Store,
  shardId: number,
  { timeCount, within }: { readonly timeCount: number; readonly within: Bounds | undefined },
): Held {
  const points: string[] = [];
  const series: string[] = [];
  const view = store.view(shardId);
  if (view === undefined) return { points, series };
  try {
    for (const measurement of view.measurements()) {
      const ids = finished(view.seriesIds(measurement));
      if (ids.length === 0) series.push(`${measurement} without series`);
      throwAny(seriesFaults(view, measurement, 't'));
      for (const id of ids) {
        const key = view.seriesKey(id);
        series.push(key);
        for (const field of fields) {
          const { rows, faults } = readWays(view, id, field, within);
          throwAny(faults.map((fault) => `${key} ${field}: ${fault}`));
          for (const { timeNs, value } of rows)
            points.push(`${key} ${field} ${numberOf(timeNs, timeCount)} ${value}`);
          if (within === undefined) continue;
          const type = view.fieldType(measurement, field);
          const isFolded = (type === 'float' || type === 'integer') && within.maxTimeNs - within.minTimeNs < 100n; // prettier-ignore
          if (isFolded) throwAny([foldFault(view, { seriesId: id, field, type, ...within })].filter((fault) => fault !== '')); // prettier-ignore
        }
      }
    }
  } finally {
    view.release();
  }
  return { points: points.sort(), series: series.sort() };
}

function throwAny(faults: readonly string[]): void {
  if (faults.length > 0) throw new Error(faults.slice(0, 3).join('; '));
}
