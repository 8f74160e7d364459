import type { Grid } from '../plan/level-plan.ts';
import type { PointBatch } from './batch.ts';
import type { Stage } from './stage.ts';
import { shownStartNs, windowAt } from './windows.ts';

/** Points at the starts of their windows. */
export class StartsStage implements Stage {
  readonly #grid: Grid;
  readonly heldBytes = 0;

  constructor(grid: Grid) {
    this.#grid = grid;
  }

  *push(points: PointBatch): Iterable<PointBatch> {
    const { timesNs } = points;
    const grid = this.#grid;
    const startsNs = new BigInt64Array(timesNs.length);
    let window = { startNs: 0n, endNs: 0n };
    for (let row = 0; row < timesNs.length; row++) {
      const timeNs = timesNs[row] ?? 0n;
      if (timeNs < window.startNs || timeNs >= window.endNs) window = windowAt(timeNs, grid);
      startsNs[row] = shownStartNs(window.startNs);
    }
    yield { ...points, timesNs: startsNs };
  }

  *finish(): Iterable<PointBatch> {
    // Nothing is held.
  }
}
