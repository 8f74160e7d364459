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
  if (droppedCount < batch.rowCount) shard.apply(batch, rejects);
  return { droppedCount, fields: [...shard.index.fields('m').keys()] };
}

/** As many series as the shard has, and no more. */
function fullOf(shard: Shard): LimitedDatabase {
  const count = (): number => shard.index.seriesCount;
  return {
    limits: { seriesMax: count(), valuesPerTagMax: 0 },
    database: 'd',
    series: { most: count, count, unknown: (texts) => shard.index.unknown(texts) },
    values: { isAnyFull: () => false, count: () => 0, has: () => true },
  };
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
  const batch = batchOf('m,host=new b=1 1', 'm,host=old b=1 2');
  expect(write(shard, batch, fullOf(shard))).toEqual({ droppedCount: 1, fields: ['a', 'b'] });
});

const longerText = `${longText}x`;
const tooLong = (field: string, measurement: string, lengthBytes = textBytesMax + 1) =>
  `input field "${field}" on measurement "${measurement}" is too long, ${lengthBytes} > ${textBytesMax}`;
const conflict = (field: string, measurement: string) =>
  `field type conflict: input field "${field}" on measurement "${measurement}" is type string, already exists as type float`;
const pastLimit = 'max-series-per-database exceeded database=d limit=1 series=1 keys=1';

/** What a real 1.12.4 says of the last body. */
// prettier-ignore
const bodies: readonly (readonly [string, readonly string[], number, string])[] = [
  ['two rows too long, the later one in the first set', [`a s="${longerText}",u="s" 3`, `b w="${longText}" 1`, `a s="${longText}",u="s" 2`], 3, tooLong('s', 'a', textBytesMax + 2)],
  ['a text too long before a conflict', ['a v=1 1', `b w="${longText}" 2`, 'a v="s" 3'], 2, tooLong('w', 'b')],
  ['a conflict before a text too long', ['a v=1 1', 'a v="s" 2', `b w="${longText}" 3`], 2, conflict('v', 'a')],
  ['a text too long of a field that conflicts', ['a v=1 1', `a v="${longText}" 2`], 1, tooLong('v', 'a')],
  ['a field that conflicts before one too long', ['a v=1 1', `a v="s",w="${longText}" 2`], 1, conflict('v', 'a')],
  ['a field too long before one that conflicts', ['a v=1 1', `a w="${longText}",v="s" 2`], 1, tooLong('w', 'a')],
];

test.each(bodies)('a reason is that of the first row: %s', (_, lines, dropped, said) => {
  const { droppedCount, reason } = newShard().decide(batchOf(...lines));
  expect({ droppedCount, reason }).toEqual({ droppedCount: dropped, reason: said });
});

test('a reason is that of the first row when measurements with the same fields stand together', () => {
  // Those of the same fields are behind each other: a, c, b.
  const lines = ['a v="s" 1', `b w="${longText}" 2`, `c v="${longerText}" 3`];
  expect(newShard().decide(batchOf(...lines)).reason).toBe(tooLong('w', 'b'));
});

test('names in a reason are written as the reference writes them, odd ones with escapes', () => {
  const { reason } = newShard().decide(batchOf('q"q\\\\s \u0002="a" 1', 'q"q\\\\s \u0002=1 2'));
  expect(reason).toBe(String.raw`field type conflict: input field "\x02" on measurement "q\"q\\\\s" is type float, already exists as type string`); // prettier-ignore
});

test('a row with a text that is too long decides no type, be it in the same body or before', () => {
  const shard = newShard();
  expect(write(shard, batchOf(`m v="${longText}" 1`)).droppedCount).toBe(1);
  expect(write(shard, batchOf('m v=1 2'))).toEqual({ droppedCount: 0, fields: ['v'] });
  const both = batchOf(`m w="${longText}" 1`, 'm w=1 2');
  expect(write(shard, both)).toEqual({ droppedCount: 1, fields: ['v', 'w'] });
});

test('a row of a series past the limit decides no type, and its limit is told before all conflicts', () => {
  const shard = newShard();
  write(shard, batchOf('m,t=a x=1 1'));
  const limited = fullOf(shard);
  expect(shard.decide(batchOf('m,t=b v="s" 1', 'm,t=a v=1 2'), limited).droppedCount).toBe(1);
  expect(shard.decide(batchOf('m,t=a v=1 2'), limited).droppedCount).toBe(0);
  expect(shard.decide(batchOf('m,t=a x="s" 1', 'm,t=b x=1 2', 'm,t=a x=2 3'), limited)).toMatchObject({ droppedCount: 2, reason: pastLimit }); // prettier-ignore
});
