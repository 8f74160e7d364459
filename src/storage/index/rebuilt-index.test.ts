import { expect, test } from 'vitest';
import { DbError } from '../../base/errors.ts';
import { Slices } from '../../env/slices.ts';
import { compiledKernels } from '../../kernels/module/kernel-module.ts';
import { StoreKernel } from '../../kernels/store-kernel.ts';
import { joinTexts } from '../../models/batch-writer.ts';
import { finished } from '../../../test/support/finished.ts';
import { ShardIndex } from './shard-index.ts';

const kernel = StoreKernel.create(compiledKernels(), { bytesMax: 1 << 28 });
const reason = new DbError('corrupt', 'a page is damaged');

/** Of a shard whose memtable is being flushed: series a is in both tables. */
function inTwoTables(): ShardIndex {
  const index = new ShardIndex(kernel);
  const add = (...keys: string[]) => index.resolve(joinTexts(keys.map((key) => Buffer.from(key))));
  add('cpu,host=a', 'cpu,host=b');
  index.beginTable();
  add('cpu,host=a', 'cpu,host=c');
  return index;
}

function keysOf(index: ShardIndex): readonly string[] {
  const view = index.view();
  const keys = [...finished(view.seriesIds('cpu'))].map((id) => view.series(id).key);
  view.release();
  return keys;
}

const slices = new Slices({
  clock: { monotonicMs: () => 0, sleep: () => Promise.resolve() },
  turn: () => Promise.resolve(),
});

test('shard index: made anew during a flush it has each series once', async () => {
  const index = inTwoTables();
  await index.beginRebuild(reason, slices);
  index.endRebuild();
  expect(keysOf(index)).toEqual(['cpu,host=a', 'cpu,host=b', 'cpu,host=c']);
  expect(index.seriesCount).toBe(3);
});

test('shard index: with that of a copy in its place during a flush it has each series once', async () => {
  const index = inTwoTables();
  await index.beginInstall(reason, [], slices);
  index.endRebuild();
  expect(keysOf(index)).toEqual(['cpu,host=a', 'cpu,host=b', 'cpu,host=c']);
  expect(index.seriesCount).toBe(3);
});
