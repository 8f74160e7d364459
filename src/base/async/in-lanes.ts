/**
 * Does `work` to each item, `laneCount` at a time; answers come in the order of the items. After the first failure nothing
 * new is begun, and it is thrown once all that was begun has ended.
 */
export async function inLanes<T, R>(
  items: readonly T[],
  laneCount: number,
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const answers: R[] = [];
  const failures: unknown[] = [];
  const rest = items.entries();
  const lane = async (): Promise<void> => {
    for (const [at, item] of rest) {
      if (failures.length > 0) return;
      try {
        answers[at] = await work(item);
      } catch (error) {
        failures.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: laneCount }, lane));
  if (failures.length > 0) throw failures[0];
  return answers;
}
