import { expect, test } from 'vitest';
import { growMemory } from './grow-memory.ts';

const pageBytes = 65_536;

test('grow memory: from a page to 400 MB in few steps, never less than was asked for', () => {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 65_536 });
  const { buffer: first } = memory;
  let steps = 0;
  let before: ArrayBuffer = first;
  for (let end = pageBytes; end <= 400_000_000; end += pageBytes) {
    growMemory(memory, end);
    expect(memory.buffer.byteLength).toBeGreaterThanOrEqual(end);
    if (memory.buffer !== before) steps++;
    before = memory.buffer;
  }
  expect(steps).toBeLessThan(25);
});

test('grow memory: the last page of a limit is had, and one more is not', () => {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 4 });
  growMemory(memory, 4 * pageBytes);
  expect(memory.buffer.byteLength).toBe(4 * pageBytes);
  expect(() => growMemory(memory, 4 * pageBytes + 1)).toThrow(RangeError);
});
