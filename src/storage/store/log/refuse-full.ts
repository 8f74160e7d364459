/** Why a write is not taken, in the words of the reference. */
import { DbError, isDbError } from '../../../base/errors.ts';
import type { StoreKernel } from '../../../kernels/store-kernel.ts';
import { memoryUsedMax, type StoreOptions } from '../store-options.ts';

/** Throws `cache_full` when there is no room in memory for more of a shard with so much in its memtables. */
export function refuseFull(
  { heap, kept }: StoreKernel,
  options: StoreOptions,
  memtableBytes: number,
): void {
  const { cacheBytesMax } = options;
  const usedMax = memoryUsedMax(options);
  const usedBytes = heap.usedBytes - kept.usedBytes;
  if (usedBytes >= usedMax) throw full(usedBytes, usedMax);
  if (cacheBytesMax > 0 && memtableBytes >= cacheBytesMax) throw full(memtableBytes, cacheBytesMax);
}

/** What the disk said of a record of the log. */
export function logError(error: unknown): unknown {
  if (!isDbError(error, 'io_error') && !isDbError(error, 'disk_full')) return error;
  const isOfEntry = error.message.startsWith('write ');
  const what = isOfEntry ? 'engine: error writing WAL entry' : 'engine';
  return new DbError(error.code, `${what}: ${error.message}`, { cause: error });
}

function full(usedBytes: number, bytesMax: number): DbError {
  return new DbError(
    'cache_full',
    `engine: cache-max-memory-size exceeded: (${usedBytes}/${bytesMax})`,
  );
}
