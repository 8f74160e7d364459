import { expect, test } from 'vitest';
import { Arena } from './arena.ts';

const arenaOf = (bytesMax: number) =>
  new Arena(new WebAssembly.Memory({ initial: 1, maximum: 32 }), { base: 1, bytesMax });

test('what is taken begins at a multiple of 16 bytes, and is given back to a mark', () => {
  const arena = arenaOf(1 << 20);
  expect(arena.allocate(5)).toBe(16);
  const mark = arena.mark();
  expect(arena.allocate(100_000)).toBe(32);
  expect(arena.memory.buffer.byteLength).toBeGreaterThanOrEqual(100_032);
  arena.release(mark);
  expect(arena.allocate(1)).toBe(32);
});

// Past 2 GiB an int32 is negative, past 4 GiB a small number.
test.each([1 << 20, 2 ** 31, 2 ** 32, 2 ** 32 + 16])(
  'no more than what was allowed: %d bytes',
  (lengthBytes) => {
    const arena = arenaOf(1 << 20);
    expect(() => arena.allocate(lengthBytes)).toThrow('columns in work take more than');
    expect(arena.mark()).toBe(arena.base);
  },
);
