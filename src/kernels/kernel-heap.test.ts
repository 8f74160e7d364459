import fc from 'fast-check';
import { expect, test } from 'vitest';
import { KernelHeap, trimmedBytes } from './kernel-heap.ts';

const heapOf = (bytesMax: number) =>
  new KernelHeap(new WebAssembly.Memory({ initial: 1, maximum: 65_536 }), {
    base: 1_000,
    bytesMax,
  });

test('kernel heap: blocks never overlap, and what is given back is used again', () => {
  const step = fc.record({
    lengthBytes: fc.integer({ min: 1, max: 300_000 }),
    isTrimmed: fc.boolean(),
    frees: fc.nat(3),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const heap = heapOf(1 << 30);
      const run = (): void => {
        const held: { at: number; lengthBytes: number; isTrimmed: boolean }[] = [];
        const free = ({ at, lengthBytes, isTrimmed }: (typeof held)[number]): void => {
          if (isTrimmed) heap.freeTrimmed(at, lengthBytes);
          else heap.free(at, lengthBytes);
        };
        for (const { lengthBytes, isTrimmed, frees } of steps) {
          const at = isTrimmed ? heap.allocateTrimmed(lengthBytes) : heap.allocate(lengthBytes);
          expect(at).toBeGreaterThanOrEqual(1_000);
          expect(at + lengthBytes).toBeLessThanOrEqual(heap.memory.buffer.byteLength);
          for (const one of held)
            expect(at >= one.at + one.lengthBytes || one.at >= at + lengthBytes).toBe(true);
          held.push({ at, lengthBytes, isTrimmed });
          for (const one of held.splice(0, frees)) free(one);
        }
        for (const one of held) free(one);
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

test('kernel heap: a trimmed block leaves what is behind it to others', () => {
  const heap = heapOf(1 << 20);
  const at = heap.allocateTrimmed(70_000);
  expect(trimmedBytes(70_000)).toBe(73_728);
  expect(heap.usedBytes).toBe(73_728);
  const others = [heap.allocate(32_768), heap.allocate(32_768)];
  expect(others).toContain(at + 98_304);
  heap.freeTrimmed(at, 70_000);
  for (const other of others) heap.free(other, 32_768);
  expect(heap.usedBytes).toBe(0);
  expect(heap.allocate(131_072)).toBe(at);
});

test('kernel heap: what a trimmed block takes is at most an eighth more, a smallest block aside', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1 << 30 }), (lengthBytes) => {
      const tookBytes = trimmedBytes(lengthBytes);
      expect(tookBytes).toBeGreaterThanOrEqual(lengthBytes);
      expect(tookBytes).toBeLessThanOrEqual(Math.max(256 + lengthBytes, (lengthBytes * 9) / 8));
    }),
    { numRuns: 200, seed: 6 },
  );
});
