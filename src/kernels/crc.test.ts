import { crc32 } from 'node:zlib';
import { expect, test } from 'vitest';
import { compiledKernels } from './module/kernel-module.ts';
import { StoreKernel } from './store-kernel.ts';

test('crc: any bytes at any place have that of zlib', () => {
  const kernel = StoreKernel.create(compiledKernels(), { bytesMax: 1 << 20 });
  const at = kernel.heap.allocate(1_024);
  const all = Uint8Array.from({ length: 300 }, (_, i) => (i * 151 + 7) & 255);
  for (let length = 0; length <= all.length; length++) {
    const bytes = all.subarray(0, length);
    kernel.bytes(at + (length % 8), length).set(bytes);
    expect(kernel.exports.crcOf(at + (length % 8), length) >>> 0).toBe(crc32(bytes));
  }
});
