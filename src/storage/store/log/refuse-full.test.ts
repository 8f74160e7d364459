import { expect, test } from 'vitest';
import { DbError } from '../../../base/errors.ts';
import { memoryUsedMax } from '../store-options.ts';
import { logError, refuseFull } from './refuse-full.ts';

const options = (cacheBytesMax: number) => ({ cacheBytesMax, memtablesBytesMax: 1 << 20 }) as never;
const usedMax = memoryUsedMax(options(0));
const kernelWith = (usedBytes: number, keptBytes = 0) => ({ heap: { usedBytes }, kept: { usedBytes: keptBytes } }) as never; // prettier-ignore

test('full memory: a shard takes as much as it may, and all together no more than there is, without what is only kept', () => {
  const refuse = (usedBytes: number, keptBytes: number, memtableBytes: number, cacheBytesMax: number) => () => { refuseFull(kernelWith(usedBytes, keptBytes), options(cacheBytesMax), memtableBytes); }; // prettier-ignore
  expect(refuse(usedMax - 1, 0, 99, 100)).not.toThrow();
  expect(refuse(usedMax + 10, 11, 99, 100)).not.toThrow();
  expect(refuse(usedMax, 0, 0, 100)).toThrow(`engine: cache-max-memory-size exceeded: (${usedMax}/${usedMax})`); // prettier-ignore
  expect(refuse(0, 0, 100, 100)).toThrow('engine: cache-max-memory-size exceeded: (100/100)');
  // 0 is no limit.
  expect(refuse(0, 0, 1e12, 0)).not.toThrow();
});

test('failures of the log: they are in the words of the reference, where the disk is what failed', () => {
  const text = (code: 'io_error' | 'disk_full' | 'queue_full', message: string) => (logError(new DbError(code, message)) as DbError).message; // prettier-ignore
  expect(text('disk_full', 'write a.wal: ENOSPC')).toBe('engine: error writing WAL entry: write a.wal: ENOSPC'); // prettier-ignore
  expect(text('io_error', 'sync a.wal: EIO')).toBe('engine: sync a.wal: EIO');
  expect(text('queue_full', 'write a.wal')).toBe('write a.wal');
  const odd = new Error('odd');
  expect(logError(odd)).toBe(odd);
});
