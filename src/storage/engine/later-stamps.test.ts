import { expect, test } from 'vitest';
import { batchOf } from '../../../test/support/store-script.ts';
import { compiledKernels } from '../../kernels/module/kernel-module.ts';
import { StoreKernel } from '../../kernels/store-kernel.ts';
import { decodePointBatch, type PointBatch } from '../../models/point-batch.ts';
import { makeStamp, stampBatch } from '../../models/stamp.ts';
import { Shard } from './shard.ts';

/** As it comes from a coordinator; what it has is made an object of where somebody looks, for each of its measurements. */
function batchAt(ns: bigint, onLook: () => void): PointBatch {
  const payload = batchOf('m v=1 10\nn v=1 10');
  stampBatch(payload, makeStamp(ns, 1, 1));
  const batch = decodePointBatch(payload);
  return Object.defineProperty({ ...batch }, 'shapes', {
    enumerable: true,
    get() {
      onLook();
      return batch.shapes;
    },
  });
}

test('shard: whether a batch is late is told without a look at what it has', () => {
  const shard = new Shard(1, StoreKernel.create(compiledKernels(), { bytesMax: 1 << 26 }));
  const first = decodePointBatch(batchAt(5_000n, () => undefined).payload);
  shard.apply(first, new Uint8Array(first.rowCount));
  let lookCount = 0;
  const later = batchAt(4_000n, () => lookCount++);
  expect([shard.newerThan(later), shard.isLate(later)]).toEqual([undefined, false]);
  expect(lookCount).toBe(0);
});
