import { expect, test } from 'vitest';
import { blocksOf } from '../../../test/support/blocks-of.ts';
import { MemorySource } from '../../../test/support/memory-source.ts';
import { compiledKernels } from '../../kernels/module/kernel-module.ts';
import { QueryKernel } from '../../kernels/query-kernel.ts';
import { fragmentVersion, type Fragment } from '../fragment.ts';
import type { ManyFolded, ManyFoldRequest } from '../source.ts';
import { FragmentContext } from './context.ts';

/** Adds no series with others, as a shard whose files overlap in time, and notes how many it was asked for. */
class AloneSource extends MemorySource {
  askedCount = 0;

  foldMany({ seriesIds }: ManyFoldRequest): ManyFolded {
    this.askedCount += seriesIds.length;
    return { seriesCount: 0, pointCount: 0 };
  }
}

function sourceOf(hostCount: number): AloneSource {
  const hosts = Array.from({ length: hostCount }, (_, i) => `h${i}`);
  return new AloneSource(
    hosts.map((host) => ({ measurement: 'cpu', tags: { host }, fields: { f: 1.5 }, timeNs: 7n })),
    { shardId: 1 },
  );
}

const fragment: Fragment = {
  version: fragmentVersion,
  measurement: 'cpu',
  shardIds: [],
  minTimeNs: 0n,
  maxTimeNs: 9n,
  ascending: true,
  groupBy: ['host'],
  task: { kind: 'windows', fields: [{ name: 'f', type: 'float', parts: ['sum'] }], intervalNs: 0n, offsetNs: 0n }, // prettier-ignore
};

test('windows by host: series that cannot be added together are not looked for again and again', () => {
  const hostCount = 2_000;
  const source = sourceOf(hostCount);
  const kernel = new QueryKernel(compiledKernels(), { bytesMax: 1 << 28 });
  const context = new FragmentContext(kernel, () => () => true, () => false); // prettier-ignore
  expect([...blocksOf(fragment, [source], context)]).toHaveLength(hostCount);
  // Now and then some, to see whether that has changed.
  expect(source.askedCount).toBeLessThan(hostCount);
});

test('windows: a question of few series leaves a small kernel as it was', () => {
  for (const groupBy of [[], ['host']]) {
    const kernel = new QueryKernel(compiledKernels(), { bytesMax: 1 << 28 });
    const { byteLength } = kernel.arena.memory.buffer;
    const source = sourceOf(8);
    const context = new FragmentContext(kernel, () => () => true, () => false); // prettier-ignore
    expect([...blocksOf({ ...fragment, groupBy }, [source], context)]).toHaveLength(groupBy.length * 7 + 1); // prettier-ignore
    expect(source.askedCount).toBe(0);
    expect(kernel.arena.memory.buffer.byteLength).toBe(byteLength);
  }
});
