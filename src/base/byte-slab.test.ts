import { expect, test } from 'vitest';
import { ByteSlab } from './byte-slab.ts';

test('byte slab: what is taken is zeroed and nobody else has it, however long it is', () => {
  const slab = new ByteSlab();
  const taken: Uint8Array[] = [];
  for (const lengthBytes of [
    0,
    1,
    200,
    4_096,
    4_097,
    100_000,
    ...Array.from({ length: 500 }, (_, i) => i),
  ]) {
    // prettier-ignore
    const bytes = slab.take(lengthBytes);
    expect(bytes.length).toBe(lengthBytes);
    expect(bytes.every((byte) => byte === 0)).toBe(true);
    bytes.fill((taken.length % 255) + 1);
    taken.push(bytes);
  }
  for (const [i, bytes] of taken.entries()) expect(bytes.every((byte) => byte === (i % 255) + 1)).toBe(true); // prettier-ignore
});
