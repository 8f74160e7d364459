/** The log that the shards of a worker write to from now on, in segments of a run of its own. */
import { WalWriter, type GroupWatch, type WalSegment } from '../../wal/wal-writer.ts';
import type { StoreOptions, StorePorts } from '../store-options.ts';

/** What of it was found: the last run, and segments that are to go one day. */
export interface FoundLog {
  readonly run: number;
  readonly segments: readonly WalSegment[];
}

export function openLog(
  { disk, clock, random }: StorePorts,
  options: Pick<StoreOptions, 'walFolder' | 'worker' | 'segmentBytesMax' | 'queueBytesMax' | 'syncDelayMs'> & { readonly watch: GroupWatch }, // prettier-ignore
  { run, segments }: FoundLog,
): WalWriter {
  const { walFolder, worker, segmentBytesMax, queueBytesMax, syncDelayMs = 0, watch } = options;
  const gathering = syncDelayMs === 0 ? undefined : { clock, delayMs: syncDelayMs };
  const salt = random?.u32() ?? 0;
  return new WalWriter(
    disk,
    { folder: walFolder, run: run + 1, worker, segmentBytesMax, queueBytesMax, salt, watch, gathering }, // prettier-ignore
    segments,
  );
}
