import { expect, test } from 'vitest';
import { MiB } from '../../base/units.ts';
import type { QueryKernel } from '../../kernels/query-kernel.ts';
import { IdleKernels } from './idle-kernels.ts';

const make = () => new IdleKernels({ bytesMax: 256 * MiB });

function taken(kernels: IdleKernels, count: number): QueryKernel[] {
  return Array.from({ length: count }, () => kernels.take());
}

test('idle kernels: those of eight small queries at once are used again, emptied', () => {
  const kernels = make();
  const first = taken(kernels, 8);
  for (const kernel of first) kernel.arena.allocate(1_000);
  for (const kernel of first) kernels.give(kernel);
  const second = taken(kernels, 8);
  expect(new Set(second)).toEqual(new Set(first));
  for (const { arena } of second) expect(arena.mark()).toBe(arena.base);
});

test('idle kernels: few that have grown are kept, and none that has grown large', () => {
  const kernels = make();
  const grown = taken(kernels, 8);
  for (const { arena } of grown) arena.allocate(MiB);
  for (const kernel of grown) kernels.give(kernel);
  expect(kernels.count).toBe(4);
  const [large] = taken(kernels, 1);
  large?.arena.allocate(100 * MiB);
  if (large !== undefined) kernels.give(large);
  expect(kernels.count).toBe(3);
});

test('idle kernels: no more small ones are kept than are under way at most', () => {
  const kernels = make();
  for (const kernel of taken(kernels, 40)) kernels.give(kernel);
  expect(kernels.count).toBe(32);
});
