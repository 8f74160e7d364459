import type { EngineHost, EngineLink } from '../../env/engine-host.ts';
import { sharedCompactionSlots } from '../../storage/store/compaction/compaction-slots.ts';
import { sharedSeriesBounds } from '../../storage/store/shards/series-bounds.ts';
import type { StorageEngineOptions } from './engine-tasks.ts';

/**
 * Starts `count` workers side by side, which nobody has to know the cluster for. All read the log that they share; once they
 * have, one of them deals with what is damaged of it.
 */
export async function startWorkers(
  host: EngineHost,
  count: number,
  asked: StorageEngineOptions,
): Promise<readonly EngineLink[]> {
  const indexes = Array.from({ length: count }, (_, index) => index);
  const options = {
    ...asked,
    seriesBounds: sharedSeriesBounds(count),
    compactionSlots: sharedCompactionSlots(count),
  };
  const spawned = await Promise.allSettled(indexes.map((index) => host.spawn({ index, count, options }))); // prettier-ignore
  const links = spawned.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  try {
    const failed = spawned.find((one) => one.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
    await links[0]?.call('settle-log', undefined);
  } catch (error) {
    await Promise.all(links.map((link) => link.close()));
    throw error;
  }
  return links;
}
