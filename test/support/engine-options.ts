/** What an engine of a test is started with: nothing is flushed or compacted by itself. */
import { compactionByHand } from '../../src/storage/store/store-options.ts';
import type { StorageEngineOptions } from '../../src/data/engine/engine-tasks.ts';

export const engineOptions: StorageEngineOptions = {
  dataFolder: 'data',
  walFolder: 'wal',
  segmentBytesMax: 700,
  queueBytesMax: 1 << 20,
  arenaBytesMax: 1 << 24,
  snapshotBytes: 1 << 20,
  snapshotColdMs: 600_000,
  cacheBytesMax: 1 << 24,
  memtablesBytesMax: 1 << 24,
  compaction: compactionByHand,
};
