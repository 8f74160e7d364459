import { inLanes } from './in-lanes.ts';

/** Does `work` to each item, `laneCount` at a time, whatever fails. What failed first is thrown once all were tried. */
export async function tryAll<T>(
  items: readonly T[],
  laneCount: number,
  work: (item: T) => Promise<unknown>,
): Promise<void> {
  const failures: unknown[] = [];
  await inLanes(items, laneCount, async (item) => {
    try {
      await work(item);
    } catch (error) {
      failures.push(error);
    }
  });
  if (failures.length > 0) throw failures[0];
}
