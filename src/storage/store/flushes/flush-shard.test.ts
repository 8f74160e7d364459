import { expect, test } from 'vitest';
import { batchOf, kept } from '../../../../test/support/store-script.ts';
import { World } from '../../../../test/sim/world/world.ts';
import { DbError } from '../../../base/errors.ts';
import type { Env } from '../../../env/env.ts';
import { compiledKernels } from '../../../kernels/module/kernel-module.ts';
import { StoreKernel } from '../../../kernels/store-kernel.ts';
import { decodePointBatch } from '../../../models/point-batch.ts';
import { PageCache } from '../../pages/page-cache.ts';
import { emptyShard } from '../shards/open-shards.ts';
import { flushShard } from './flush-shard.ts';

const folder = 'data/db/autogen/7';

async function inWorld(body: (env: Env) => Promise<void>): Promise<void> {
  const world = new World(1);
  await world.complete(body(world.addNode('a').env));
}

test('flush of a shard: a file whose points a delete could not bring again is listed by the next flush', async () => {
  await inWorld(async ({ disk, clock, log }) => {
    const kernel = StoreKernel.create(compiledKernels(), { bytesMax: 1 << 24 });
    const cache = new PageCache(1 << 20);
    const ports = { disk, clock, log, kernel, cache, blocks: cache, turn: () => Promise.resolve() };
    await disk.makeDir(folder);
    const open = emptyShard(ports, folder, { place: kept, sequence: 0, copy: undefined });
    const batch = decodePointBatch(batchOf('m v=1 1'));
    open.shard.apply(batch, open.shard.decide(batch).rejects);
    open.sequence = open.appliedSequence = 5;
    const full = new DbError('disk_full', 'the log has no room');
    open.striking = { bringAgain: () => Promise.reject(full), namesOf: () => [] };
    const flush = (): Promise<boolean> => flushShard(open, { folder, beginsTable: false }, ports);
    await expect(flush()).rejects.toBe(full);
    // Its records stay in the log, and the points are read once.
    expect([open.flushedSequence, open.manifest.manifest.files.size]).toEqual([0, 0]);
    expect([open.shard.files.length, open.shard.memtableBytes]).toEqual([1, 0]);
    open.striking = undefined;
    // A delete asks for it, and no compaction takes the file before.
    expect(open.isIndexBehind).toBe(true);
    expect(await flush()).toBe(true);
    const names = (await disk.list(folder)).map(({ name }) => name).filter((name) => name.endsWith('.tsm')); // prettier-ignore
    expect([...open.manifest.manifest.files.keys()]).toEqual(names);
    expect([open.flushedSequence, names.length, open.shard.files.length]).toEqual([5, 1, 1]);
    expect(open.isIndexBehind).toBe(false);
    await open.shard.close();
  });
});
