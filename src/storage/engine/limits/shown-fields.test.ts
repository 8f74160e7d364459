import { expect, test } from 'vitest';
import { compiledKernels } from '../../../kernels/module/kernel-module.ts';
import { StoreKernel } from '../../../kernels/store-kernel.ts';
import { parseLines } from '../../../models/line-protocol.ts';
import { decodePointBatch, type PointBatch } from '../../../models/point-batch.ts';
import { PointBatchBuilder } from '../../../models/point-batch-builder.ts';
import { seriesKey } from '../../../models/series-key.ts';
import { Shard } from '../shard.ts';
import type { LimitedDatabase } from './series-limits.ts';
import { textBytesMax } from './text-length.ts';

function batchOf(...lines: readonly string[]): PointBatch {
  const builder = new PointBatchBuilder();
  const { points } = parseLines(Buffer.from(lines.join('\n')), { stepNs: 1n, defaultTimeNs: 0n });
  for (const point of points) builder.add(seriesKey(point.measurement, point.tags), point);
  return decodePointBatch(builder.finish());
}

function newShard(): Shard {
  return new Shard(1, StoreKernel.create(compiledKernels(), { bytesMax: 1 << 26 }));
}

/** How many rows were dropped, and the fields of `m` that show then. */
function write(shard: Shard, batch: PointBatch, limited?: LimitedDatabase) {
  const { rejects, droppedCount } = shard.decide(batch, limited);
  shard.apply(batch, rejects);
  return { droppedCount, fields: [...shard.index.fields('m').keys()] };
}

const longText = 'x'.repeat(textBytesMax + 1);

test('a field shows by its later points when the first one has a text that is too long', () => {
  const batch = batchOf(`m t="${longText}" 1`, 'm t="y" 2');
  expect(write(newShard(), batch)).toEqual({ droppedCount: 1, fields: ['t'] });
});

test('a field of which all points are refused does not show', () => {
  const batch = batchOf(`m t="${longText}" 1`, 'm v=1 2', `m t="${longText}" 3`);
  expect(write(newShard(), batch)).toEqual({ droppedCount: 2, fields: ['v'] });
});

test('a field shows by points of known series when the first one is of a series past the limit', () => {
  const shard = newShard();
  write(shard, batchOf('m,host=old a=1 1'));
  const limited = {
    limits: { seriesMax: 1, valuesPerTagMax: 0 },
    database: 'd',
    series: { most: () => 1, count: () => 1, unknown: shard.index.unknown.bind(shard.index) },
    values: { isAnyFull: () => false, count: () => 0, has: () => true },
  };
  const batch = batchOf('m,host=new b=1 1', 'm,host=old b=1 2');
  expect(write(shard, batch, limited)).toEqual({ droppedCount: 1, fields: ['a', 'b'] });
});
