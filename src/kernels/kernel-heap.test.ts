import fc from 'fast-check';
import { expect, test } from 'vitest';
import { KernelHeap } from './kernel-heap.ts';

const heapOf = (bytesMax: number) =>
  new KernelHeap(new WebAssembly.Memory({ initial: 1, maximum: 65_536 }), {
    base: 1_000,
    bytesMax,
  });

test('kernel heap: blocks never overlap, and what is given back is used again', () => {
  const step = fc.record({ lengthBytes: fc.integer({ min: 1, max: 300_000 }), frees: fc.nat(3) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const heap = heapOf(1 << 30);
      const run = (): void => {
        const held: { at: number; lengthBytes: number }[] = [];
        for (const { lengthBytes, frees } of steps) {
          const at = heap.allocate(lengthBytes);
          expect(at).toBeGreaterThanOrEqual(1_000);
          expect(at + lengthBytes).toBeLessThanOrEqual(heap.memory.buffer.byteLength);
          for (const one of held)
            expect(at >= one.at + one.lengthBytes || one.at >= at + lengthBytes).toBe(true);
          held.push({ at, lengthBytes });
          for (const one of held.splice(0, frees)) heap.free(one.at, one.lengthBytes);
        }
        for (const one of held) heap.free(one.at, one.lengthBytes);
        expect(heap.usedBytes).toBe(0);
      };
      run();
      const grownBytes = heap.memory.buffer.byteLength;
      run();
      expect(heap.memory.buffer.byteLength).toBe(grownBytes);
    }),
    { numRuns: 50, seed: 5 },
  );
});

test('kernel heap: past its limit it says so, and goes on once something is given back', () => {
  const heap = heapOf(1 << 16);
  const at = heap.allocate(40_000);
  expect(() => heap.allocate(1)).toThrow('cache-max-memory-size exceeded: (65536/65536)');
  heap.free(at, 40_000);
  expect(heap.allocate(60_000)).toBe(at);
});

test('kernel heap: addresses beyond 2 GiB are addresses', () => {
  const heap = heapOf(2 ** 32);
  const low = heap.allocate(2 ** 31);
  expect(low).toBe(2 ** 31);
  const small = heap.allocate(8);
  expect(small).toBeLessThan(2 ** 31);
  heap.free(low, 2 ** 31);
  heap.free(small, 8);
  expect(heap.usedBytes).toBe(0);
});
