import { expect, test } from 'vitest';
import { compiledKernels } from '../../../kernels/module/kernel-module.ts';
import { StoreKernel } from '../../../kernels/store-kernel.ts';
import { parseLines } from '../../../models/line-protocol.ts';
import { decodePointBatch, type PointBatch } from '../../../models/point-batch.ts';
import { PointBatchBuilder } from '../../../models/point-batch-builder.ts';
import { seriesKey } from '../../../models/series-key.ts';
import { Shard } from '../shard.ts';

/** A body of so many measurements that names are remembered from one to the next. */
function bodyOf(valueOf: (measurement: number) => string): PointBatch {
  const lines = Array.from({ length: 30 }, (_, i) => `m${i} value=${valueOf(i)} ${i}`).join('\n');
  const builder = new PointBatchBuilder();
  for (const point of parseLines(Buffer.from(lines), { stepNs: 1n, defaultTimeNs: 0n }).points)
    builder.add(seriesKey(point.measurement, point.tags), point);
  return decodePointBatch(builder.finish());
}

function newShard(id: number): Shard {
  return new Shard(id, StoreKernel.create(compiledKernels(), { bytesMax: 1 << 26 }));
}

function write(shard: Shard, batch: PointBatch): string {
  const { rejects, droppedCount, reason } = shard.decide(batch);
  if (droppedCount < batch.rowCount) shard.apply(batch, rejects);
  return `${droppedCount} ${reason}`;
}

test('fields of many measurements keep their types, however often the same body comes', () => {
  const shard = newShard(1);
  const floats = (): PointBatch => bodyOf(() => '1.5');
  for (let round = 0; round < 3; round++) expect(write(shard, floats())).toBe('0 ');
  const conflict = 'field type conflict: input field "value" on measurement "m7" is type integer, already exists as type float'; // prettier-ignore
  const oneInteger = (): PointBatch => bodyOf((i) => (i === 7 ? '2i' : '2'));
  for (let round = 0; round < 2; round++) expect(write(shard, oneInteger())).toBe(`1 ${conflict}`);
  expect(write(shard, floats())).toBe('0 ');
});

test('two shards that take the same bodies decide types of their own', () => {
  const [one, other] = [newShard(1), newShard(2)];
  expect(
    write(
      one,
      bodyOf(() => '1.5'),
    ),
  ).toBe('0 ');
  expect(
    write(
      other,
      bodyOf(() => '1i'),
    ),
  ).toBe('0 ');
  expect(write(one, bodyOf(() => '1i'))).toMatch(/^30 .*"m0" is type integer, already exists as type float$/); // prettier-ignore
  expect(write(other, bodyOf(() => '1.5'))).toMatch(/^30 .*"m0" is type float, already exists as type integer$/); // prettier-ignore
  expect(other.index.fields('m3')).toEqual(new Map([['value', 1]]));
});

test('a type that is forgotten with its measurement is decided anew by the next body', () => {
  const shard = newShard(1);
  const integers = (): PointBatch => bodyOf((i) => (i === 7 ? '2i' : '2'));
  expect(
    write(
      shard,
      bodyOf(() => '1.5'),
    ),
  ).toBe('0 ');
  shard.index.schemas.clear('m7', { keepsTypes: false });
  expect(write(shard, integers())).toBe('0 ');
  expect(shard.index.fields('m7')).toEqual(new Map([['value', 1]]));
  shard.index.schemas.clear('m7', { keepsTypes: true });
  expect(
    write(
      shard,
      bodyOf(() => '1.5'),
    ),
  ).toMatch(/^1 .*"m7" is type float/);
  expect(write(shard, integers())).toBe('0 ');
  expect(shard.index.fields('m7')).toEqual(new Map([['value', 1]]));
});
