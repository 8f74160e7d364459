import { expect, test } from 'vitest';
import { compiledKernels } from './module/kernel-module.ts';

interface CountExports {
  heapBase(): number;
  countMarks(ptr: number, length: number): number;
  countedEquals(): number;
}

const longest = 16 * 255 * 2 + 40;

test('count marks: newlines and equals signs of any length, at any place, are counted each', () => {
  const memory = new WebAssembly.Memory({ initial: 16, maximum: 65_536 });
  const unused = (): number => 0;
  const imports = { env: { memory, slowFloat: unused, slowText: unused, abort: unused } };
  const exports = new WebAssembly.Instance(compiledKernels(), imports)
    .exports as unknown as CountExports;
  const base = exports.heapBase();
  const lengths = [...Array(40).keys(), 16 * 255 - 1, 16 * 255, 16 * 255 + 1, longest];
  const kinds: readonly (readonly [string, (i: number) => number])[] = [
    ['all newlines', () => 10],
    ['all equals signs', () => 61],
    ['a bit of all', (i) => [10, 61, 0, 255, 11, 9, 60, 62][(i * 7 + (i >> 3)) % 8] ?? 0],
  ];
  for (const [, byteAt] of kinds)
    for (const length of lengths) {
      const text = Uint8Array.from({ length }, (_, i) => byteAt(i));
      const at = base + (length % 16);
      new Uint8Array(memory.buffer, at - 1, length + 2).fill(10);
      new Uint8Array(memory.buffer, at, length).set(text);
      expect(exports.countMarks(at, length)).toBe(text.filter((byte) => byte === 10).length);
      expect(exports.countedEquals()).toBe(text.filter((byte) => byte === 61).length);
    }
});
